//! `xenstore-watch` against the server.
//!
//! The tool of Xen 4.17 has no option for a watch's depth; the depth is tested with our own client
//! and the store.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use xenwire_xenstore::{Client, Nodes};

use crate::need;
use crate::tools::Tools;

/// Runs `xenstore-watch` with these arguments while `change` goes on, and says what it printed.
///
/// The tool buffers its lines towards a pipe until it ends, so its first event cannot be waited
/// for: changes go on until it has counted as many as it was to.
fn watched(tools: &Tools, arguments: &[&str], change: impl Fn(&mut Client)) -> Vec<String> {
    let mut command = tools.command("xenstore-watch", arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut store = tools.store();
    while child.try_wait().unwrap().is_none() {
        change(&mut store);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map(Result::unwrap).collect()
}

#[test]
fn changes_below_are_told() {
    let Some(tools) = Tools::start() else { return };
    let lines = watched(&tools, &["-n", "4", "/w"], |store| {
        store.write("/elsewhere", b"1").unwrap();
        store.write("/w/x/y", b"1").unwrap();
    });
    assert_eq!(lines, ["/w", "/w/x/y", "/w/x/y", "/w/x/y"]);
}

#[test]
fn a_relative_watch_is_told_relatively() {
    let Some(tools) = Tools::start() else { return };
    let lines = watched(&tools, &["-n", "3", "backend"], |store| {
        store.write("/local/domain/0/backend/x", b"1").unwrap();
    });
    assert_eq!(lines, ["backend", "backend/x", "backend/x"]);
}

#[test]
fn several_paths_and_the_special_ones() {
    let Some(tools) = Tools::start() else { return };
    let paths = ["@introduceDomain", "@releaseDomain", "/w"];
    // Each says so at once.
    let arguments = [&["-n", "3"], &paths[..]].concat();
    assert_eq!(watched(&tools, &arguments, |_| ()), paths);
    // Domains may come and go before the tool has set its second watch.
    let arguments = ["-n", "40", "@introduceDomain", "@releaseDomain"];
    let lines = watched(&tools, &arguments, |store| {
        store.introduce(7, 1, 1).unwrap();
        store.release(7).unwrap();
    });
    assert_eq!((lines.len(), lines[0].as_str()), (40, paths[0]));
    let told = |name| lines.iter().filter(|line| *line == name).count();
    assert!(told(paths[0]) > 1 && told(paths[1]) > 1, "{lines:?}");
    assert_eq!(told(paths[0]) + told(paths[1]), 40, "{lines:?}");
}

#[test]
fn a_path_that_cannot_be_watched() {
    let Some(tools) = Tools::start() else { return };
    let refused = tools.run("xenstore-watch", &["-n", "1", "/."]);
    assert_eq!(refused.failed("Unable to add watch on /."), (1, ""));
}

/// Without `-n` it goes on for ever; what it prints comes at once if its output is a line at a time.
#[test]
fn it_goes_on_until_it_is_stopped() {
    let Some(tools) = Tools::start() else { return };
    if need::program("stdbuf", "coreutils").is_none() {
        return;
    }
    let mut command = tools.command("stdbuf", &["-oL", "xenstore-watch", "/w"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().expect("a line").unwrap();
    let mut store = tools.store();
    assert_eq!(next(), "/w");
    for number in 0..50 {
        store.write(&format!("/w/{number}"), b"1").unwrap();
        assert_eq!(next(), format!("/w/{number}"));
    }
    store.rm("/w").unwrap();
    assert_eq!(next(), "/w");
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    store.write("/w", b"its watch went with it").unwrap();
}
