//! The rows of the table.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::clock::{Cost, Summary, children, run};
use crate::dom0::{Dom0, Vif};
use crate::side::{Act, Side};

/// How often each side has its turn.
const ROUNDS: usize = 40;

/// How many at once, as xl starts the guests of a host.
const AT_ONCE: usize = 8;

/// One vif comes and goes.
pub fn one_vif(dom0: &mut Dom0) {
    let mut costs = vec![Vec::new(); Side::ALL.len() * 2];
    for round in 0..=ROUNDS {
        for (number, side) in Side::ALL.into_iter().enumerate() {
            dom0.make(&Vif::FIRST);
            for (act, costs) in [Act::Online, Act::Offline]
                .into_iter()
                .zip(&mut costs[number * 2..])
            {
                let cost = run(&mut side.command(act, &Vif::FIRST));
                dom0.check(&Vif::FIRST, act, side);
                // The first round fills the caches.
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
    }
    println!("one vif, {ROUNDS} rounds, milliseconds (ratio to ip -batch):\n");
    for (at, act) in [Act::Online, Act::Offline].into_iter().enumerate() {
        let of = |number: usize| Summary::of(&costs[number * 2 + at]);
        let floor = of(1);
        for (number, side) in Side::ALL.into_iter().enumerate() {
            let this = of(number);
            println!(
                "| {act:7} | {side:15} | {} | {} | {} |",
                against(this.cpu, floor.cpu),
                against(this.least, floor.least),
                against(this.median, floor.median),
            );
        }
    }
    println!();
}

/// A hundred vifs, eight at a time.
pub fn hundred(dom0: &mut Dom0) {
    let vifs: Vec<Vif> = (100..200)
        .map(|domid| Vif {
            domid,
            bridge: "br0",
        })
        .collect();
    let mut costs = [const { Vec::new() }; 3];
    for _ in 0..3 {
        for (side, costs) in Side::ALL.into_iter().zip(&mut costs) {
            dom0.make_all(&vifs);
            let cost = at_once(side, &vifs);
            for vif in &vifs {
                dom0.check(vif, Act::Online, side);
            }
            costs.push(cost);
        }
    }
    println!("a hundred vifs come, {AT_ONCE} at a time, milliseconds (ratio to ip -batch):\n");
    let floor = Summary::of(&costs[1]);
    for (side, costs) in Side::ALL.into_iter().zip(&costs) {
        let this = Summary::of(costs);
        println!(
            "| {side:15} | {} | {} |",
            against(this.cpu, floor.cpu),
            against(this.least, floor.least),
        );
    }
    println!();
}

fn at_once(side: Side, vifs: &[Vif]) -> Cost {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let (cpu, began) = (children(), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(vif) = vifs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let status = side.command(Act::Online, vif).status().unwrap();
                    if !status.success() {
                        failed.lock().unwrap().push(vif.link());
                    }
                }
            });
        }
    });
    let wall = began.elapsed();
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{side}: {failed:?}");
    Cost {
        wall,
        cpu: children() - cpu,
    }
}

/// The thousandth vif against the first; a bridge has 1,023 ports, so there are two.
pub fn thousand(dom0: &mut Dom0) {
    const SAMPLES: usize = 20;
    let sample = |dom0: &mut Dom0, vif: &Vif| {
        let costs: Vec<Cost> = (0..SAMPLES)
            .map(|_| {
                dom0.make(vif);
                let cost = run(&mut Side::Ours.command(Act::Online, vif));
                dom0.check(vif, Act::Online, Side::Ours);
                cost
            })
            .collect();
        Summary::of(&costs)
    };
    let first = sample(dom0, &Vif::FIRST);
    let vifs: Vec<Vif> = (1000..2000)
        .map(|domid| Vif {
            domid,
            bridge: if domid % 2 == 0 { "br0" } else { "br1" },
        })
        .collect();
    dom0.make_all(&vifs);
    at_once(Side::Ours, &vifs);
    let last = sample(dom0, &vifs[vifs.len() - 1]);
    println!(
        "online of xenwire with 1,000 vifs on two bridges, against the first: CPU {:.2} ms, {:.2} times; wall {:.2} times\n",
        ms(last.cpu),
        last.cpu.as_secs_f64() / first.cpu.as_secs_f64(),
        last.median.as_secs_f64() / first.median.as_secs_f64(),
    );
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn against(this: Duration, floor: Duration) -> String {
    format!(
        "{:8.2} ({:.2})",
        ms(this),
        this.as_secs_f64() / floor.as_secs_f64()
    )
}
