//! One trial: opens everything in the right namespaces, sends, and gathers what is seen until
//! an answer comes or time is up. The verdict over it is [`Trace`]'s.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::ear::Ear;
use super::listener::Listener;
use super::outcome::{Hindrance, Left, NotReach, Objection, Proof, Reach, Refusal};
use super::packet::{Content, Frame, Nonce, Packet};
use super::talk::Talk;
use super::tap::{Sighting, Tap, Way};
use super::{Place, Probe, Wish, route};

/// How long a listener may take to answer on its own machine.
const AT_HOME: Duration = Duration::from_secs(2);
/// How much longer than its patience a trial waits for the probe to leave, or for an answer that is
/// to come: a little over the second between two questions for a next hop (arp(7),
/// retrans_time_ms). The first one can get lost on a wire that is just coming up, which must not
/// look like one that is cut; and whoever answers for others takes up to 0.8 s (proxy_delay), on
/// the way there and on the way back.
const LATER: Duration = Duration::from_millis(1500);

/// What was seen.
pub(super) struct Trace {
    sender: String,
    address: IpAddr,
    proof: Option<Proof>,
    answer: Option<Duration>,
    left: Option<Left>,
    /// Whether the probe came to the target from another machine.
    came: bool,
    /// Whether sender and target are one machine.
    own: bool,
    refusal: Option<Refusal>,
    /// What the last try was refused with by the sender's own kernel.
    unsent: Option<Errno>,
    tries: u32,
}

/// By what a probe's packets are known.
struct Mark {
    address: IpAddr,
    port: Option<u16>,
    nonce: Nonce,
    next_hop: Option<IpAddr>,
}

/// Runs a trial in the calling thread, which is left in the sender's namespace.
pub(super) fn run(probe: &Probe, patience: Duration, wish: Wish) -> Result<Trace, Hindrance> {
    enter(&probe.to)?;
    let mut listener = listen(probe)?;
    let port = listener.port();
    let to = SocketAddr::new(probe.address, port.unwrap_or(0));
    let open = |place: &Place, purpose: &'static str| {
        let machine = place.name.clone();
        move |errno| Hindrance::Socket {
            machine,
            purpose,
            errno,
        }
    };

    let mut proof = None;
    if wish == Wish::NotReach {
        let mut talk = Talk::at_home(to, probe.protocol, nonce())
            .map_err(open(&probe.to, "socket that proves the listener"))?;
        let deaf = || Hindrance::Deaf {
            machine: probe.to.name.clone(),
            address: probe.address,
        };
        let round_trip = at_home(&mut talk, &mut listener).ok_or_else(deaf)?;
        proof = Some(Proof {
            address: probe.address,
            port,
            round_trip,
        });
    }
    let there = Ear::open(probe.address, probe.protocol).map_err(open(&probe.to, "ear"))?;

    enter(&probe.from)?;
    let here = Tap::open().map_err(open(&probe.from, "tap"))?;
    let next_hop = route::next_hop(probe.address).map_err(open(&probe.from, "route socket"))?;
    let mark = Mark {
        address: probe.address,
        port,
        nonce: nonce(),
        next_hop,
    };
    let talk = Talk::open(to, probe.protocol, mark.nonce).map_err(open(&probe.from, "sender"))?;
    let trace = Trace {
        sender: probe.from.name.clone(),
        address: probe.address,
        proof,
        answer: None,
        left: None,
        came: false,
        own: one_machine(&probe.from, &probe.to),
        refusal: None,
        unsent: None,
        tries: 0,
    };
    Ok(Trial {
        listener,
        talk,
        here,
        there,
        mark,
        trace,
    }
    .until_answered(patience, wish))
}

fn enter(place: &Place) -> Result<(), Hindrance> {
    move_into_link_name_space(place.netns.as_fd(), Some(LinkNameSpaceType::Network)).map_err(
        |errno| Hindrance::Enter {
            machine: place.name.clone(),
            errno,
        },
    )
}

/// Whether two places are one namespace, which has one inode, whoever opened it.
fn one_machine(a: &Place, b: &Place) -> bool {
    let inode =
        |place: &Place| rustix::fs::fstat(&place.netns).map(|stat| (stat.st_dev, stat.st_ino));
    matches!((inode(a), inode(b)), (Ok(a), Ok(b)) if a == b)
}

fn listen(probe: &Probe) -> Result<Listener, Hindrance> {
    Listener::open(probe.address, probe.protocol).map_err(|errno| {
        let machine = probe.to.name.clone();
        match errno {
            Errno::ADDRNOTAVAIL => Hindrance::NotItsAddress {
                machine,
                address: probe.address,
            },
            errno => Hindrance::Socket {
                machine,
                purpose: "listener",
                errno,
            },
        }
    })
}

/// Lets the target talk to itself.
fn at_home(talk: &mut Talk, listener: &mut Listener) -> Option<Duration> {
    let end = Instant::now() + AT_HOME;
    let mut next = Instant::now();
    while Instant::now() < end {
        if Instant::now() >= next {
            // A refusal to send is an answer that does not come.
            let _ = talk.attempt();
            next = Instant::now() + talk.pace();
        }
        wait(talk, listener, &[], next.min(end));
        listener.serve();
        if let Some(round_trip) = talk.hear() {
            return Some(round_trip);
        }
    }
    None
}

/// Sleeps until something happens or the time comes.
fn wait(talk: &Talk, listener: &Listener, others: &[BorrowedFd<'_>], until: Instant) {
    let reading = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
    let mut all: Vec<PollFd<'_>> = listener.descriptors().map(reading).collect();
    all.extend(others.iter().map(|fd| reading(*fd)));
    all.extend(
        talk.descriptors()
            .into_iter()
            .map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)),
    );
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).ok();
    // Interrupted or not, the caller looks at everything and at the clock.
    let _ = poll(&mut all, timeout.as_ref());
}

fn nonce() -> Nonce {
    let mut nonce = Nonce::default();
    // Never short and never fails for eight bytes once the machine is up (getrandom(2)); a
    // nonce of zeroes would still tell a probe from other traffic.
    let _ = getrandom(&mut nonce, GetRandomFlags::empty());
    nonce
}

struct Trial {
    listener: Listener,
    talk: Talk,
    here: Tap,
    there: Ear,
    mark: Mark,
    trace: Trace,
}

impl Trial {
    fn until_answered(mut self, patience: Duration, wish: Wish) -> Trace {
        let start = Instant::now();
        let mut next = start;
        loop {
            let now = Instant::now();
            let left = matches!(self.trace.left, Some(Left::Packet));
            let waiting = wish == Wish::Reach || !left && self.trace.unsent.is_none();
            let end = start + if waiting { patience + LATER } else { patience };
            if now >= end {
                break;
            }
            if now >= next {
                self.trace.unsent = self.talk.attempt().err();
                next = now + self.talk.pace();
            }
            wait(
                &self.talk,
                &self.listener,
                &[self.here.as_fd(), self.there.as_fd()],
                next.min(end),
            );
            if self.look() {
                break;
            }
        }
        self.look();
        self.trace.tries = self.talk.tries();
        self.trace
    }

    /// Looks at everything once; true if there is an answer.
    fn look(&mut self) -> bool {
        self.listener.serve();
        if self.trace.answer.is_none() {
            self.trace.answer = self.talk.hear();
        }
        while let Some(seen) = self.here.next() {
            self.trace.at_sender(&self.mark, &seen);
        }
        while let Some(packet) = self.there.next() {
            self.trace.came |= self.mark.is_of(&packet);
        }
        self.trace.answer.is_some()
    }
}

impl Mark {
    /// Whether a packet (or what an error quotes of it) is one of the probe's.
    fn is_of(&self, packet: &Packet) -> bool {
        let own = |load: &[u8]| load.get(..8).is_none_or(|load| load == self.nonce);
        packet.to == self.address
            && match &packet.content {
                Content::Request { load } => self.port.is_none() && load.len() >= 8 && own(load),
                Content::Udp { to_port, load } => self.port == Some(*to_port) && own(load),
                Content::Tcp { to_port, .. } => self.port == Some(*to_port),
                _ => false,
            }
    }

    /// What a packet says against the probe, if it does.
    fn objection(&self, packet: &Packet) -> Option<Objection> {
        match &packet.content {
            Content::Error { said, about } => self.is_of(about).then_some(*said),
            Content::Tcp {
                from_port,
                reset: true,
                ..
            } => {
                let from = (packet.from, Some(*from_port));
                (from == (self.address, self.port)).then_some(Objection::Reset)
            }
            _ => None,
        }
    }
}

impl Trace {
    /// Takes note of a frame at the sender. What stays on `lo` neither left nor came.
    fn at_sender(&mut self, mark: &Mark, seen: &Sighting) {
        if seen.loopback {
            return;
        }
        match (&seen.frame, seen.way == Way::Out) {
            (Frame::Packet(packet), true) if mark.is_of(packet) => self.left = Some(Left::Packet),
            (Frame::Question(address), true) if Some(*address) == mark.next_hop => {
                self.left
                    .get_or_insert(Left::Question { next_hop: *address });
            }
            (Frame::Packet(packet), false) => {
                let refusal = mark.objection(packet).map(|said| Refusal {
                    by: packet.from,
                    said,
                });
                self.refusal = self.refusal.or(refusal);
            }
            _ => {}
        }
    }

    /// Why nothing left.
    fn hindrance(&self) -> Hindrance {
        let machine = self.sender.clone();
        match self.unsent {
            Some(errno) => Hindrance::Send {
                machine,
                address: self.address,
                errno,
            },
            None => Hindrance::Unseen { machine },
        }
    }

    /// What it says about a claim to reach.
    pub(super) fn reach(self) -> Reach {
        match (self.answer, self.refusal, self.left) {
            (Some(round_trip), ..) if self.came || self.own => Reach::Arrived { round_trip },
            (Some(_), ..) => Reach::Elsewhere,
            (None, Some(refusal), _) => Reach::Refused { refusal },
            (None, None, None) => Reach::NeverLeft {
                why: self.hindrance(),
            },
            (None, None, Some(_)) if self.came => Reach::OneWay,
            (None, None, Some(left)) => Reach::Silent { left },
        }
    }

    /// What it says about a claim not to reach.
    pub(super) fn not_reach(self) -> NotReach {
        let why = self.hindrance();
        match (self.answer, self.left, self.proof) {
            (Some(round_trip), ..) => NotReach::Arrived { round_trip },
            (None, Some(left), _) if self.came => NotReach::OneWay { left },
            (None, Some(left), Some(listener)) => NotReach::Held {
                left,
                listener,
                refusal: self.refusal,
                tries: self.tries,
            },
            (None, ..) => NotReach::NeverLeft { why },
        }
    }
}
