//! Who puts the NIC into a bridge, and how.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The generations, as `--generation` takes them.
pub const GENERATIONS: [&str; 3] = ["xen2", "xen3.0", "xen3.2"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// What is heard when nothing is done: the floor.
    Nobody,
    /// `network-bridge` of a generation.
    Xenwire(&'static str),
    /// ifupdown told to wait for nothing: no forward delay, no duplicate address detection.
    Hasty,
    /// ifupdown with its defaults.
    Plain,
}

impl Contender {
    pub const ALL: [Self; 6] = [
        Self::Nobody,
        Self::Xenwire(GENERATIONS[0]),
        Self::Xenwire(GENERATIONS[1]),
        Self::Xenwire(GENERATIONS[2]),
        Self::Hasty,
        Self::Plain,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Xenwire(generation) => generation,
            Self::Hasty | Self::Plain => self.rival(),
        }
    }

    /// What `world.sh` calls it.
    pub fn rival(self) -> &'static str {
        match self {
            Self::Nobody | Self::Xenwire(_) => "",
            Self::Hasty => "hasty",
            Self::Plain => "plain",
        }
    }

    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|c| c.name() == name).unwrap()
    }

    /// Why it cannot be measured here.
    pub fn missing(self) -> Option<String> {
        let wants = match self {
            Self::Nobody | Self::Xenwire(_) => return None,
            Self::Hasty | Self::Plain => [
                ("XENWIRE_DEBIAN_IFUPDOWN", "sbin/ifup", "ifupdown"),
                ("", "/lib/bridge-utils/ifupdown.sh", "bridge-utils"),
            ],
        };
        let absent = wants.into_iter().find(|(variable, file, _)| {
            let folder = std::env::var_os(variable).unwrap_or_default();
            !std::path::Path::new(&folder).join(file).exists()
        });
        absent.map(|(_, file, package)| {
            format!("not measured: no {file} of Debian's {package}; `./ci.sh need` fetches it")
        })
    }

    /// How often it is measured.
    pub fn rounds(self) -> usize {
        11
    }

    /// The words of the two changes, there and back.
    pub fn changes(self) -> [(&'static str, Vec<String>); 2] {
        let shell = |line: &str| ["sh", "-c", line].map(str::to_owned).to_vec();
        let program = env!("CARGO_BIN_EXE_xenwire");
        let bridge = |verb| {
            let words = [program, "network-bridge", verb, "--generation", self.name()];
            words.map(str::to_owned).to_vec()
        };
        match self {
            // As long as a change takes that is looked at.
            Self::Nobody => [
                ("nothing", shell("sleep 0.3")),
                ("nothing", shell("sleep 0.3")),
            ],
            Self::Xenwire(_) => [("start", bridge("start")), ("stop", bridge("stop"))],
            Self::Hasty | Self::Plain => [
                ("start", shell("ifdown eth0; ifup br0")),
                ("stop", shell("ifdown br0; ifup eth0")),
            ],
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Xenwire(generation) => write!(f, "xenwire {generation}"),
            Self::Hasty => f.write_str("ifupdown, waiting for nothing"),
            Self::Plain => f.write_str("ifupdown, defaults"),
        }
    }
}

/// Runs a change to its end; how long it took.
pub fn run(words: &[String]) -> Duration {
    let begun = std::time::Instant::now();
    let out = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(out.status.success(), "{words:?}: {out:?}");
    begun.elapsed()
}
