//! Our locks and those of Debian's locking.sh are the same (contract 2.12).

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use xenwire_host::lock::Lock;

use crate::need;

/// How many there are of each kind, and how often each claims it.
const EACH: usize = 4;
const TIMES: usize = 40;

/// Adds one to the number in a file, with time for others to come between.
fn add(folder: &Path) {
    let file = folder.join("count");
    let count: usize = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    thread::yield_now();
    fs::write(&file, format!("{}\n", count + 1)).unwrap();
}

#[test]
fn ours_and_debians_exclude_one_another() {
    let Some(scripts) = need::debian_scripts() else {
        return;
    };
    let folder = std::env::temp_dir().join(format!("xenwire-lock-{}", std::process::id()));
    let locks = folder.join("locks");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("count"), "0\n").unwrap();
    // As the scripts use it, in another folder.
    let theirs = ". \"$1/locking.sh\"; LOCK_BASEDIR=$2/locks
        for ((n = 0; n < $3; n++)); do
          claim_lock test; read -r count <\"$2/count\"; echo $((count + 1)) >\"$2/count\"; release_lock test
        done";
    let shells: Vec<_> = (0..EACH)
        .map(|_| {
            Command::new("bash")
                .args(["-c", theirs, "bash"])
                .args([&scripts, &folder])
                .arg(TIMES.to_string())
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..EACH {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    let _lock = Lock::claim(&locks, "test").unwrap();
                    add(&folder);
                }
            });
        }
    });
    for mut shell in shells {
        assert!(shell.wait().unwrap().success());
    }
    let count = fs::read_to_string(folder.join("count")).unwrap();
    assert_eq!(count, format!("{}\n", 2 * EACH * TIMES));
    assert!(!locks.join("test").exists(), "the last one unlinks it");
    fs::remove_dir_all(&folder).unwrap();
}
