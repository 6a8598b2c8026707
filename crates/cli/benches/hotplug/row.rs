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
    println!("one vif, {ROUNDS} rounds, milliseconds (ratio to ip -batch):\n");
    come_and_go(dom0, &Vif::FIRST, &Side::ALL, "");
    println!();
}

/// The same with `ip=`. Debian's script does not look at it, and `ip -batch` holds nobody to anything.
pub fn one_held(dom0: &mut Dom0) {
    println!("one vif with ip={:?}, likewise:\n", Vif::HELD.ip);
    come_and_go(dom0, &Vif::HELD, &[Side::Ours, Side::Batch], ", ip=");
    println!();
}

fn come_and_go(dom0: &mut Dom0, vif: &Vif, sides: &[Side], with: &str) {
    const ACTS: [Act; 2] = [Act::Online, Act::Offline];
    let mut costs = vec![[const { Vec::new() }; ACTS.len()]; sides.len()];
    for round in 0..=ROUNDS {
        for (side, costs) in sides.iter().zip(&mut costs) {
            dom0.make(vif);
            for (act, costs) in ACTS.into_iter().zip(costs) {
                let cost = run(&mut side.command(act, vif));
                dom0.check(vif, act, *side);
                // The first round fills the caches.
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
    }
    let floor = sides.iter().position(|side| *side == Side::Batch);
    let floor = floor.expect("the floor is always measured");
    for (number, act) in ACTS.into_iter().enumerate() {
        let floor = Summary::of(&costs[floor][number]);
        for (side, costs) in sides.iter().zip(&costs) {
            let this = Summary::of(&costs[number]);
            println!(
                "| {act:7}{with} | {side:15} | {} | {} | {} |",
                against(this.cpu, floor.cpu),
                against(this.least, floor.least),
                against(this.median, floor.median),
            );
        }
    }
}

/// A hundred vifs, eight at a time.
pub fn hundred(dom0: &mut Dom0) {
    let vifs: Vec<Vif> = (100..200)
        .map(|domid| Vif {
            domid,
            ..Vif::FIRST
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

/// The thousandth vif against the first; a bridge has 1,023 ports, so there are two. What the floor
/// grows by is the kernel's: `br_add_if` looks at every port (net/bridge/br_if.c).
pub fn thousand(dom0: &mut Dom0) {
    const SIDES: [Side; 2] = [Side::Ours, Side::Batch];
    let first = SIDES.map(|side| sample(dom0, side, &Vif::FIRST));
    let vifs: Vec<Vif> = (1000..2000)
        .map(|domid| Vif {
            domid,
            bridge: if domid % 2 == 0 { "br0" } else { "br1" },
            ..Vif::FIRST
        })
        .collect();
    dom0.make_all(&vifs);
    at_once(Side::Ours, &vifs);
    println!("online with 1,000 vifs on two bridges, against the first:\n");
    for (side, first) in SIDES.into_iter().zip(first) {
        let last = sample(dom0, side, &vifs[vifs.len() - 1]);
        println!(
            "| {side:15} | {:8.2} ({:.2}) | {:8.2} ({:.2}) |",
            ms(last.cpu),
            last.cpu.as_secs_f64() / first.cpu.as_secs_f64(),
            ms(last.median),
            last.median.as_secs_f64() / first.median.as_secs_f64(),
        );
    }
    println!();
}

fn sample(dom0: &mut Dom0, side: Side, vif: &Vif) -> Summary {
    const SAMPLES: usize = 20;
    let costs: Vec<Cost> = (0..SAMPLES)
        .map(|_| {
            dom0.make(vif);
            let cost = run(&mut side.command(Act::Online, vif));
            dom0.check(vif, Act::Online, side);
            cost
        })
        .collect();
    Summary::of(&costs)
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
