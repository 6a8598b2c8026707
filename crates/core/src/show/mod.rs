//! `xenwire show`: a host's network as a picture in plain text.
//!
//! ```text
//!         .---------------------.
//!         |     Dom0: xen1      |
//!         |---------------------|
//!         |  .---------------.  |          .-----------------------.
//!         |  |     br0       |  |          |      DomU 1: foo      |
//!         |  | 192.0.2.10/24 |  |          |-----------------------|
//!      .------.           .--------.    .------.                   |
//! <----| eth0 |           | vif1.0 |<-->| eth0 | 192.0.2.11/24     |
//!      '------'           '--------'    '------' 00:16:3e:00:00:02 |
//!         |  '---------------'  |          '-----------------------'
//!         '---------------------'
//! ```
//!
//! Links that lead out of a box sit on its wall: an uplink at the left of dom0 with its LAN side
//! open, a vif at the right, a guest's NIC at the left of the guest. Few vifs get lines to their
//! guests (`wires`); many vifs, or a narrow page, get a label each (`labels`).
//!
//! Invariants: equal topologies give equal text; no line is wider than asked for; every vif and
//! every guest is named, cut with `~` where there is no room; nothing but visible ASCII is drawn,
//! for guests' names are not to be trusted.

mod canvas;
mod dom0;
mod labels;
mod order;
mod settle;
mod topology;
mod wires;

pub use topology::{
    Bridge, Domain, GuestNic, Nic, OtherEnd, Port, PortKind, Routed, Topology, UnknownVersion,
    Version,
};

/// The narrowest page there is a drawing for, in columns.
pub const NARROWEST: usize = 40;

/// Draws a topology on a page `width` columns wide; less than [`NARROWEST`] counts as that.
/// Each line ends with a newline and has no blanks at its end.
pub fn draw(topology: &Topology, width: usize) -> String {
    let width = width.max(NARROWEST);
    let order = order::Order::best(topology);
    let dom0 = dom0::Dom0::of(topology, &order);
    wires::draw(&dom0, &order, width).unwrap_or_else(|| labels::draw(&dom0, &order, width))
}
