//! The state folder against those who share it: strangers, the killed, and the hurried.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with the test.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("xenwire-state-{}-{n}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn root(&self) -> StateRoot {
        StateRoot::open(Some(self.0.as_os_str()), uid()).unwrap()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[test]
fn the_root_is_made_private_and_found_again() {
    let temp = Temp::new();
    let root = temp.root();
    assert_eq!(root.path(), temp.0.join("xenwire"));
    let mode = fs::metadata(root.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    temp.root();
}

#[test]
fn an_unsafe_root_is_refused() {
    let temp = Temp::new();
    let path = temp.0.join("xenwire");
    symlink("/tmp", &path).unwrap();
    let open = || StateRoot::open(Some(temp.0.as_os_str()), uid());
    assert!(matches!(open(), Err(StateError::NotAFolder { .. })));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert!(matches!(open(), Err(StateError::NotAFolder { .. })));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    for mode in [0o750, 0o701, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(open(), Err(StateError::Open { mode: found, .. }) if found == mode));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    open().unwrap();
    assert!(matches!(
        StateRoot::open(Some(temp.0.as_os_str()), uid() + 1),
        Err(StateError::Foreign { .. })
    ));
}

#[test]
fn a_relative_runtime_dir_is_ignored() {
    let path = |dir: Option<&str>| match StateRoot::open(dir.map(OsStr::new), uid()) {
        Ok(root) => root.path().to_owned(),
        Err(error) => panic!("{error}"),
    };
    let want = PathBuf::from(format!("/tmp/xenwire-{}", uid()));
    assert_eq!(path(Some("run")), want);
    assert_eq!(path(None), want);
    let _ = fs::remove_dir(want);
}

#[test]
fn a_name_is_one_lab_for_as_long_as_it_lives() {
    let temp = Temp::new();
    let root = temp.root();
    let lab = root.claim("one").unwrap();
    lab.write_pid(rustix::process::getpid()).unwrap();
    assert!(matches!(root.claim("one"), Err(StateError::Alive { .. })));
    let found = root.find("one").unwrap();
    assert_eq!(found.pid(), Some(rustix::process::getpid()));
    assert!(!found.ready());
    lab.mark_ready().unwrap();
    assert!(root.find("one").unwrap().ready());
    assert_eq!(root.labs().unwrap().len(), 1);
    lab.remove().unwrap();
    drop(lab);
    assert!(!root.path().join("one").exists());
    assert!(matches!(root.find("one"), Err(StateError::NoLab { .. })));
    assert!(found.pidfd().is_err(), "a lab that ended has no handle");
}

#[test]
fn what_the_killed_left_is_cleared_by_the_next() {
    let temp = Temp::new();
    let root = temp.root();
    for look in ["labs", "find", "claim"] {
        let lab = root.claim("killed").unwrap();
        lab.write_pid(rustix::process::getpid()).unwrap();
        lab.mark_ready().unwrap();
        fs::write(lab.path().join("control"), "").unwrap();
        drop(lab);
        match look {
            "labs" => assert!(root.labs().unwrap().is_empty()),
            "find" => assert!(root.find("killed").is_err()),
            _ => {
                let lab = root.claim("killed").unwrap();
                let left: Vec<_> = fs::read_dir(lab.path()).unwrap().collect();
                assert_eq!(left.len(), 1, "only the lock: {left:?}");
                lab.remove().unwrap();
            }
        }
        assert!(!root.path().join("killed").exists(), "{look}");
    }
}

#[test]
fn names_are_checked() {
    let temp = Temp::new();
    let root = temp.root();
    for name in ["", ".", "..", "a/b", "-x", "a b", "é", &"x".repeat(33)] {
        assert!(
            matches!(root.claim(name), Err(StateError::Name { .. })),
            "{name:?}"
        );
    }
    root.claim("vlan-trunk_2.0").unwrap().remove().unwrap();
}

#[test]
fn a_socket_path_too_long_for_the_kernel_is_told_before() {
    let folder = PathBuf::from(format!("/{}", "x".repeat(98)));
    let path = socket_path(&folder, "control").unwrap();
    assert_eq!(path.as_os_str().len(), SOCKET_PATH_MAX);
    assert!(matches!(
        socket_path(&folder, "xenstore"),
        Err(StateError::SocketPath { length: 108, .. })
    ));
}

#[test]
fn one_of_many_wins_and_lookers_do_no_harm() {
    let temp = Temp::new();
    let root = temp.root();
    for _ in 0..20 {
        let won = std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..20).for_each(|_| drop(root.labs().unwrap())));
            }
            let claims: Vec<_> = (0..4).map(|_| scope.spawn(|| root.claim("race"))).collect();
            claims
                .into_iter()
                .map(|claim| claim.join().unwrap())
                .filter_map(Result::ok)
                .collect::<Vec<_>>()
        });
        assert_eq!(won.len(), 1);
        won[0].remove().unwrap();
    }
}
