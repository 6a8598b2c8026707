//! A host with everything a NIC can have, in namespaces of its own, and the network outside it.
//!
//! Invariant: nothing a world's programs do is seen outside it, and it ends with its value: the
//! holder reads from a pipe whose other end we have.

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::fs::chown;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use crate::need;
use crate::strike::Stage;
use crate::whole_state::{WholeState, diff};

/// What the kernel does by itself after a change must be over by then, however busy the machine is:
/// so long, and so many looks.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOKS: usize = 30;

/// The ordinary user, as in `nobody`.
const NOBODY: u32 = 65534;

/// The generations, as `--generation` takes them.
pub const GENERATIONS: [&str; 3] = ["xen2", "xen3.0", "xen3.2"];

/// What a world is to be like.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// How many crossover pairs there are.
    pub pairs: u32,
    /// Whether new IPv6 addresses are asked for on their segment, which takes seconds.
    pub dad: bool,
    /// Whether it belongs to uid 65534.
    pub nobody: bool,
}

impl Kind {
    /// With as many pairs as a kernel with netloop has.
    pub const WITH_PAIRS: Self = Self {
        pairs: 8,
        dad: false,
        nobody: false,
    };
    /// On a kernel of today.
    pub const WITHOUT_PAIRS: Self = Self {
        pairs: 0,
        ..Self::WITH_PAIRS
    };
}

/// The host, and what it is connected to.
pub struct World {
    holder: Child,
    folder: PathBuf,
    nobody: bool,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status, as a shell gives it.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl World {
    /// A new one; `None` if the machine lacks a tool or a user, which is then told.
    pub fn new(kind: Kind) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let tools = [
            ("ip", "iproute2"),
            ("bridge", "iproute2"),
            ("ethtool", "ethtool"),
            ("ping", "iputils-ping"),
            ("strace", "strace"),
            ("nft", "nftables"),
            ("iptables-save", "iptables"),
            ("setpriv", "util-linux"),
        ];
        if !tools
            .iter()
            .all(|(tool, package)| need::found(tool, package))
        {
            return None;
        }
        if kind.nobody && !geteuid().is_root() {
            // Whoever runs the tests is an ordinary user already.
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("xw-net-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        if kind.nobody {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        // A name of our own for the program, which may be where another user cannot look.
        let program = Path::new(env!("CARGO_BIN_EXE_xenwire"));
        if fs::hard_link(program, folder.join("xenwire")).is_err() {
            let copied = Command::new("cp").arg(program).arg(&folder).status();
            assert!(copied.unwrap().success());
        }
        let spaces: &[&str] = match geteuid().is_root() && !kind.nobody {
            true => &["unshare", "-nm"],
            false => &["unshare", "-Urnm"],
        };
        let mut words = user(kind.nobody);
        words.extend(spaces.iter().map(|word| (*word).to_owned()));
        let mut holder = Command::new(&words[0])
            .args(&words[1..])
            .args([
                "--propagation",
                "private",
                "sh",
                "-c",
                include_str!("host.sh"),
            ])
            .env("PATH", path())
            .env("PAIRS", kind.pairs.to_string())
            .env("DAD", u8::from(kind.dad).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        let mut said = holder.stdout.take().unwrap();
        said.read_exact(&mut ready)
            .expect("the holder builds its world");
        let world = Self {
            holder,
            folder,
            nobody: kind.nobody,
        };
        world.rested();
        Some(world)
    }

    /// The folder that programs inside and outside see.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The words before a command that is to run inside.
    pub fn through(&self) -> Vec<String> {
        let target = self.holder.id().to_string();
        let mut words = user(self.nobody);
        words.push("nsenter".into());
        if self.nobody || !geteuid().is_root() {
            words.extend(["--preserve-credentials", "--user"].map(str::to_owned));
        }
        words.extend(["--net", "--mount", "--target", &target, "--"].map(str::to_owned));
        words
    }

    /// A command inside.
    pub fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let through = self.through();
        let mut command = Command::new(&through[0]);
        command.args(&through[1..]);
        command.args(words.iter().map(AsRef::as_ref));
        command.env("PATH", path()).stdin(Stdio::null());
        command
    }

    /// Runs a shell script inside, which must succeed; gives its output.
    pub fn sh(&self, script: &str) -> String {
        let said: Said = self
            .command(&["sh", "-ec", script])
            .output()
            .unwrap()
            .into();
        assert_eq!(said.status, 0, "{script}\n{said}");
        said.out
    }

    /// The words of a call of `xenwire`.
    pub fn xenwire(&self, args: &[&str]) -> Vec<String> {
        let program = self.folder.join("xenwire");
        let words = [program.to_str().unwrap()]
            .into_iter()
            .chain(args.iter().copied());
        words.map(str::to_owned).collect()
    }

    /// Runs `xenwire` to its end.
    pub fn say(&self, args: &[&str]) -> Said {
        self.command(&self.xenwire(args)).output().unwrap().into()
    }

    /// Runs `xenwire`, which must end with this status.
    pub fn expect(&self, status: i32, args: &[&str]) -> Said {
        let said = self.say(args);
        assert_eq!(said.status, status, "{args:?}\n{said}");
        said
    }

    /// Runs `network-bridge`, which must succeed.
    pub fn bridge(&self, verb: &str, generation: &str) -> Said {
        self.expect(0, &["network-bridge", verb, "--generation", generation])
    }

    /// A guest's link as netback makes it, up, on a bridge or on none. The guest's end is `gD.0`.
    pub fn vif(&self, domid: u16, bridge: Option<&str>) {
        let on = bridge.map_or(String::new(), |bridge| {
            format!("ip link set vif{domid}.0 master {bridge}")
        });
        self.sh(&format!(
            "ip link add vif{domid}.0 address fe:ff:ff:ff:ff:ff type veth \
                peer name g{domid}.0 address 00:16:3e:00:00:{domid:02x} netns outside
             ip link set vif{domid}.0 addrgenmode none
             {on}
             ip link set vif{domid}.0 up; ip -n outside link set g{domid}.0 up"
        ));
    }

    /// Outside answers within a second, over both families.
    pub fn reaches_outside(&self) {
        self.sh("ping -q -n -c 5 -i 0.2 192.0.2.1; ping -q -n -c 5 -i 0.2 2001:db8::1");
    }

    /// The whole state as it is.
    pub fn state(&self) -> WholeState {
        WholeState::take(&self.through())
    }

    /// The whole state, once the kernel has done what it does by itself.
    pub fn rested(&self) -> WholeState {
        let end = Instant::now() + PATIENCE;
        let mut last = self.state();
        for look in 0.. {
            sleep(Duration::from_millis(100));
            let state = self.state();
            let unsettled = state.unsettled();
            let asked = self.sh("ip -6 -oneline address show tentative");
            if unsettled.is_empty() && asked.is_empty() && diff(&last, &state).is_empty() {
                return state;
            }
            assert!(
                look < LOOKS || Instant::now() < end,
                "it never rests: {unsettled:?} {asked} {:?}",
                diff(&last, &state)
            );
            last = state;
        }
        unreachable!("the looks end with a rest or a panic")
    }

    /// Looks until the state is one that is meant, while the kernel does what it does by itself.
    ///
    /// # Errors
    /// The last one that was seen.
    pub fn until<T>(
        &self,
        meant: impl Fn(&WholeState) -> Option<T>,
    ) -> Result<(T, WholeState), WholeState> {
        let end = Instant::now() + PATIENCE;
        for look in 0.. {
            let state = self.state();
            if let Some(found) = meant(&state) {
                return Ok((found, state));
            }
            if look > LOOKS && Instant::now() > end {
                return Err(state);
            }
            // Operational states follow within a second (linkwatch, net/core/link_watch.c).
            sleep(Duration::from_millis(100));
        }
        unreachable!("the looks end with what was meant or the last state")
    }

    /// How the world differs from a state but for seconds of lifetimes, once the kernel has done
    /// what it does by itself.
    pub fn lastingly_differs_from(&self, state: &WholeState) -> Vec<String> {
        match self.until(|found| lasting(state, found).is_empty().then_some(())) {
            Ok(_) => Vec::new(),
            Err(found) => lasting(state, &found),
        }
    }

    /// How the world differs from a state, once the kernel has done what it does by itself.
    pub fn differs_from(&self, state: &WholeState) -> Vec<String> {
        let same = |found: &WholeState| diff(state, found).is_empty().then_some(());
        match self.until(same) {
            Ok(_) => Vec::new(),
            Err(found) => diff(state, &found),
        }
    }
}

impl Stage for World {
    type Said = Said;

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn behind(&self, before: &[&str], args: &[&str]) -> Command {
        let mut words: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        words.extend(self.xenwire(args));
        self.command(&words)
    }

    fn succeeds(&self, args: &[&str]) {
        self.expect(0, args);
    }
}

/// What differs between states that many runs lie between. Each of them reads and gives lifetimes in
/// whole seconds; a minute of that is none, an end that begins anew is one.
pub fn lasting(a: &WholeState, b: &WholeState) -> Vec<String> {
    let seconds = |text: &str| {
        text.strip_prefix("until ")?
            .split(' ')
            .next()?
            .parse::<f64>()
            .ok()
    };
    let is_drift = |line: &String| {
        let ends = line.rsplit_once(" -> ").and_then(|(before, after)| {
            let before = before.rsplit_once(": ")?.1;
            Some((seconds(before)? - seconds(after)?).abs() < 60.0)
        });
        ends.unwrap_or(false)
    };
    // Which groups a link listens to is the kernel's own business, and it leaves them when it finds
    // the time (mld_ifc_work, net/ipv6/mcast.c).
    let is_left = |line: &String| {
        line.starts_with("fdb ")
            && ["\"mac\":\"33:33:", "\"mac\":\"01:00:5e:"]
                .iter()
                .any(|group| line.contains(group))
    };
    // Ports are numbered as they come, and of those with one MAC the bridge notes the first
    // (find_portno, net/bridge/br_if.c; fdb_add_local, net/bridge/br_fdb.c).
    let is_number = |line: &String| {
        let key = line.split_once(": ").map_or("", |(key, _)| key);
        [
            "info_slave_data designated_port",
            "info_slave_data id",
            "info_slave_data no",
        ]
        .iter()
        .any(|end| key.ends_with(end))
            || (line.starts_with("fdb ") && line.contains("fe:ff:ff:ff:ff:ff"))
    };
    let mut lines = diff(a, b);
    lines.retain(|line| !is_drift(line) && !is_left(line) && !is_number(line));
    lines
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The words that make a command the ordinary user's.
fn user(nobody: bool) -> Vec<String> {
    let id = NOBODY.to_string();
    let words: &[&str] = match nobody {
        true => &["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"],
        false => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// An ordinary user's PATH on Debian lacks the folders of ip and nft.
fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin")
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            status: output
                .status
                .code()
                .unwrap_or_else(|| 128 + output.status.signal().unwrap()),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "status {}\n--- out\n{}--- err\n{}---",
            self.status, self.out, self.err
        )
    }
}
