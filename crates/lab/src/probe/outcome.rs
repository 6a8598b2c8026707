//! How a claim came out, as values and as sentences. A claim that is not proven says what is
//! missing; nothing here is a mere yes or no.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use rustix::io::Errno;
use serde::Serialize;

/// How a claim came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub enum Outcome {
    /// Of a claim that the target is reached.
    Reach(Reach),
    /// Of a claim that it is not.
    NotReach(NotReach),
}

/// Whether the target was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Reach {
    /// The target answered.
    Arrived {
        /// Between sending and the answer.
        round_trip: Duration,
    },
    /// Something answered, but the target never saw the question: another machine has its
    /// address.
    Elsewhere,
    /// The question got to the target and no answer came back.
    OneWay,
    /// Something on the way (or the target) said no.
    Refused {
        /// What was said, and by whom.
        refusal: Refusal,
    },
    /// No answer of any kind.
    Silent {
        /// How the probe left its sender.
        left: Left,
    },
    /// Nothing left the sender.
    NeverLeft {
        /// What kept it.
        why: Hindrance,
    },
    /// There was nothing to reach.
    NoListener {
        /// What is missing.
        why: Hindrance,
    },
}

/// Whether the target was kept out of reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum NotReach {
    /// Proven: the target was up and listening, the probe left its sender, and it did not get
    /// there.
    Held {
        /// How the probe left its sender.
        left: Left,
        /// That the listener was up.
        listener: Proof,
        /// What was said on the way, if anything was.
        refusal: Option<Refusal>,
        /// How often it was tried.
        tries: u32,
    },
    /// Disproven: the target answered.
    Arrived {
        /// Between sending and the answer.
        round_trip: Duration,
    },
    /// Disproven: the probe got to the target's machine, and only the way back is missing.
    OneWay {
        /// How the probe left its sender.
        left: Left,
    },
    /// Not proven: nothing left the sender, so the network was not asked.
    NeverLeft {
        /// What kept it.
        why: Hindrance,
    },
    /// Not proven: there was nothing to reach.
    NoListener {
        /// What is missing.
        why: Hindrance,
    },
}

/// What was seen to leave the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// The probe itself.
    Packet,
    /// Only the question (ARP, neighbour solicitation) for the link address of the next hop.
    Question {
        /// Whose link address was asked for.
        next_hop: IpAddr,
    },
}

/// That the listener answered when asked from within its own machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// At which address.
    pub address: IpAddr,
    /// At which port; ICMP has none.
    pub port: Option<u16>,
    /// How long that answer took.
    pub round_trip: Duration,
}

/// Somebody's word that a probe does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The source address of that word.
    pub by: IpAddr,
    /// What was said.
    pub said: Objection,
}

/// What a refusal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Objection {
    /// ICMP: there is no way there (type 3 codes 0 and others; ICMPv6 type 1 code 0 and others).
    NoRoute,
    /// ICMP: the host does not answer for its link address (3/1; 1/3).
    NoHost,
    /// ICMP: nobody listens at that port (3/3; 1/4).
    NoPort,
    /// ICMP: forbidden by an administrator (3/9, 3/10, 3/13; 1/1, 1/5, 1/6).
    Prohibited,
    /// TCP: a reset.
    Reset,
}

/// What kept a trial from proving anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The namespace of a machine could not be entered.
    Enter {
        /// Which machine.
        machine: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The target has no such address, or it is not usable yet (a tentative IPv6 address).
    NotItsAddress {
        /// The target.
        machine: String,
        /// The address.
        address: IpAddr,
    },
    /// The target's listener does not answer even on its own machine (is `lo` up?).
    Deaf {
        /// The target.
        machine: String,
        /// The address.
        address: IpAddr,
    },
    /// A socket could not be opened.
    Socket {
        /// Which machine it was for.
        machine: String,
        /// What it was for.
        purpose: &'static str,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The sender's kernel refused to send.
    Send {
        /// The sender.
        machine: String,
        /// Where to.
        address: IpAddr,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The sender's kernel took the probe, and no link carried it away: the sender dropped it,
    /// or has that address itself.
    Unseen {
        /// The sender.
        machine: String,
    },
}

impl Outcome {
    /// Whether the claim is proven.
    pub fn proven(&self) -> bool {
        match self {
            Self::Reach(reach) => reach.proven(),
            Self::NotReach(not_reach) => not_reach.proven(),
        }
    }
}

impl Reach {
    /// Whether the target was reached.
    pub fn proven(&self) -> bool {
        matches!(self, Self::Arrived { .. })
    }
}

impl NotReach {
    /// Whether it is proven that the target is out of reach.
    pub fn proven(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reach(reach) => reach.fmt(f),
            Self::NotReach(not_reach) => not_reach.fmt(f),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrived { round_trip } => write!(f, "answered after {round_trip:.1?}"),
            Self::Elsewhere => write!(f, "another machine with the same address answered"),
            Self::OneWay => write!(f, "the probe got there, but no answer came back"),
            Self::Refused { refusal } => refusal.fmt(f),
            Self::Silent { left } => write!(f, "no answer; {left}"),
            Self::NeverLeft { why } | Self::NoListener { why } => why.fmt(f),
        }
    }
}

impl fmt::Display for NotReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held {
                left,
                refusal: None,
                tries,
                ..
            } => {
                write!(
                    f,
                    "no answer to {tries} tries; {left}, and the listener was up"
                )
            }
            Self::Held {
                refusal: Some(refusal),
                ..
            } => {
                write!(f, "{refusal}, and the listener was up")
            }
            Self::Arrived { round_trip } => write!(f, "answered after {round_trip:.1?}"),
            Self::OneWay { .. } => write!(f, "the probe got there, and only the answer did not"),
            Self::NeverLeft { why } => write!(f, "nothing proven, nothing was sent: {why}"),
            Self::NoListener { why } => write!(f, "nothing proven, nothing listened: {why}"),
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet => write!(f, "the probe left its sender"),
            Self::Question { next_hop } => {
                write!(f, "the sender asked for the link address of {next_hop}")
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.said {
            Objection::NoRoute => "no route there",
            Objection::NoHost => "the host is unreachable",
            Objection::NoPort => "nobody listens at that port",
            Objection::Prohibited => "prohibited",
            Objection::Reset => "connection reset",
        };
        write!(f, "{} said: {said}", self.by)
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enter { machine, errno } => {
                write!(
                    f,
                    "cannot enter the network namespace of {machine}: {errno}"
                )
            }
            Self::NotItsAddress { machine, address } => {
                write!(f, "{machine} has no usable address {address}")
            }
            Self::Deaf { machine, address } => write!(
                f,
                "{machine} does not reach itself at {address}; is its lo up?"
            ),
            Self::Socket {
                machine,
                purpose,
                errno,
            } => {
                write!(f, "cannot open the {purpose} of {machine}: {errno}")
            }
            Self::Send {
                machine,
                address,
                errno,
            } => {
                write!(f, "{machine} cannot send to {address}: {errno}")
            }
            Self::Unseen { machine } => {
                write!(
                    f,
                    "no link of {machine} carried the probe away; it was dropped there"
                )
            }
        }
    }
}

impl std::error::Error for Hindrance {}

impl Serialize for Hindrance {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
