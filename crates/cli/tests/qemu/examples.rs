//! `lab run` on a kernel that is not the one it was developed on.

use std::path::Path;

use crate::machine::Machine;

#[test]
fn every_claim_of_the_examples_holds_in_qemu() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let boot = machine
        .with("examples", &root.join("examples"))
        .job("one-bridge", "xenwire lab run /opt/examples/one-bridge")
        .job("two-bridges", "xenwire lab run /opt/examples/two-bridges")
        // Root of the machine needs no user namespace for a lab; who is not root does.
        .job(
            "nobody",
            "cd / && su nobody -c 'xenwire lab run /opt/examples/two-bridges'",
        )
        .run();
    for (job, scenario) in [
        ("one-bridge", "one-bridge"),
        ("two-bridges", "two-bridges"),
        ("nobody", "two-bridges"),
    ] {
        let run = boot.expect(0, job);
        let held = run
            .stdout
            .lines()
            .filter(|l| l.starts_with("ok    "))
            .count();
        let last = format!("{scenario}: {held} of {held} claims hold");
        assert!(held > 0, "{run}");
        assert_eq!(run.stdout.lines().last(), Some(last.as_str()), "{run}");
    }
}
