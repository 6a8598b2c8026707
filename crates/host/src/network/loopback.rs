//! `xenwire loopback add|remove N`: crossover pairs for an administrator's own use.

use xenwire_core::network::{Loopback, Pair};

use crate::kernel::{Kernel, unreadable};
use crate::run::{Host, Performer};

use super::change::{Change, Ended};
use super::{Places, Said, Tell, recover};

const DONE: u8 = 0;
const WRONG: u8 = 1;
const REFUSED: u8 = 3;
const STUCK: u8 = 4;

/// Makes or removes a pair, and returns the exit status.
pub fn loopback(asked: Loopback, places: &Places, tell: &mut Tell<'_>) -> u8 {
    match act(asked, places, tell) {
        Ok(()) => DONE,
        Err((status, text)) => {
            tell(Said::Error(text));
            status
        }
    }
}

fn act(asked: Loopback, places: &Places, tell: &mut Tell<'_>) -> Result<(), (u8, String)> {
    let refused = |text: String| (REFUSED, text);
    let kernel = Kernel::open().map_err(|error| refused(error.to_string()))?;
    let mut host = Host {
        kernel,
        store: None,
        switch: None,
    };
    let _lock = places.lock().map_err(refused)?;
    recover::all(places, &mut host, tell).map_err(|text| (STUCK, text))?;
    let observed = host
        .kernel
        .observe(asked.scope())
        .map_err(|error| refused(unreadable(error)))?;
    let wanted = asked.desire(&observed).map_err(|text| (WRONG, text))?;
    let change = Change::plan(&wanted.desired, &observed).map_err(refused)?;
    let (Loopback::Add(Pair(number)) | Loopback::Remove(Pair(number))) = asked;
    let mut journal = places.journal(&format!("pair.{number}")).map_err(refused)?;
    let subject = format!("the pair {number}");
    match change.run(&subject, &mut journal, &mut host, &mut Host::perform) {
        Ended::Done { .. } => {
            // What xenwire made carries its mark; there is nothing to remember.
            journal.remove();
            Ok(())
        }
        Ended::Undone(text) => Err((REFUSED, text)),
        Ended::Stuck(text) => Err((STUCK, text)),
    }
}
