//! Counts of a comparison: how much was equal, how much differs for a reason that is known, and
//! what differs for none, which fails the test.

use std::collections::BTreeMap;

/// A difference that is meant, and why.
pub struct Known {
    pub name: &'static str,
    pub reason: &'static str,
}

#[derive(Default)]
pub struct Tally {
    equal: usize,
    known: BTreeMap<&'static str, (&'static str, usize)>,
    unknown: Vec<String>,
}

impl Tally {
    pub fn equal(&mut self) {
        self.equal += 1;
    }

    pub fn known(&mut self, known: &Known) {
        self.known.entry(known.name).or_insert((known.reason, 0)).1 += 1;
    }

    pub fn unknown(&mut self, what: String) {
        self.unknown.push(what);
    }

    /// Prints the counts; fails if something differs without a reason, or too little was compared.
    pub fn close(self, title: &str, least: usize) {
        let listed: usize = self.known.values().map(|(_, count)| count).sum();
        let compared = self.equal + listed + self.unknown.len();
        println!(
            "{title}: compared {compared}, equal {}, listed {listed}, unlisted {}",
            self.equal,
            self.unknown.len()
        );
        for (name, (reason, count)) in &self.known {
            println!("  {count:4} {name}: {reason}");
        }
        let first: Vec<&str> = self.unknown.iter().take(20).map(String::as_str).collect();
        assert!(
            first.is_empty(),
            "differences without a reason:\n{}",
            first.join("\n")
        );
        assert!(compared >= least, "{title}: only {compared} were compared");
    }
}
