//! Help, bad usage, and readers that go away.

use std::process::Stdio;

use crate::place::{Place, said, text};
use crate::scenario::{TRUE, office};

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

/// Every command that does something, as it is typed.
fn all_commands(place: &Place) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(path) = open.pop() {
        let mut words = path.clone();
        words.push("--help".into());
        let below = commands(&place.expect(0, &words).out);
        if below.is_empty() {
            found.push(path);
            continue;
        }
        open.extend(below.into_iter().map(|name| {
            let mut path = path.clone();
            path.push(name);
            path
        }));
    }
    found
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let place = Place::new();
    let all = all_commands(&place);
    assert!(all.len() >= 14, "{all:?}");
    for path in all {
        let typed = format!("xenwire {}", path.join(" "));
        let mut words = path.clone();
        words.push("--help".into());
        let help = place.expect(0, &words).out;
        let example = help.split("Example:\n").nth(1).unwrap_or_default();
        assert!(example.contains(&typed), "{typed}: {help}");
    }
}

#[test]
fn every_example_of_the_help_is_understood() {
    let place = Place::new();
    for path in all_commands(&place) {
        let mut words = path.clone();
        words.push("--help".into());
        let help = place.expect(0, &words).out;
        let examples = help.split("Example:\n").nth(1).unwrap();
        for line in examples.lines().take_while(|line| line.starts_with("  ")) {
            let line = line.trim().rsplit("$(").next().unwrap();
            let line = line.split(')').next().unwrap();
            // No lab is up: whatever is understood fails for another reason than usage. Some of it
            // would change the network or files, and has a network of its own here, and folders.
            let typed = line.split_whitespace().skip(1);
            let mut alone = place.command("unshare");
            alone
                .args(["--map-root-user", "--net", "--mount", "sh", "-ec"])
                .arg("for folder in /run /etc /var/lib; do mount -t tmpfs tmpfs $folder; done; exec \"$@\"")
                .arg("sh")
                .arg(place.file("xenwire"))
                .args(typed);
            let said = said(&mut alone);
            assert_ne!(said.status, 2, "{line}: {said}");
            assert_ne!(said.status, 70, "{line}: {said}");
        }
    }
}

#[test]
fn bad_usage_exits_with_2() {
    let place = Place::new();
    for words in [
        &["bogus"][..],
        &[],
        &["lab"],
        &["lab", "bogus"],
        &["lab", "run"],
        &["lab", "run", "a", "b"],
        &["lab", "ls", "--bogus"],
        &["lab", "exec", "foo"],
        &["lab", "exec", "foo", "--"],
        &["lab", "detach", "foo", "eth0"],
        &["lab", "detach", "foo", "-1"],
        &["show", "foo"],
    ] {
        let said = place.expect(2, words);
        assert_eq!(said.out, "", "{words:?}");
        assert!(said.err.contains("--help"), "{words:?}: {said}");
    }
    // A word that is nearly one brings that one to mind.
    let near = place.expect(2, &["lab", "strat", "foo"]);
    assert!(near.err.contains("'start'"), "{near}");
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let place = Place::new();
    office(&place, "office", TRUE);
    place.expect(0, &["lab", "up", "office"]);
    for words in [
        &["--help"][..],
        &["lab", "run", "--help"],
        &["lab", "run", "office"],
        &["lab", "run", "office", "--json"],
        &["lab", "ls"],
        &["lab", "ls", "--json"],
        &["lab", "claims"],
        &["lab", "xenstore"],
        &["lab", "exec", "dom0", "--", "xenwire", "show"],
    ] {
        let mut child = place
            .xenwire(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {err}");
        assert!(!err.contains("panic") && !err.contains("ipe"), "{err}");
    }
    // As typed.
    let piped = said(
        place
            .command("sh")
            .args(["-c", "./xenwire lab ls | head -1"]),
    );
    assert_eq!((piped.out.as_str(), piped.err.as_str()), ("office\n", ""));
    // And a command in the lab is killed by its broken pipe, as anywhere.
    let yes = place.on("dom0", &["sh", "-c", "yes | head -1"]);
    assert_eq!((yes.out.as_str(), yes.err.as_str()), ("y\n", ""), "{yes}");
    place.expect(0, &["lab", "down"]);
}

#[test]
fn a_full_disk_is_no_panic() {
    let place = Place::new();
    let full = std::fs::File::create("/dev/full").unwrap();
    let mut child = place.xenwire(&["lab", "run", "examples/one-bridge"]);
    let output = child.stdout(full).output().unwrap();
    let err = text(&output.stderr);
    assert!(!err.contains("panic"), "{err}");
}
