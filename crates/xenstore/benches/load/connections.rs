//! What the number of connections costs those who connect, watch, and start transactions.

use xenwire_xenstore::{Client, Error};

use crate::Bench;
use crate::measure::{median, micros, times};

const COUNTS: [usize; 3] = [10, 1000, 4000];
const CALLS: usize = 400;
const GUEST: u16 = 5;

pub fn run() {
    println!("  median us with so many others connected");
    println!(
        "            dom0 connects   guest connects   guest reads   guest watches   guest starts and"
    );
    println!(
        "            and reads       and reads                      and unwatches   ends a transaction"
    );
    for count in COUNTS {
        let bench = Bench::start();
        let (dom0, guest) = (bench.listen(0), bench.listen(GUEST));
        let _others: Vec<Client> = (0..count)
            .map(|_| {
                let mut client = bench.client();
                client.domain_path(0).unwrap();
                client
            })
            .collect();
        let connects = |socket| {
            let mut took = times(CALLS, |_| {
                Client::connect(socket).unwrap().domain_path(0).unwrap();
            });
            micros(median(&mut took))
        };
        let (dom0, guest_connects) = (connects(&dom0), connects(&guest));
        let mut client = Client::connect(&guest).unwrap();
        let mut reads = times(CALLS, |_| {
            client.domain_path(0).unwrap();
        });
        let mut watches = times(CALLS, |_| {
            client.watch("data", "token").unwrap();
            client.unwatch("data", "token").unwrap();
        });
        let mut transactions = times(CALLS, |_| {
            let nothing: Result<(), Error> = client.transaction(1, |_| Ok(()));
            nothing.unwrap();
        });
        let [reads, watches, transactions] =
            [&mut reads, &mut watches, &mut transactions].map(|took| micros(median(took)));
        println!(
            "  {count:>6} {dom0:>13.1} {guest_connects:>16.1} {reads:>13.1} {watches:>15.1} {transactions:>15.1}"
        );
    }
}
