//! Events delivered per second: to a thousand clients, and to one with thousands of watches.

use std::time::Duration;

use xenwire_xenstore::{Client, Nodes};

use crate::Bench;
use crate::measure::time;

/// Reads as many events as are to come.
fn read(client: &mut Client, count: usize) {
    for _ in 0..count {
        let event = client.event(Some(Duration::from_secs(20))).unwrap();
        assert!(event.is_some(), "an event is missing");
    }
}

fn print_rate(name: &str, events: usize, took: Duration) {
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let rate = events as f64 / took.as_secs_f64();
    println!("  {name:<44} {events:>7} events in {took:>8.1?}: {rate:>10.0} a second");
}

pub fn run() {
    for clients in [10, 100, 1000] {
        let writes = 20_000 / clients;
        let bench = Bench::start();
        let mut writer = bench.client();
        let mut watching: Vec<Client> = (0..clients).map(|_| bench.client()).collect();
        for client in &mut watching {
            client.watch("/fan", "token").unwrap();
            read(client, 1);
        }
        let took = time(|| {
            for number in 0..writes {
                writer.write(&format!("/fan/{number}"), b"1").unwrap();
            }
            watching.iter_mut().for_each(|client| read(client, writes));
        });
        print_rate(
            &format!("{clients} clients, a watch each, {writes} writes"),
            clients * writes,
            took,
        );
    }
    for watches in [10, 1000, 5000] {
        let writes = 20_000 / watches;
        let bench = Bench::start();
        let (mut writer, mut client) = (bench.client(), bench.client());
        let set = time(|| {
            for number in 0..watches {
                client.watch("/fan", &number.to_string()).unwrap();
            }
        });
        read(&mut client, watches);
        let took = time(|| {
            for number in 0..writes {
                writer.write(&format!("/fan/{number}"), b"1").unwrap();
                read(&mut client, watches);
            }
        });
        print_rate(
            &format!("one client, {watches} watches, {writes} writes"),
            watches * writes,
            took,
        );
        let each = set / u32::try_from(watches).unwrap();
        println!("    setting them took {each:?} each");
    }
}
