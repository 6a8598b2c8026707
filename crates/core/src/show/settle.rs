//! In which rows vifs and NICs stand, so that most lines between them are straight and the
//! drawing stays low. A small search over the room above each: exact would be slower to read
//! than to run, and no drawing needs it.

use super::dom0::{Dom0, Plates};
use super::wires::{ENDS, Guests, Wire};

/// How much lower the first guest is tried.
const LOWER: usize = 12;
/// What a slanted line is worth in rows of height saved: a reader follows a straight one faster.
const SLANTED: usize = 10;
/// What one more row costs.
const ROW: usize = 3;

/// Room above each vif and each NIC, which is what can be chosen.
#[derive(Clone)]
pub(super) struct Slack {
    pub(super) vifs: Vec<usize>,
    pub(super) nics: Vec<usize>,
}

/// Chooses the rows: the best that [`improve`] finds with the first guest at different heights.
pub(super) fn settle(dom0: &Dom0, guests: &Guests, channel: usize) -> Slack {
    let close = Slack {
        vifs: vec![0; dom0.vifs().count()],
        nics: vec![0; guests.names.len()],
    };
    let lowest = if guests.wires.is_empty() { 0 } else { LOWER };
    let start = |lower| {
        let mut slack = close.clone();
        slack
            .nics
            .iter_mut()
            .take(1)
            .for_each(|first| *first = lower);
        improve(dom0, guests, slack, channel)
    };
    (0..=lowest)
        .map(start)
        .min_by_key(|slack| cost(dom0, guests, slack, channel))
        .unwrap_or(close)
}

/// Takes the change that saves most, each of which makes one line straight, until none saves
/// anything.
fn improve(dom0: &Dom0, guests: &Guests, start: Slack, channel: usize) -> Slack {
    let mut best = start;
    let mut least = cost(dom0, guests, &best, channel);
    loop {
        let rows = dom0.rows(Plates::Own, &best.vifs).vifs;
        let stands = guests.stand(&best.nics);
        let mut better = None;
        for (wire, bend) in guests.wires.iter().zip(guests.bends(&rows, &stands)) {
            let rows = bend.unsigned_abs();
            for i in 0..best.vifs.len().max(best.nics.len()) {
                for changed in changes(&best, wire, i, bend, rows) {
                    let costs = cost(dom0, guests, &changed, channel);
                    if costs < least {
                        least = costs;
                        better = Some(changed);
                    }
                }
            }
        }
        match better {
            Some(slack) => best = slack,
            None => return best,
        }
    }
}

/// Changes at the `i`th vif and NIC that bring the ends of a line into one row.
fn changes(from: &Slack, wire: &Wire, i: usize, bend: isize, rows: usize) -> Vec<Slack> {
    let mut all = Vec::new();
    let (lower, upper) = if bend > 0 {
        (true, false)
    } else {
        (false, true)
    };
    if i <= wire.vif && i < from.vifs.len() && rows > 0 {
        let mut slack = from.clone();
        if lower {
            slack.vifs[i] += rows;
            all.push(slack);
        } else if let Some(less) = slack.vifs[i].checked_sub(rows) {
            slack.vifs[i] = less;
            all.push(slack);
        }
    }
    if i <= wire.nic && i < from.nics.len() && rows > 0 {
        let mut slack = from.clone();
        if upper {
            slack.nics[i] += rows;
            all.push(slack);
        } else if let Some(less) = slack.nics[i].checked_sub(rows) {
            slack.nics[i] = less;
            all.push(slack);
        }
    }
    all
}

/// What a choice of rows costs. Lines that do not fit into the channel cost more than anything.
fn cost(dom0: &Dom0, guests: &Guests, slack: &Slack, channel: usize) -> usize {
    let rows = dom0.rows(Plates::Own, &slack.vifs);
    let stands = guests.stand(&slack.nics);
    let height = rows.bottom.max(stands.last().map_or(0, |s| s.bottom));
    let slanted: usize = guests
        .bends(&rows.vifs, &stands)
        .map(isize::unsigned_abs)
        .filter(|&bend| bend > 0)
        .map(|bend| SLANTED + bend + 1000 * (bend + ENDS).saturating_sub(channel))
        .sum();
    height * ROW + slanted
}
