//! Runs situations on either side and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use crate::listed::{self, EVERYWHERE, Sorted};
use crate::seen::{Seen, differences};
use crate::situation::{Situation, Step};
use crate::store::Recorded;
use crate::switch::bring;
use crate::tools::{debian_scripts, open_vswitch};
use crate::world::{User, World, path};

/// The names by which ours is called.
const NAMES: [&str; 5] = [
    "vif-bridge",
    "vif-route",
    "vif-nat",
    "vif-openvswitch",
    "vif-setup",
];

/// A folder for a test: the scripts of either side, and the sockets of stores.
pub struct Place {
    folder: PathBuf,
    number: AtomicUsize,
    switch: Once,
}

impl Place {
    /// A new one, with Debian's scripts from here if they are wanted.
    pub fn new(debian: Option<&Path>) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("xw-diff-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let place = Self {
            folder,
            number: AtomicUsize::new(0),
            switch: Once::new(),
        };
        let program = Path::new(env!("CARGO_BIN_EXE_xenwire"));
        let ours = place.ours();
        fs::create_dir(&ours).unwrap();
        if fs::hard_link(program, place.folder.join("xenwire")).is_err() {
            copy(program, &place.folder.join("xenwire"));
        }
        for name in NAMES {
            symlink(place.folder.join("xenwire"), ours.join(name)).unwrap();
        }
        if let Some(debian) = debian {
            copy(debian, &place.theirs());
        }
        place
    }

    /// The folder of our scripts.
    pub fn ours(&self) -> PathBuf {
        self.folder.join("ours")
    }

    /// The folder of Debian's scripts.
    pub fn theirs(&self) -> PathBuf {
        self.folder.join("theirs")
    }

    /// Another folder in it.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Goes through a situation with these scripts.
    pub fn see(&self, user: User, scripts: &Path, situation: &Situation) -> Vec<Seen> {
        if let (true, Some(tree)) = (situation.needs_switch(), open_vswitch()) {
            let bring = || bring(&tree, &self.folder.join("switch"));
            self.switch.call_once(bring);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(number.to_string());
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let mut world = World::new(user, scripts);
        let mut store = Recorded::new(&folder, situation.caller, world.pid());
        let mut env: BTreeMap<String, String> = [
            ("PATH", path()),
            (
                "XENSTORED_PATH",
                store.socket().to_str().unwrap().to_owned(),
            ),
            ("XENBUS_PATH", "backend/vif/5/0".to_owned()),
            ("XENBUS_TYPE", "vif".to_owned()),
            ("XENBUS_BASE_PATH", "backend".to_owned()),
            ("script", "/etc/xen/scripts/vif-bridge".to_owned()),
            ("netdev", String::new()),
            ("vif", "vif5.0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let mut seen = Vec::new();
        for step in &situation.steps {
            match step {
                Step::World(lines) => {
                    let (said, status) = world.sh(&format!("set -e\n{lines}"));
                    assert_eq!(status, 0, "{}: {lines}\n{said}", situation.name);
                }
                Step::Node(path, value) => store.write(path, value),
                Step::NoNode(path) => store.remove(path),
                Step::Env(name, Some(value)) => {
                    env.insert(name.clone(), value.clone());
                }
                Step::Env(name, None) => {
                    env.remove(name);
                }
                Step::Call(words) => {
                    let mark = store.mark();
                    let env: Vec<String> = env
                        .iter()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect();
                    let (said, status) = world.sh(&format!(
                        "exec env -i {} /etc/xen/scripts/{words}",
                        env.join(" ")
                    ));
                    let written = store.written_since(mark);
                    let one = Seen::take(&mut world, &mut store, status, &said, &written);
                    seen.push(one);
                }
                Step::Look => seen.push(Seen::take(&mut world, &mut store, 0, "", &[])),
                Step::Ask(name, lines) => {
                    let (_, status) = world.sh(lines);
                    seen.last_mut()
                        .expect("a call comes before")
                        .answer(name, status);
                }
            }
        }
        drop(store);
        fs::remove_dir_all(folder).unwrap();
        seen
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Copies a file or a folder. Never by this process: a test that forks meanwhile would hold the
/// file open, and the kernel does not start a file that somebody writes (ETXTBSY).
pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-rL").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// Does something with each of these, as many at once as there are processors.
pub fn each<T: Sync, R: Send>(of: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = of.get(at) else { return };
                    let result = work(one);
                    done.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// All situations as this user, on both sides; every difference is listed, and every listed one is
/// there.
pub fn all(user: User) {
    let Some(debian) = debian_scripts() else {
        return;
    };
    let place = Place::new(Some(&debian));
    let only = std::env::var("XENWIRE_SITUATION").unwrap_or_default();
    let mut situations = Situation::all();
    let switch = open_vswitch().is_some();
    situations.retain(|one| one.name.contains(&only) && (switch || !one.needs_switch()));
    let sorted: Vec<Sorted> = each(&situations, |situation| {
        let theirs = place.see(user, &place.theirs(), situation);
        let ours = place.see(user, &place.ours(), situation);
        listed::sort(situation, &differences(&theirs, &ours))
    });
    let ids = listed::ids();
    let everywhere = EVERYWHERE.map(|(id, _)| id);
    let mut met = BTreeSet::new();
    let (mut equal, mut with_listed) = (0, 0);
    let mut faults = Vec::new();
    for (situation, sorted) in situations.iter().zip(&sorted) {
        let own = sorted
            .met
            .iter()
            .any(|id| !everywhere.contains(&id.as_str()));
        match own {
            true => with_listed += 1,
            false => equal += 1,
        }
        met.extend(sorted.met.iter().cloned());
        let name = format!("{} ({})", situation.name, situation.contract);
        for line in &sorted.unlisted {
            faults.push(format!("{name}: not listed: {line}"));
        }
        for line in &sorted.gone {
            faults.push(format!("{name}: listed, and not there: {line}"));
        }
    }
    let unlisted: usize = sorted.iter().map(|sorted| sorted.unlisted.len()).sum();
    println!(
        "{user:?}: {} situations: {equal} equal (but for {}), {with_listed} with listed differences; \
         {} of {} listed differences met; unlisted: {unlisted}",
        situations.len(),
        everywhere.first().unwrap(),
        met.len(),
        ids.len(),
    );
    if only.is_empty() {
        let unmet: Vec<&String> = ids.difference(&met).collect();
        assert!(unmet.is_empty(), "listed, and never met: {unmet:?}");
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
