//! The drawing with lines: dom0 at the left, guests at the right, and a line from each vif to
//! its guest's NIC. A line is straight where both ends can stand in one row, and slanted where
//! not:
//!
//! ```text
//! <---.      .--->
//!      \    /
//!       \  /
//! ```
//!
//! Slanted lines are drawn around the middle of the channel, so two of them meet only where
//! their ends are in opposite order.

use std::collections::HashMap;

use super::canvas::{Canvas, cut, plain};
use super::dom0::{Columns, Dom0, Plates, STANDS_OUT, note_row};
use super::order::Order;
use super::settle::settle;
use super::topology::GuestNic;
use crate::name::VifId;

/// More vifs than this have labels instead: nobody follows more lines than that.
const MOST_WIRES: usize = 12;
/// More crossings than this, and a label is faster to read than a line.
const MOST_CROSSINGS: usize = 6;
/// An address up to this long is shown whole or labels are used: all of IPv4, and short IPv6.
const WHOLE: usize = 24;
/// The shortest straight line, with its arrowheads.
const SHORTEST: usize = 8;
/// What a slanted line needs beside its slant: an arrowhead and a dash at each end, two corners,
/// and one column to choose from (see [`lay`]).
pub(super) const ENDS: usize = 7;
/// Rows of a guest's box above its first NIC's name: outline, title, rule, the plate's outline.
const HEAD: usize = 4;

/// A line: which vif, and which NIC, both counted from the top over all guests.
pub(super) struct Wire {
    pub(super) vif: usize,
    pub(super) nic: usize,
}

/// The right half of the drawing.
pub(super) struct Guests {
    titles: Vec<String>,
    /// For each guest how many NICs it has.
    counts: Vec<usize>,
    pub(super) names: Vec<String>,
    notes: Vec<Vec<String>>,
    macs: Vec<String>,
    pub(super) wires: Vec<Wire>,
}

/// Rows of a guest: its box, and each of its NICs' names.
pub(super) struct Stand {
    top: usize,
    nics: Vec<usize>,
    pub(super) bottom: usize,
}

/// Draws with lines, if there are few enough and the page is wide enough.
pub(super) fn draw(dom0: &Dom0, order: &Order<'_>, width: usize) -> Option<String> {
    if dom0.vifs().count().max(order.guests.len()) > MOST_WIRES || order.crossings > MOST_CROSSINGS
    {
        return None;
    }
    let mut guests = Guests::of(dom0, order);
    if guests.names.len() > MOST_WIRES {
        return None;
    }
    let columns = dom0.columns(usize::MAX / 2);
    let room = width.checked_sub(columns.edge + 1)?;
    let (plate, title) = guests.widths();
    let least = (plate + 3 + guests.widest_note().min(WHOLE)).max(title.min(16) + STANDS_OUT);
    let channel = if guests.titles.is_empty() {
        3
    } else {
        room.checked_sub(least)?
    };
    let slack = settle(dom0, &guests, channel);
    let rows = dom0.rows(Plates::Own, &slack.vifs);
    let stands = guests.stand(&slack.nics);
    let bend = guests
        .bends(&rows.vifs, &stands)
        .map(isize::unsigned_abs)
        .max()
        .unwrap_or(0);
    let needed = if bend == 0 {
        SHORTEST
    } else {
        (bend + ENDS).max(SHORTEST + 2)
    };
    if !guests.titles.is_empty() && needed > channel {
        return None;
    }

    let mut canvas = Canvas::new(width);
    dom0.draw(&mut canvas, &columns, &rows, Plates::Own);
    let plate_x = columns.edge + 1 + needed;
    guests.tell_macs(width.saturating_sub(plate_x + plate + 3));
    let notes = guests
        .notes
        .iter()
        .flatten()
        .map(String::len)
        .max()
        .unwrap_or(0);
    let wanted = (plate + notes + 2).max(title + STANDS_OUT);
    let right = (plate_x + wanted).min(width - 1);
    guests.draw(&mut canvas, plate_x, plate, right, &stands);
    let nics: Vec<usize> = stands.iter().flat_map(|s| &s.nics).copied().collect();
    for wire in &guests.wires {
        lay(
            &mut canvas,
            &columns,
            needed,
            rows.vifs[wire.vif],
            nics[wire.nic],
        );
    }
    for (i, &y) in rows.vifs.iter().enumerate() {
        if guests.wires.iter().all(|wire| wire.vif != i) {
            canvas.text(columns.edge + 1, y, "<-?");
        }
    }
    Some(canvas.finish())
}

impl Guests {
    fn of(dom0: &Dom0, order: &Order<'_>) -> Self {
        let mut free: HashMap<VifId, usize> = HashMap::new();
        for (i, right) in dom0.vifs().enumerate() {
            free.entry(right.vif).or_insert(i);
        }
        let mut guests = Self {
            titles: Vec::new(),
            counts: Vec::new(),
            names: Vec::new(),
            notes: Vec::new(),
            macs: Vec::new(),
            wires: Vec::new(),
        };
        for (domain, nics) in &order.guests {
            guests
                .titles
                .push(format!("DomU {}: {}", domain.domid, plain(&domain.name)));
            guests.counts.push(nics.len());
            for nic in nics.iter().map(|&n| &domain.nics[n]) {
                let end = free.remove(&nic.vif);
                if let Some(vif) = end {
                    guests.wires.push(Wire {
                        vif,
                        nic: guests.names.len(),
                    });
                }
                guests.names.push(plain(&nic.name));
                guests.notes.push(notes(nic, end.is_some()));
                guests.macs.push(nic.mac.to_string());
            }
        }
        guests
    }

    /// Adds each NIC's MAC where a row is left beside it, if all of them fit into the room for
    /// notes.
    fn tell_macs(&mut self, room: usize) {
        if self.macs.iter().any(|mac| mac.len() > room) {
            return;
        }
        for (notes, mac) in self.notes.iter_mut().zip(&self.macs) {
            if notes.len() < 3 {
                notes.push(mac.clone());
            }
        }
    }

    fn widest_note(&self) -> usize {
        self.notes
            .iter()
            .flatten()
            .map(String::len)
            .max()
            .unwrap_or(0)
    }

    /// The widths that plates and titles want.
    fn widths(&self) -> (usize, usize) {
        let plate = self
            .names
            .iter()
            .map(|n| n.len().min(15) + 4)
            .max()
            .unwrap_or(0)
            .max(STANDS_OUT + 4);
        let title = self.titles.iter().map(|t| t.len() + 5).max().unwrap_or(0);
        (plate, title)
    }

    /// The rows of all guests. Room above a guest's first NIC is room above the guest.
    pub(super) fn stand(&self, slack: &[usize]) -> Vec<Stand> {
        let mut slack = slack.iter().copied();
        let mut y = 0;
        let mut stands = Vec::new();
        for &count in &self.counts {
            let mut top = y;
            let mut nics = Vec::new();
            for i in 0..count {
                let more = slack.next().unwrap_or(0);
                match nics.last() {
                    Some(&last) => nics.push(last + 3 + more),
                    None => {
                        top += more;
                        nics.push(top + HEAD + i);
                    }
                }
            }
            let bottom = nics.last().map_or(top + 2, |last| last + 2);
            stands.push(Stand { top, nics, bottom });
            y = bottom + 1;
        }
        stands
    }

    /// How many rows each line goes down.
    pub(super) fn bends(&self, vifs: &[usize], stands: &[Stand]) -> impl Iterator<Item = isize> {
        let nics: Vec<usize> = stands.iter().flat_map(|s| &s.nics).copied().collect();
        self.wires
            .iter()
            .map(move |wire| nics[wire.nic].cast_signed() - vifs[wire.vif].cast_signed())
    }

    fn draw(&self, canvas: &mut Canvas, x: usize, plate: usize, right: usize, stands: &[Stand]) {
        let left = x + STANDS_OUT;
        let mut nic = 0;
        for (title, stand) in self.titles.iter().zip(stands) {
            canvas.outline(left, stand.top, right, stand.bottom);
            canvas.centred(left, right, stand.top + 1, title);
            if !stand.nics.is_empty() {
                canvas.line(left, right, stand.top + 2, '|');
            }
            for &y in &stand.nics {
                canvas.plate(x, y - 1, plate, std::slice::from_ref(&self.names[nic]));
                let (start, notes) = (x + plate + 1, &self.notes[nic]);
                for (i, note) in notes.iter().take(3).enumerate() {
                    let note = cut(note, right.saturating_sub(start + 1));
                    canvas.text(start, note_row(y, i, notes.len()), &note);
                }
                nic += 1;
            }
        }
    }
}

/// What stands beside a guest's NIC: its addresses, in at most three rows.
fn notes(nic: &GuestNic, connected: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !connected {
        notes.push(format!("no {} here", nic.vif));
    }
    notes.extend(nic.addresses.iter().map(ToString::to_string));
    if notes.len() > 3 {
        let more = notes.len() - 2;
        notes.truncate(2);
        notes.push(format!("+{more} more"));
    }
    notes
}

/// Draws the line between two rows of the channel. Columns are chosen so that column less row is
/// even on every line that goes down, and column plus row odd on every line that goes up: such
/// lines pass between each other's characters and never meet in one place.
fn lay(canvas: &mut Canvas, columns: &Columns, channel: usize, from: usize, to: usize) {
    let (first, last) = (columns.edge + 1, columns.edge + channel);
    let rows = from.abs_diff(to);
    if rows == 0 {
        (first..=last).for_each(|x| straight(canvas, x, from));
    } else {
        let down = to > from;
        let middle = first + (channel - 1 - rows) / 2;
        let bend = middle + (middle + from + usize::from(!down)) % 2;
        (first..bend).for_each(|x| straight(canvas, x, from));
        (bend + rows..=last).for_each(|x| straight(canvas, x, to));
        for i in 1..rows {
            let (y, c) = if down {
                (from + i, '\\')
            } else {
                (from - i, '/')
            };
            canvas.put(bend + i, y, c);
        }
        canvas.put(bend, from, if down { '.' } else { '\'' });
        canvas.put(bend + rows, to, if down { '\'' } else { '.' });
    }
    canvas.put(first, from, '<');
    canvas.put(last, to, '>');
}

/// Draws a dash, but a slanted line that passes stays on top.
fn straight(canvas: &mut Canvas, x: usize, y: usize) {
    if canvas.at(x, y) == ' ' {
        canvas.put(x, y, '-');
    }
}
