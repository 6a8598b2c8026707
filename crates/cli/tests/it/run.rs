//! `lab run` holds every claim of the examples, for every user, and leaves nothing.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Instant;

use crate::place::{Place, each_user, said};
use crate::scenario::examples;

#[test]
fn every_claim_of_the_examples_holds() {
    each_user(|place| {
        for example in examples() {
            let begun = Instant::now();
            let run = place.expect(0, &["lab", "run", &example]);
            let took = begun.elapsed();
            let verdicts = |mark: &str| run.out.lines().filter(|l| l.starts_with(mark)).count();
            let (held, failed) = (verdicts("ok    "), verdicts("FAIL  "));
            assert_eq!(failed, 0, "{place}: {run}");
            // As many as the file has, counted without our reader.
            let toml = fs::read_to_string(place.file(&example).join("lab.toml")).unwrap();
            let packets =
                toml.matches("\n[[reach]]").count() + toml.matches("\n[[not_reach]]").count();
            assert!(held > packets && packets > 0, "{place}: {run}");
            let name = example.rsplit('/').next().unwrap();
            let last = format!("{name}: {held} of {held} claims hold");
            assert_eq!(run.out.lines().last(), Some(last.as_str()), "{place}");
            println!("{place}: {last}, {:.2} s", took.as_secs_f64());
        }
        place.nothing_left("lab run");
    });
}

#[test]
fn the_report_is_json_of_version_1() {
    each_user(|place| {
        for example in ["examples/one-bridge", "examples/default-bridge"] {
            let table = place.expect(0, &["lab", "run", example]).out;
            let run = place.expect(0, &["lab", "run", example, "--json"]);
            let report = run.json();
            assert_eq!(report["version"], 1, "{place}");
            assert_eq!(report["holds"], true, "{place}");
            assert_eq!(report["trouble"].as_array().unwrap().len(), 0, "{place}");
            let claims = report["claims"].as_array().unwrap();
            assert!(!claims.is_empty(), "{place}");
            for claim in claims {
                assert_eq!(claim["holds"], true, "{place}: {claim}");
                // The same claims as for people.
                assert!(table.contains(claim["claim"].as_str().unwrap()), "{claim}");
                // A packet that arrived took time.
                let is_reach = claim["claim"].as_str().unwrap().starts_with("reach ");
                assert_eq!(claim["micros"].as_u64().is_some_and(|t| t > 0), is_reach);
            }
            let domains = &report["topology"]["domains"];
            assert_eq!(domains[0]["name"], "foo");
            assert_eq!(domains[0]["domid"], 1);
            assert_eq!(domains[1]["name"], "bar");
            assert_eq!(domains[1]["domid"], 2);
        }
    });
}

#[test]
fn without_a_runtime_folder_labs_are_below_tmp() {
    each_user(|place| {
        // Not only this test's labs are there: a name that nobody else takes.
        let name = place.mark();
        let without = |args: &[&str]| said(place.xenwire(args).env_remove("XDG_RUNTIME_DIR"));
        let run = without(&["lab", "run", "examples/two-bridges"]);
        assert_eq!(run.status, 0, "{place}: {run}");
        let up = without(&["lab", "up", "examples/one-bridge", "--name", name]);
        assert_eq!(up.status, 0, "{place}: {up}");
        let root = format!("/tmp/xenwire-{}", place.uid());
        let socket = without(&["lab", "xenstore", "--lab", name]).out;
        assert_eq!(socket, format!("{root}/{name}/xenstore\n"), "{place}");
        let folder = fs::symlink_metadata(&root).unwrap();
        assert!(folder.is_dir());
        assert_eq!(folder.permissions().mode() & 0o7777, 0o700);
        assert_eq!(folder.uid(), place.uid());
        let down = without(&["lab", "down", name]);
        assert_eq!(down.status, 0, "{place}: {down}");
        assert!(!fs::exists(format!("{root}/{name}")).unwrap(), "{place}");
        place.settled_to(0, "lab down");
    });
}

#[test]
fn two_runs_are_not_in_each_others_way() {
    let place = Place::new();
    let run = || place.expect(0, &["lab", "run", "examples/two-bridges"]);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        for other in others {
            other.join().unwrap();
        }
    });
    place.nothing_left("three runs at once");
}
