//! The kept sequences in `tests/traces`: still what the generator makes, and what any server of ours
//! says. The README there tells how a daemon of a Xen host is compared with them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use xenwire_xenstore::client::Transport;
use xenwire_xenstore::trace::{self, Local, Report, replay};
use xenwire_xenstore::wire::Kind;
use xenwire_xenstore::{Server, Store};

use crate::acts::{Act, Tx};
use crate::pair::Pair;
use crate::seed::Draws;
use crate::theme::Theme;
use crate::themes::THEMES;

/// Acts of a sequence, besides those that make it ready and tidy up.
const ACTS: usize = 240;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/traces")
}

fn file(theme: &Theme) -> PathBuf {
    folder().join(format!("{}.trace", theme.name))
}

/// A sequence with all that was said, as text.
fn generated(theme: &'static Theme, seed: u64) -> String {
    let mut pair = Pair::traced(theme);
    pair.settle().unwrap();
    let acts = Draws::of_seed(seed).map(|draw| Act::drawn(theme, draw));
    // What the server's owner does without a request is not asked of other daemons.
    let asked = acts.filter(|act| matches!(act, Act::Ask { .. } | Act::Return(_)));
    let short = asked.filter(|act| !matches!(act, Act::Ask { payload, .. } if payload.len() > 600));
    short
        .take(ACTS)
        .try_for_each(|act| pair.perform(&act))
        .unwrap();
    if theme.suits_a_daemon() {
        for base in ["/xenwire-trace", "xenwire-trace"] {
            let payload = format!("{base}\0").into_bytes();
            let rm = Act::Ask {
                seat: 0,
                tx: Tx::None,
                kind: Kind::Rm,
                payload,
            };
            pair.perform(&rm).unwrap();
        }
    }
    pair.compare_trees().unwrap();
    trace::print(pair.trace.iter().flatten())
}

/// Each sequence as it is kept.
fn kept() -> impl Iterator<Item = (&'static Theme, String)> {
    let text = |theme| fs::read_to_string(file(theme)).expect("XENWIRE_BLESS=1 writes it");
    THEMES.iter().map(move |theme| (theme, text(theme)))
}

fn assert_same(theme: &Theme, report: &Report) {
    let first = report.differences.first();
    assert!(first.is_none(), "{}: {}", theme.name, first.unwrap());
    assert!(
        report.requests >= ACTS * 9 / 10,
        "{}: {} requests",
        theme.name,
        report.requests
    );
    assert_eq!(report.skipped, 0);
}

#[test]
fn the_generator_makes_what_is_kept() {
    let mut names = BTreeSet::from(["README.md".to_owned()]);
    for (seed, theme) in (5000..).zip(THEMES) {
        let text = generated(theme, seed);
        names.insert(format!("{}.trace", theme.name));
        if std::env::var_os("XENWIRE_BLESS").is_some() {
            fs::write(file(theme), &text).unwrap();
        }
        let kept = fs::read_to_string(file(theme)).expect("XENWIRE_BLESS=1 writes it");
        let lines = kept
            .lines()
            .zip(text.lines())
            .position(|(kept, made)| kept != made);
        assert!(
            kept == text,
            "{} is another from line {} on; XENWIRE_BLESS=1 writes it anew",
            theme.name,
            lines.map_or(kept.lines().count().min(text.lines().count()), |line| line
                + 1)
        );
    }
    let found = fs::read_dir(folder()).unwrap();
    let found: BTreeSet<_> = found
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, names, "every sequence has a theme");
}

#[test]
fn a_store_says_what_is_kept() {
    for (theme, text) in kept() {
        let entries = trace::parse(&text).unwrap();
        let report = replay(&entries, &mut Local::new(Store::default())).unwrap();
        assert_same(theme, &report);
    }
}

#[test]
fn a_server_says_what_is_kept() {
    for (theme, text) in kept() {
        let (server, thread) = Server::spawn(Store::default()).unwrap();
        let mut open = |domid| {
            let (ours, theirs) = UnixStream::pair()?;
            server.connect(theirs, domid)?;
            Ok(Box::new(ours) as Box<dyn Transport>)
        };
        let report = replay(&trace::parse(&text).unwrap(), &mut open).unwrap();
        assert_same(theme, &report);
        server.stop();
        thread.join().unwrap().unwrap();
    }
}
