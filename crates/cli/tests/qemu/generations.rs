//! Each generation of `network-bridge` on a NIC with a driver: `start` and `stop` leave no trace on a
//! host that has everything, and dom0 answers in between.

use crate::machine::Machine;

/// The generations, as `--generation` takes them.
pub const GENERATIONS: [&str; 3] = ["xen2", "xen3.0", "xen3.2"];

/// What is done, by `host.sh`'s words.
const JOB: &str = r#"
measured start network-bridge start
answers
rested /tmp/started
network-bridge start
becomes /tmp/started
network-bridge status
network-bridge stop --plan
measured stop network-bridge stop
answers
becomes /tmp/before
network-bridge stop
becomes /tmp/before
"#;

#[test]
fn every_generation_leaves_no_trace_in_qemu() {
    let Some(mut machine) = Machine::with_host() else {
        return;
    };
    machine = machine.job("host", ". host.sh; outside; full_host; rested /tmp/before");
    for generation in GENERATIONS {
        let settings = format!("export XENWIRE_GENERATION={generation}; . host.sh");
        machine = machine.job(generation, &format!("{settings}\n{JOB}"));
    }
    let boot = machine.run();
    boot.expect(0, "host");
    for generation in GENERATIONS {
        let run = boot.expect(0, generation);
        let gaps = run.stdout.lines().filter(|line| line.starts_with("gap "));
        for gap in gaps {
            println!("{generation} {gap}");
        }
        let status = format!("({generation})");
        assert!(run.stdout.contains(&status), "{run}");
    }
}
