//! The script is what makes the network: with Debian's own the scenarios hold, with none they do
//! not. (Were it otherwise, the lab would be doing the script's work.)

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::need::debian_scripts;
use crate::world::World;

/// A folder of the repository, copied to where every user can read it.
fn copied(world: &World, from: &Path, name: &str) -> String {
    let to = world.dir.join(name);
    let status = Command::new("cp").arg("-R").arg(from).arg(&to).status();
    assert!(status.unwrap().success());
    to.to_str().unwrap().to_owned()
}

fn example(world: &World, name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    copied(world, &root.join(name), name)
}

/// `xenwire lab run` of this scenario with these scripts: its exit status and its words.
fn run(world: &World, scenario: &str, scripts: &str) -> (i32, String) {
    let scenario = example(world, scenario);
    let mut command = world.program(&["run", &scenario, scripts]);
    let output = command.env_remove("HONESTY_MARK").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}

fn holds_with_debians(scenario: &str) {
    let Some(scripts) = debian_scripts() else {
        return;
    };
    World::each_user(|world| {
        let scripts = copied(world, &scripts, "scripts");
        let (status, said) = run(world, scenario, &scripts);
        assert_eq!(status, 0, "{said}");
        assert!(!said.contains("FAIL"), "{said}");
    });
}

#[test]
fn one_bridge_holds_with_debians_own_vif_bridge() {
    holds_with_debians("one-bridge");
}

#[test]
fn two_bridges_hold_with_debians_own_vif_bridge() {
    holds_with_debians("two-bridges");
}

/// What is wrong with a scenario whose script does nothing and says that all is well.
fn fails_with_true(scenario: &str, nics: &[&str]) {
    World::each_user(|world| {
        let scripts = world.dir.join("true");
        fs::create_dir(&scripts).unwrap();
        symlink("/bin/true", scripts.join("vif-bridge")).unwrap();
        let (status, said) = run(world, scenario, scripts.to_str().unwrap());
        assert_eq!(status, 1, "{said}");
        for nic in nics {
            let why = format!(
                "trouble: {nic}: its script exited with 0, so xl is content, but hotplug-status is \"\" and not \"connected\""
            );
            assert!(said.contains(&why), "{why:?} is not in:\n{said}");
        }
        assert!(
            said.contains("ports: wanted eth0 vif1.0 vif2.0, found eth0"),
            "{said}"
        );
        let claims: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("reach "))
            .collect();
        assert!(!claims.is_empty(), "{said}");
        assert!(claims.iter().all(|line| line.starts_with("FAIL")), "{said}");
    });
}

#[test]
fn one_bridge_fails_with_a_script_that_does_nothing() {
    fails_with_true("one-bridge", &["foo has no NIC 0", "bar has no NIC 0"]);
}

#[test]
fn two_bridges_fail_with_a_script_that_does_nothing() {
    let nics = [
        "foo has no NIC 0",
        "foo has no NIC 1",
        "bar has no NIC 0",
        "bar has no NIC 1",
    ];
    fails_with_true("two-bridges", &nics);
}
