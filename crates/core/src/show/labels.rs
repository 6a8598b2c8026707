//! The drawing for many vifs or a narrow page: each vif has a row, and beside it the name of
//! what is at its other end.
//!
//! ```text
//! .--------.
//! | vif1.0 |---> foo eth0  10.0.0.2/24
//! | vif2.0 |---> bar eth0  10.0.0.3/24
//! '--------'
//! ```

use std::collections::HashMap;

use super::canvas::{Canvas, cut, plain};
use super::dom0::{Dom0, Plates};
use super::order::Order;
use crate::name::VifId;

const ARROW: &str = "--->";
/// A label gets at least this much of the page, or what it needs if that is less.
const LEAST: usize = 14;

/// Draws with labels; there is always room for that.
pub(super) fn draw(dom0: &Dom0, order: &Order<'_>, width: usize) -> String {
    let labels = labels(order);
    let longest = dom0
        .vifs()
        .map(|r| labels.get(&r.vif).map_or(1, |l| l[0].len()))
        .max();
    // A vif that has no guest still has an arrow, to `?`.
    let wanted = longest.map_or(0, |n| ARROW.len() + 1 + n);
    let columns = dom0.columns(width - wanted.min((width / 3).max(LEAST)));
    let rows = dom0.rows(Plates::Shared, &[]);
    let mut canvas = Canvas::new(width);
    dom0.draw(&mut canvas, &columns, &rows, Plates::Shared);

    let start = columns.edge + 1;
    for (right, &y) in dom0.vifs().zip(&rows.vifs) {
        canvas.text(start, y, ARROW);
        let x = start + ARROW.len() + 1;
        let room = width.saturating_sub(x);
        canvas.text(
            x,
            y,
            &labels
                .get(&right.vif)
                .map_or("?".to_owned(), |l| fill(l, longest.unwrap_or(0), room)),
        );
    }
    let lines = unconnected(dom0, order);
    for (i, line) in lines.iter().enumerate() {
        canvas.text(0, rows.bottom + 2 + i, &cut(line, width));
    }
    canvas.finish()
}

/// For each vif the guest and its NIC, and then the NIC's addresses.
fn labels(order: &Order<'_>) -> HashMap<VifId, Vec<String>> {
    let mut labels = HashMap::new();
    for (domain, nics) in &order.guests {
        for nic in nics.iter().map(|&n| &domain.nics[n]) {
            let mut label = vec![format!("{} {}", plain(&domain.name), plain(&nic.name))];
            label.extend(nic.addresses.iter().map(ToString::to_string));
            labels.entry(nic.vif).or_insert(label);
        }
    }
    labels
}

/// As many of a label's parts as fit whole; the first always, cut if it must be. Second parts
/// stand below each other where there is room for that.
fn fill(parts: &[String], longest: usize, room: usize) -> String {
    let mut line = parts
        .first()
        .map_or(String::new(), |first| cut(first, room));
    if parts
        .get(1)
        .is_some_and(|second| longest + 2 + second.len() <= room)
    {
        line = format!("{line:<longest$}");
    }
    for (i, part) in parts.iter().enumerate().skip(1) {
        if line.len() + 2 + part.len() > room {
            if line.len() + 4 < room {
                line.push_str(&format!(" +{}", parts.len() - i));
            }
            break;
        }
        line.push_str("  ");
        line.push_str(part);
    }
    line
}

/// The guests, and NICs of guests, that no line or label of the drawing shows.
fn unconnected(dom0: &Dom0, order: &Order<'_>) -> Vec<String> {
    let mut drawn: HashMap<VifId, bool> = dom0.vifs().map(|r| (r.vif, false)).collect();
    let mut lines = Vec::new();
    for (domain, nics) in &order.guests {
        let name = plain(&domain.name);
        if nics.is_empty() {
            lines.push(format!("DomU {}: {name}  (no NIC)", domain.domid));
        }
        for nic in nics.iter().map(|&n| &domain.nics[n]) {
            match drawn.get_mut(&nic.vif) {
                Some(done) if !*done => *done = true,
                _ => lines.push(format!(
                    "DomU {}: {name} {}  (no {} here)",
                    domain.domid,
                    plain(&nic.name),
                    nic.vif
                )),
            }
        }
    }
    lines
}
