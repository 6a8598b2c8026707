//! What a lab claims about its world: this machine reaches that one, that one does not reach
//! this one. A claim is tested with packets, and its outcome says what was seen.
//!
//! That nothing came back proves nothing by itself: the address may be missing, the listener may
//! be down, the sender may have no route. So [`NotReach::Held`] is given only when the listener
//! was seen to answer on its own machine, and a `tap` saw the probe (or the question for its
//! next hop) leave the sender, and an `ear` heard nothing of it at the target.
//!
//! ```text
//!  sender's namespace                              target's namespace
//!  talk ──▶ tap (what left, what objected) ── … ──▶ ear (what came) ──▶ listener
//! ```
//!
//! One thread tests one claim: a socket stays in the namespace it was opened in, so the thread
//! opens the listener in one, moves, opens the sender in the other, and polls them all.

mod ear;
mod listener;
mod outcome;
mod packet;
mod route;
mod talk;
mod tap;
mod trial;

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

pub use outcome::{Hindrance, Left, NotReach, Objection, Outcome, Proof, Reach, Refusal};

/// How long a claim is tested unless its author says otherwise.
pub const PATIENCE: Duration = Duration::from_millis(700);

/// A machine of the lab.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the lab file calls it.
    pub name: String,
    /// Its network namespace.
    pub netns: Arc<OwnedFd>,
}

/// What kind of packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// An echo request, which the target's kernel answers.
    Icmp,
    /// A connection, and an echo over it.
    Tcp,
    /// A datagram, and its echo.
    Udp,
}

/// From where to where, and with what.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The machine that sends.
    pub from: Place,
    /// The machine that is to answer.
    pub to: Place,
    /// Which of the target's addresses. Link-local IPv6 addresses have no meaning without a
    /// link, and cannot be probed.
    pub address: IpAddr,
    /// What is sent.
    pub protocol: Protocol,
}

/// What is claimed of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// An answer comes.
    Reach,
    /// None does, and the network is the reason.
    NotReach,
}

/// A claim of the lab.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The packet that decides it.
    pub probe: Probe,
    /// What is claimed.
    pub wish: Wish,
    /// How long to try.
    pub patience: Duration,
}

/// Sends until an answer comes or the patience ends. The caller's thread stays in its namespace.
pub fn reach(probe: &Probe, patience: Duration) -> Reach {
    aside(|| trial::run(probe, patience, Wish::Reach)).map_or_else(
        |hindrance| Reach::NoListener { why: hindrance },
        trial::Trace::reach,
    )
}

/// Sends for the whole of the patience, and longer by up to one and a half seconds while nothing
/// was seen to leave the sender: a kernel that asked for a next hop a moment ago asks again only
/// after a second. The caller's thread stays in its namespace.
pub fn not_reach(probe: &Probe, patience: Duration) -> NotReach {
    aside(|| trial::run(probe, patience, Wish::NotReach)).map_or_else(
        |hindrance| NotReach::NoListener { why: hindrance },
        trial::Trace::not_reach,
    )
}

/// Tests all claims at once; the outcomes are in the order of the claims.
pub fn run_all(claims: Vec<Claim>) -> Vec<Outcome> {
    let test = |claim: &Claim| match claim.wish {
        Wish::Reach => Outcome::Reach(reach(&claim.probe, claim.patience)),
        Wish::NotReach => Outcome::NotReach(not_reach(&claim.probe, claim.patience)),
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = claims
            .iter()
            .map(|claim| scope.spawn(move || test(claim)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("no test of a claim panics"))
            .collect()
    })
}

/// Does something in a thread of its own, which may move to other namespaces.
fn aside<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(act).join().expect("no trial panics"))
}
