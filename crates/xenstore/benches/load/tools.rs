//! Our client and Debian's C tools against the same server, in turns.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use xenwire_xenstore::{Client, Error, Nodes};

use crate::Bench;
use crate::measure::{median, micros, ratio, time};

/// The word that makes this binary read one node and end.
pub const ONE_READ: &str = "one-read";

/// Paths in one call of `xenstore-read`, which is one transaction.
const MANY: u32 = 1000;
const ROUNDS: usize = 15;
const PATH: &str = "/local/domain/0/backend/vif/7/0/state";

/// What this binary does when it plays `xenstore-read`.
pub fn one_read(socket: &Path, path: &str) {
    let value = Client::connect(socket).unwrap().read_text(path).unwrap();
    println!("{value}");
}

/// How long a program takes from its start to its end.
fn whole(command: &mut Command) -> Duration {
    time(|| assert!(command.stdout(Stdio::null()).status().unwrap().success()))
}

pub fn run() {
    let bench = Bench::start();
    let socket = bench.listen(0);
    let mut store = bench.client();
    store.write(PATH, b"4").unwrap();
    let tool = |count: u32| {
        let mut command = Command::new("xenstore-read");
        command.env("XENSTORED_PATH", &socket);
        command.args((0..count).map(|_| PATH));
        command
    };
    if tool(1).stdout(Stdio::null()).status().is_err() {
        println!("  xenstore-read is missing; Debian has it in xenstore-utils");
        return;
    }
    let own = std::env::current_exe().unwrap();

    let [
        mut c_trip,
        mut our_trip,
        mut c_whole,
        mut our_whole,
        mut our_call,
    ] = std::array::from_fn(|_| Vec::new());
    for round in 0..=ROUNDS {
        let c_one = whole(&mut tool(1));
        let c_many = whole(&mut tool(MANY + 1));
        let mut client = Client::connect(&socket).unwrap();
        let in_transaction = |client: &mut Client, count: u32| {
            time(|| {
                let read = client.transaction(1, |nodes| {
                    (0..count).try_for_each(|_| nodes.read(PATH).map(drop))
                });
                read.unwrap_or_else(|error: Error| panic!("{error}"));
            })
        };
        let our_one = in_transaction(&mut client, 1);
        let our_many = in_transaction(&mut client, MANY + 1);
        let mut command = Command::new(&own);
        command.arg(ONE_READ).arg(&socket).arg(PATH);
        let process = whole(&mut command);
        let call = time(|| drop(Client::connect(&socket).unwrap().read(PATH).unwrap()));
        // The first round only warms up.
        if round > 0 {
            c_trip.push(c_many.saturating_sub(c_one) / MANY);
            our_trip.push(our_many.saturating_sub(our_one) / MANY);
            c_whole.push(c_one);
            our_whole.push(process);
            our_call.push(call);
        }
    }
    let rows = [
        (
            "round trip in a transaction",
            &mut our_trip,
            median(&mut c_trip),
        ),
        (
            "a process that reads one node",
            &mut our_whole,
            median(&mut c_whole),
        ),
        (
            "connect and read, in a process",
            &mut our_call,
            median(&mut c_whole),
        ),
    ];
    for (name, ours, c) in rows {
        let ours = median(ours);
        println!(
            "  {name:<34} {:>8.1} us   C tool {:>8.1} us   ratio {:>5.2}",
            micros(ours),
            micros(c),
            ratio(ours, c)
        );
    }
}
