//! What the kernel says of a thing beyond what plans know of.

use serde::{Deserialize, Serialize};

/// An attribute of a netlink message, carried along unread when a thing moves to another link: a
/// route's metrics (RTA_METRICS) or a rule's mark (FRA_FWMARK), say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attribute {
    /// The kernel's number of it, within the thing's kind of message.
    pub kind: u16,
    /// Its payload.
    pub value: Vec<u8>,
}

/// A moment of the boot clock (CLOCK_BOOTTIME), in seconds; `u32::MAX` is never.
///
/// The kernel tells and takes whole seconds that are left. A moment survives that a plan is undone
/// later than it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deadline(pub u32);

impl Deadline {
    /// No end.
    pub const NEVER: Self = Self(u32::MAX);

    /// The moment so many seconds from now, as the kernel counts: `u32::MAX` stays never.
    pub fn after(seconds: u32, now: u32) -> Self {
        if seconds == u32::MAX {
            Self::NEVER
        } else {
            Self(seconds.saturating_add(now).min(u32::MAX - 1))
        }
    }

    /// The seconds that are left; `u32::MAX` for never, 0 if it has passed.
    pub fn left(self, now: u32) -> u32 {
        if self == Self::NEVER {
            u32::MAX
        } else {
            self.0.saturating_sub(now)
        }
    }

    /// Whether both are the same moment: the kernel rounds, once each time it is asked.
    pub fn is_about(self, other: Self) -> bool {
        const ROUNDING: u32 = 2;
        match (self, other) {
            (Self::NEVER, other) | (other, Self::NEVER) => other == Self::NEVER,
            _ => self.0.abs_diff(other.0) <= ROUNDING,
        }
    }
}
