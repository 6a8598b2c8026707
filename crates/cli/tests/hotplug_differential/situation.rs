//! Situations, as the text files in `situations/` tell them. A line is one step; steps are done in
//! order, and after each call everything is looked at.
//!
//! ```text
//! == name                        a situation begins
//! contract: 2.5, A4              the lines of the contract it is about
//! world: ip link del br0         run in the dom0, by bash
//! node: mtu = 9000               relative to the backend's folder; \n, \\ and \xff are bytes
//! no-node: bridge                removed, with all below it
//! env: netdev=eth1               from here on; the value as bash reads it; without = it is unset
//! caller: 3                      the domain whose store the calls see
//! call: vif-bridge online        as /etc/xen/scripts/vif-bridge; the words as bash reads them
//! look: before it                everything is looked at, as after a call
//! ask: reached = ping ...        run by bash; the exit status is a fact of the call before
//! differs: D7 1 exit: 1 | 0      this difference is known: an id of docs/differences.md, and the
//!                                difference as it is printed, with * for anything
//! ```
//!
//! Invariant: a word that is not known is a panic with file and line; nothing is skipped.

use std::fs;
use std::path::Path;

/// One situation.
#[derive(Clone, Debug, Default)]
pub struct Situation {
    /// What it is, once among all.
    pub name: String,
    /// Sections of the contract.
    pub contract: String,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Known differences: id and pattern.
    pub differs: Vec<(String, String)>,
    /// The domain that calls.
    pub caller: u16,
}

/// One step of it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Lines for bash.
    World(String),
    /// A node is written.
    Node(String, Vec<u8>),
    /// A node is removed.
    NoNode(String),
    /// A variable of the calls' environment, quoted for bash.
    Env(String, Option<String>),
    /// A call: the words behind the folder of the scripts.
    Call(String),
    /// Everything is looked at.
    Look,
    /// A question about the world after the last call: its name, and lines for bash.
    Ask(String, String),
}

impl Situation {
    /// Every situation there is.
    pub fn all() -> Vec<Self> {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hotplug_differential/situations");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut all: Vec<Self> = Vec::new();
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            for situation in read(&name, &fs::read_to_string(&file).unwrap()) {
                let twice = all.iter().any(|other| other.name == situation.name);
                assert!(!twice, "{name}: {:?} is there twice", situation.name);
                all.push(situation);
            }
        }
        all
    }

    /// Whether it is about Open vSwitch.
    pub fn needs_switch(&self) -> bool {
        let switch = |step: &Step| matches!(step, Step::World(lines) if lines == "switch");
        self.steps.iter().any(switch)
    }

    /// One that was drawn.
    pub fn drawn(text: &str) -> Self {
        let mut all = read("drawn", text);
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }
}

fn read(file: &str, text: &str) -> Vec<Situation> {
    let mut all: Vec<Situation> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |why: &str| -> ! { panic!("{file}:{number}: {why}: {line}") };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            all.push(Situation {
                name: name.to_owned(),
                ..Situation::default()
            });
            continue;
        }
        let Some(now) = all.last_mut() else {
            wrong("before the first situation")
        };
        let Some((key, rest)) = line.split_once(": ") else {
            wrong("no key and value")
        };
        let step = match key {
            "contract" => {
                now.contract = rest.to_owned();
                continue;
            }
            "caller" => {
                now.caller = rest.parse().unwrap_or_else(|_| wrong("no domain"));
                continue;
            }
            "differs" => {
                let Some((id, pattern)) = rest.split_once(' ') else {
                    wrong("no id and difference")
                };
                now.differs.push((id.to_owned(), pattern.to_owned()));
                continue;
            }
            "world" => Step::World(rest.to_owned()),
            "node" => match rest
                .split_once(" = ")
                .or(rest.strip_suffix(" =").map(|p| (p, "")))
            {
                Some((path, value)) => Step::Node(
                    path.to_owned(),
                    unescaped(value).unwrap_or_else(|| wrong("no such escape")),
                ),
                None => wrong("no path and value"),
            },
            "no-node" => Step::NoNode(rest.to_owned()),
            "env" => match rest.split_once('=') {
                Some((name, value)) => Step::Env(name.to_owned(), Some(value.to_owned())),
                None => Step::Env(rest.to_owned(), None),
            },
            "look" => Step::Look,
            "call" => Step::Call(rest.to_owned()),
            "ask" => match rest.split_once(" = ") {
                Some((name, lines)) => Step::Ask(name.to_owned(), lines.to_owned()),
                None => wrong("no name and question"),
            },
            _ => wrong("no such key"),
        };
        now.steps.push(step);
    }
    for situation in &all {
        let calls = situation
            .steps
            .iter()
            .any(|step| matches!(step, Step::Call(_)));
        assert!(calls, "{file}: {:?} calls nothing", situation.name);
        assert!(
            !situation.contract.is_empty(),
            "{file}: {:?} names no contract",
            situation.name
        );
    }
    all
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut left = text.chars();
    while let Some(c) = left.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match left.next()? {
            'n' => b'\n',
            '\\' => b'\\',
            'x' => {
                let hex: String = left.by_ref().take(2).collect();
                u8::from_str_radix(&hex, 16).ok()?
            }
            // As many as are asked for: \*3000a is a value that no packet holds with its path.
            '*' => {
                let count: String = left.by_ref().take(4).collect();
                let byte = left.next()?;
                bytes.extend(std::iter::repeat_n(
                    u8::try_from(byte).ok()?,
                    count.parse().ok()?,
                ));
                continue;
            }
            _ => return None,
        });
    }
    Some(bytes)
}

#[test]
fn values_hold_any_byte() {
    assert_eq!(unescaped(r"a\n\xff\\").unwrap(), b"a\n\xff\\");
    assert_eq!(unescaped(r"\*0003ab").unwrap(), b"aaab");
    assert_eq!(unescaped(r"\q"), None);
}
