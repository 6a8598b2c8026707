//! The left half of every drawing: dom0's box, the bridges in it, uplinks on its left wall and
//! vifs on its right wall. The right half decides in which rows the vifs stand.

use super::canvas::{Canvas, cut, plain};
use super::order::Order;
use super::topology::{Bridge, PortKind, Topology};
use crate::name::VifId;

/// How far a plate on a wall stands out of the box, in columns.
pub(super) const STANDS_OUT: usize = 3;
/// A plate must cover dom0's wall and the bridge's, which are [`STANDS_OUT`] apart.
const NARROWEST_PLATE: usize = 8;
/// The open line at the left of an uplink.
const LAN: &str = "<----";
/// Rows of dom0's box above its first bridge: outline, title, rule.
const HEAD: usize = 3;
/// Columns that stay free between uplinks and vifs.
const GAP: usize = 2;

/// What is drawn in dom0's box.
pub(super) struct Dom0 {
    title: String,
    pub(super) groups: Vec<Group>,
}

/// A bridge, or links without one.
pub(super) struct Group {
    /// What stands above the ports; a group without a title has no outline.
    title: Vec<String>,
    left: Vec<Left>,
    pub(super) right: Vec<Right>,
}

/// A link at the left.
struct Left {
    name: String,
    /// Whether it leads out of the host and stands on dom0's wall.
    out: bool,
    notes: Vec<String>,
}

/// A vif, at the right.
pub(super) struct Right {
    pub(super) name: String,
    pub(super) vif: VifId,
    notes: Vec<String>,
}

/// Whether each vif has a plate of its own, or all of a bridge share one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plates {
    /// One each, with room above it.
    Own,
    /// One for all, a row for each.
    Shared,
}

/// The columns of the drawing, from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    left: usize,
    left_width: usize,
    wall: usize,
    bridge: usize,
    vif: usize,
    vif_width: usize,
    bridge_end: usize,
    wall_end: usize,
    /// The last column that is drawn on.
    pub(super) edge: usize,
}

/// The rows of the drawing.
pub(super) struct Rows {
    /// For each group, its first row, the first row of its plates, and its last row.
    groups: Vec<(usize, usize, usize)>,
    /// The row of each vif's name, over all groups.
    pub(super) vifs: Vec<usize>,
    /// The last row of dom0's box.
    pub(super) bottom: usize,
}

impl Dom0 {
    /// Sorts a topology into groups, and the vifs in each as the order wants them.
    pub(super) fn of(topology: &Topology, order: &Order<'_>) -> Self {
        let mut groups = Vec::new();
        let loose: Vec<Left> = topology
            .nics
            .iter()
            .map(|nic| Left {
                name: nic.name.to_string(),
                out: true,
                notes: notes(nic.addresses.iter(), nic.up),
            })
            .collect();
        if !loose.is_empty() {
            groups.push(Group {
                title: Vec::new(),
                left: loose,
                right: Vec::new(),
            });
        }
        groups.extend(topology.bridges.iter().map(Group::bridge));
        let routed: Vec<Right> = topology
            .routed
            .iter()
            .map(|routed| Right {
                name: routed.name.to_string(),
                vif: routed.vif,
                notes: std::iter::once("routed".to_owned())
                    .chain(notes(routed.addresses.iter(), routed.up))
                    .collect(),
            })
            .collect();
        if !routed.is_empty() {
            groups.push(Group {
                title: Vec::new(),
                left: Vec::new(),
                right: routed,
            });
        }
        for group in &mut groups {
            group.right.sort_by_key(|r| (order.rank(r.vif), r.vif));
        }
        Self {
            title: format!("Dom0: {}", plain(&topology.host)),
            groups,
        }
    }

    /// All vifs from top to bottom.
    pub(super) fn vifs(&self) -> impl Iterator<Item = &Right> {
        self.groups.iter().flat_map(|group| &group.right)
    }

    /// The columns, in at most `room` of them. Names are cut before plates touch each other,
    /// titles and notes before names.
    pub(super) fn columns(&self, room: usize) -> Columns {
        let mut caps = [15, 15];
        loop {
            let (tight, wanted) = self.fit(caps);
            let largest = if caps[0] > caps[1] { 0 } else { 1 };
            if tight.edge < room || caps == [4, 4] {
                return if wanted.edge < room {
                    wanted
                } else {
                    tight.stretched(room - 1)
                };
            }
            // Uplinks have the shorter names as a rule, so a vif keeps its own the longer.
            let shrink = if caps[largest] > 4 {
                largest
            } else {
                1 - largest
            };
            caps[shrink] -= 1;
        }
    }

    /// The columns when names are cut to this many characters: with nothing else, and with
    /// titles and notes in full.
    fn fit(&self, caps: [usize; 2]) -> (Columns, Columns) {
        let lefts = || self.groups.iter().flat_map(|group| &group.left);
        let plate = |longest: Option<usize>, cap: usize| {
            longest.map_or(0, |n| (n.min(cap) + 4).max(NARROWEST_PLATE))
        };
        let left_width = plate(lefts().map(|l| l.name.len()).max(), caps[0]);
        let vif_width = plate(self.vifs().map(|r| r.name.len()).max(), caps[1]);
        let out = lefts().any(|l| l.out);
        let left = if out { LAN.len() } else { 0 };
        let wall = if out { left + STANDS_OUT } else { 0 };
        let bridge = wall + STANDS_OUT;

        let mut end = bridge + 1;
        if out {
            end = end.max(left + left_width);
        }
        if lefts().any(|l| !l.out) {
            end = end.max(bridge + 2 + left_width);
        }
        let tight = Columns {
            left,
            left_width,
            wall,
            bridge,
            vif: 0,
            vif_width,
            bridge_end: 0,
            wall_end: 0,
            edge: 0,
        }
        .ending(end + GAP + vif_width.max(2 * STANDS_OUT + 1) - 1);

        let beside = self.groups.iter().map(Group::beside).max().unwrap_or(0);
        let titles = self
            .groups
            .iter()
            .flat_map(|g| &g.title)
            .map(String::len)
            .max()
            .unwrap_or(0);
        let wanted = (tight.edge + beside)
            .max(bridge + titles + 3 + 2 * STANDS_OUT)
            .max(wall + self.title.len() + 5 + STANDS_OUT);
        (tight, tight.ending(wanted))
    }

    /// The rows, when each vif has this much room above it (see [`Plates::Own`]).
    pub(super) fn rows(&self, plates: Plates, slack: &[usize]) -> Rows {
        let mut y = HEAD;
        let mut rows = Rows {
            groups: Vec::new(),
            vifs: Vec::new(),
            bottom: 0,
        };
        for group in &self.groups {
            let top = y;
            let first = if group.title.is_empty() {
                y
            } else {
                y + 1 + group.title.len()
            };
            let mut end = first;
            for i in 0..group.right.len() {
                match plates {
                    Plates::Own => {
                        end += slack.get(rows.vifs.len()).copied().unwrap_or(0);
                        rows.vifs.push(end + 1);
                        end += 3;
                    }
                    Plates::Shared => {
                        rows.vifs.push(first + 1 + i);
                        end = first + 3 + i;
                    }
                }
            }
            end = end.max(first + 3 * group.left.len());
            rows.groups.push((top, first, end));
            y = if group.title.is_empty() { end } else { end + 1 };
        }
        rows.bottom = y;
        rows
    }

    /// Draws dom0 with all that is in it.
    pub(super) fn draw(&self, canvas: &mut Canvas, columns: &Columns, rows: &Rows, plates: Plates) {
        let c = columns;
        canvas.outline(c.wall, 0, c.wall_end, rows.bottom);
        canvas.centred(c.wall, c.wall_end, 1, &self.title);
        canvas.line(c.wall, c.wall_end, 2, '|');
        let mut vifs = rows.vifs.as_slice();
        for (group, &(top, first, end)) in self.groups.iter().zip(&rows.groups) {
            if !group.title.is_empty() {
                canvas.outline(c.bridge, top, c.bridge_end, end);
                for (i, line) in group.title.iter().enumerate() {
                    canvas.centred(c.bridge, c.bridge_end, top + 1 + i, line);
                }
            }
            for (i, left) in group.left.iter().enumerate() {
                left.draw(canvas, c, first + 3 * i);
            }
            let (mine, rest) = vifs.split_at(group.right.len());
            vifs = rest;
            group.draw_vifs(canvas, c, mine, plates);
        }
    }
}

impl Columns {
    /// The same, with the right wall moved so that the drawing ends in this column.
    fn ending(self, edge: usize) -> Self {
        let vif = (edge + 1).saturating_sub(self.vif_width);
        let (wall_end, bridge_end) = (edge - STANDS_OUT, edge - 2 * STANDS_OUT);
        if self.vif_width == 0 {
            // Nothing stands out at the right.
            return Self {
                vif: bridge_end,
                wall_end,
                bridge_end,
                edge: wall_end,
                ..self
            };
        }
        Self {
            vif,
            wall_end,
            bridge_end,
            edge,
            ..self
        }
    }

    /// As wide as the page lets it be, but never narrower than it is.
    fn stretched(self, edge: usize) -> Self {
        self.ending(edge.max(self.edge))
    }
}

impl Group {
    fn bridge(bridge: &Bridge) -> Self {
        let state = if bridge.up { "" } else { " (down)" };
        let mut group = Self {
            title: vec![format!("{}{state}", bridge.name)],
            left: Vec::new(),
            right: Vec::new(),
        };
        group
            .title
            .extend(bridge.addresses.iter().map(ToString::to_string));
        for port in &bridge.ports {
            let name = port.name.to_string();
            let mut notes = notes([].iter(), port.up);
            if let Some(end) = &port.end {
                notes.push(format!("<-> {}", end.name));
                notes.extend(end.addresses.iter().map(ToString::to_string));
            }
            match port.kind {
                PortKind::Vif(vif) => group.right.push(Right { name, vif, notes }),
                PortKind::Nic => group.left.push(Left {
                    name,
                    out: true,
                    notes,
                }),
                PortKind::Other => group.left.push(Left {
                    name,
                    out: false,
                    notes,
                }),
            }
        }
        group
    }

    /// How many columns the notes between left and right want.
    fn beside(&self) -> usize {
        let widest = |notes: &mut dyn Iterator<Item = &String>| {
            notes.map(|n| n.len() + 1).max().unwrap_or(0)
        };
        widest(&mut self.left.iter().flat_map(|l| &l.notes))
            + widest(&mut self.right.iter().flat_map(|r| &r.notes))
    }

    fn draw_vifs(&self, canvas: &mut Canvas, c: &Columns, rows: &[usize], plates: Plates) {
        let names: Vec<String> = self.right.iter().map(|r| r.name.clone()).collect();
        if let (Plates::Shared, Some(&first)) = (plates, rows.first()) {
            canvas.plate(c.vif, first - 1, c.vif_width, &names);
        }
        for (right, &y) in self.right.iter().zip(rows) {
            match plates {
                Plates::Own => {
                    canvas.plate(c.vif, y - 1, c.vif_width, std::slice::from_ref(&right.name));
                    for (i, note) in right.notes.iter().take(3).enumerate() {
                        note_before(canvas, c.vif, note_row(y, i, right.notes.len()), note);
                    }
                }
                Plates::Shared => note_before(canvas, c.vif, y, &right.notes.join(" ")),
            }
        }
    }
}

impl Left {
    fn draw(&self, canvas: &mut Canvas, c: &Columns, y: usize) {
        let x = if self.out { c.left } else { c.bridge + 2 };
        canvas.plate(x, y, c.left_width, std::slice::from_ref(&self.name));
        if self.out {
            canvas.text(0, y + 1, LAN);
        }
        let end = x + c.left_width + 1;
        for (i, note) in self.notes.iter().take(3).enumerate() {
            let room = c.vif.saturating_sub(end + 1);
            canvas.text(end, note_row(y + 1, i, self.notes.len()), &cut(note, room));
        }
    }
}

/// Writes a note that ends before a column, over blanks only.
fn note_before(canvas: &mut Canvas, x: usize, y: usize, note: &str) {
    let room = (0..x.saturating_sub(1))
        .rev()
        .take_while(|&x| canvas.at(x, y) == ' ')
        .count();
    let note = cut(note, room.saturating_sub(1));
    canvas.text(x.saturating_sub(1 + note.len()), y, &note);
}

/// In which row the `i`th of up to three notes beside a plate stands: a single one beside the
/// name, three in all rows of the plate.
pub(super) fn note_row(name: usize, i: usize, count: usize) -> usize {
    if count > 2 { name + i - 1 } else { name + i }
}

/// Addresses, and `down` for a link that is.
fn notes<'a>(addresses: impl Iterator<Item = &'a ipnet::IpNet>, up: bool) -> Vec<String> {
    let down = (!up).then(|| "down".to_owned());
    down.into_iter()
        .chain(addresses.map(ToString::to_string))
        .collect()
}
