//! `python3-pyxs`, a client of its own that shares nothing with libxenstore, against the server.
//!
//! The scenes are in `pyxs.py`. Each is a test of its own here, so that one that fails has a name;
//! a scene that nobody runs fails the last test.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use xenwire_xenstore::{Access, Nodes, Perms};

use crate::bench::Bench;
use crate::need;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pyxs.py");

/// Runs a scene of the script with dom0's socket and that of domain 5.
fn scene(name: &str) {
    let Some(mut python) = need::python_module("pyxs", "python3-pyxs") else {
        return;
    };
    let bench = Bench::start();
    bench.listen(5);
    let mut store = bench.client(0);
    store.mkdir("/local/domain/5").unwrap();
    let own = Perms::owned_by(5, Access::None);
    store.set_permissions("/local/domain/5", &own).unwrap();
    python
        .arg(Path::new(SCRIPT))
        .arg(name)
        .args([bench.socket(0), bench.socket(5)]);
    let mut child = python
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    // One that waits for what does not come is ended; one that has ended does not mind.
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {}\n{complaint}",
        output.status
    );
}

macro_rules! scenes {
    ($($name:ident)*) => {
        const SCENES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { scene(stringify!($name)); })*
    };
}

scenes! {
    nodes_come_and_go
    values_of_any_text
    errors_have_their_names
    permissions_hold
    a_transaction_commits_as_a_whole
    a_rollback_leaves_nothing
    the_later_commit_is_told_to_try_again
    several_transactions_on_one_connection
    counters_lose_no_count
    a_watch_fires_at_once_and_for_changes
    a_relative_watch_is_told_relatively
    events_wait_for_the_commit
    removals_are_told
    special_watches_tell_of_domains
    several_clients_hear_the_same
}

#[test]
fn every_scene_is_run() {
    let source = std::fs::read_to_string(SCRIPT).unwrap();
    let defined = source.lines().filter_map(|line| {
        let name = line.strip_prefix("def ")?.split('(').next()?;
        (!name.starts_with('_')).then_some(name)
    });
    assert_eq!(defined.collect::<Vec<_>>(), SCENES);
}
