//! A thousand clients, ten thousand watches, a hundred thousand nodes: memory, reads, writes.

use std::time::Duration;

use xenwire_xenstore::{Client, Nodes};

use crate::Bench;
use crate::measure::{memory, percentile, print_spread, scattered, times};

const CLIENTS: usize = 1000;
const WATCHES_EACH: usize = 10;
const GROUPS: usize = 1000;
const NODES_EACH: usize = 99; // and the group itself
const CALLS: usize = 20_000;
const ROUNDS: usize = 5;

/// What was promised for the 99th percentile of a read.
const PROMISED: Duration = Duration::from_millis(1);

pub fn run() {
    let bench = Bench::start();
    let start = memory();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| bench.client()).collect();
    for client in &mut clients {
        client.domain_path(0).unwrap();
    }
    let with_clients = memory();
    for (number, client) in clients.iter_mut().enumerate() {
        for watch in 0..WATCHES_EACH {
            let path = format!("/local/domain/{number}/device/vif/{watch}/state");
            client.watch(&path, "token").unwrap();
        }
        while client.event(Some(Duration::ZERO)).unwrap().is_some() {}
    }
    let with_watches = memory();
    let paths = make_nodes(&mut clients[0]);
    let with_nodes = memory();
    let each = |bytes: u64, count: usize| bytes / u64::try_from(count).unwrap();
    let nodes = GROUPS * (1 + NODES_EACH);
    println!(
        "  {CLIENTS} clients, {} watches, {nodes} nodes",
        CLIENTS * WATCHES_EACH
    );
    println!(
        "  bytes: {} a client (both ends), {} a watch, {} a node (name and value of 10 bytes each)",
        each(with_clients - start, CLIENTS),
        each(with_watches - with_clients, CLIENTS * WATCHES_EACH),
        each(with_nodes - with_watches, nodes),
    );

    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let path = |number| paths[scattered(number + round, paths.len())].as_str();
        let mut client = 0;
        let mut next = || {
            client = (client + 1) % CLIENTS;
            client
        };
        let read = times(CALLS, |number| {
            clients[next()].read(path(number)).unwrap();
        });
        let written = times(CALLS, |number| {
            clients[next()].write(path(number), b"0123456789").unwrap();
        });
        // The first round only warms up.
        if round > 0 {
            reads.push(read);
            writes.push(written);
        }
    }
    let mut p99s: Vec<Duration> = reads
        .iter_mut()
        .map(|read| percentile(read, 0.99))
        .collect();
    print_spread("read, by all clients in turn", &mut reads.concat());
    print_spread("write, by all clients in turn", &mut writes.concat());
    let p99 = percentile(&mut p99s, 0.5);
    let verdict = if p99 < PROMISED {
        "holds"
    } else {
        "does not hold"
    };
    println!("  p99 of a read below {PROMISED:?}: {verdict} ({p99:?}, median of {ROUNDS} rounds)");
}

fn make_nodes(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    for group in 0..GROUPS {
        let paths = (0..NODES_EACH).map(|node| format!("/vm/{group}/node-{node:05}"));
        let paths: Vec<String> = paths.collect();
        let nodes: Vec<(&str, &[u8])> = paths
            .iter()
            .map(|path| (path.as_str(), &b"0123456789"[..]))
            .collect();
        client.write_many(&nodes).unwrap();
        all.extend(paths);
    }
    all
}
