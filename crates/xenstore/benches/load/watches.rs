//! What a write costs when others watch something else.

use std::time::Duration;

use xenwire_xenstore::{Client, Nodes};

use crate::Bench;
use crate::measure::{median, micros, ratio, times};

const COUNTS: [usize; 4] = [10, 100, 1000, 10_000];
const CALLS: usize = 2000;
const ROUNDS: usize = 15;

pub fn run() {
    let benches = COUNTS.map(|_| Bench::start());
    let mut watchers: Vec<Client> = benches.iter().map(Bench::client).collect();
    for (watcher, count) in watchers.iter_mut().zip(COUNTS) {
        for number in 0..count {
            let path = format!("/local/domain/{number}/device/vif/0/state");
            watcher.watch(&path, "token").unwrap();
        }
        while watcher.event(Some(Duration::ZERO)).unwrap().is_some() {}
    }
    let mut writers: Vec<Client> = benches.iter().map(Bench::client).collect();
    let mut medians = COUNTS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (writer, medians) in writers.iter_mut().zip(&mut medians) {
            let mut written = times(CALLS, |number| {
                let path = format!("/local/domain/0/backend/vif/{}/0/state", number % 50);
                writer.write(&path, b"4").unwrap();
            });
            medians.push(median(&mut written));
        }
    }
    let medians = medians.map(|mut medians| median(&mut medians));
    for (count, this) in COUNTS.into_iter().zip(medians) {
        let (micros, ratio) = (micros(this), ratio(this, medians[0]));
        println!(
            "  write with {count:>6} unrelated watches {micros:>8.1} us   {ratio:>5.2} of that with 10"
        );
    }
}
