//! Another connection when the old one is gone: after the daemon was started again, say.
//!
//! A server that ends takes with it the watches and the open transactions of its connections, and a
//! request without a reply may have been done or not. So a client does not hide a loss unless it is
//! told to, by [`Client::set_reconnect`], and then only what it can make good:
//!
//! * The watches are set again on the new connection. Each one's first event tells the caller to
//!   look again, since what changed meanwhile was told to nobody. Events that had arrived stay.
//! * A request that only reads, or that was not sent, is sent again.
//! * A request that changes something and was sent is not: it is an [`Error::Transport`] for which
//!   [`Error::may_have_been_done`] holds, and the caller looks what became of it.
//! * A transaction is over. [`Client::transaction`] starts it again within its bound, unless it
//!   was the commit of a change whose reply did not come.
//!
//! Invariant: a new connection is used only when all watches are set on it; attempts are never
//! closer together than 10 ms, and soon a second apart.
//!
//! The client goes back to the place where it was connected, not to the next of
//! [`places`](crate::places): in dom0 the kernel's device is there while the daemon is not, and
//! would take requests that nobody answers.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::calls::Call;
use super::{Client, Error, Operation};
use crate::places::dial;

/// The pause after the first attempt that failed; each one doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The longest pause: a server that is back is found within this time.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a new connection gets to set the watches, however little time the caller has.
const WATCHES_MIN: Duration = Duration::from_secs(1);

/// What a client knows about its connections.
#[derive(Debug)]
pub(super) struct Line {
    /// Where the server is; a client that was given its stream does not know.
    pub(super) place: Option<PathBuf>,
    /// How long a server may be away; `None` if a loss is the caller's business.
    patience: Option<Duration>,
    /// Since when there has been no reply.
    since: Option<Instant>,
    /// The earliest time of the next attempt.
    next: Option<Instant>,
    pause: Duration,
    /// Connections made, counting the first.
    pub(super) count: u64,
}

impl Line {
    pub(super) fn new(place: Option<PathBuf>) -> Line {
        Line {
            place,
            patience: None,
            since: None,
            next: None,
            pause: PAUSE_MIN,
            count: 1,
        }
    }

    /// Whether there has been no reply for longer than the client is to wait for one.
    pub(super) fn is_over(&self) -> bool {
        let (Some(since), Some(patience)) = (self.since, self.patience) else {
            return true;
        };
        since.elapsed() >= patience
    }

    /// A server has answered.
    pub(super) fn answered(&mut self) {
        self.since = None;
        self.pause = PAUSE_MIN;
    }
}

impl Client {
    /// Whether to reconnect when the connection is lost, and for how long at most: `patience`
    /// counts from the moment the loss is noticed. `None`, the default, tells every loss to the
    /// caller.
    ///
    /// While the server is away a request waits for it; when the patience is used up, it fails with
    /// [`Error::Gone`]. Every later one tries once more and then fails, not more often than once a
    /// second, so a program that goes on asking finds a server that comes back late. The time that
    /// a reply may take is [`Client::set_timeout`]'s: a server that hangs is not a lost connection.
    ///
    /// A short program leaves this alone: its user starts it again. A long-running one asks for
    /// some minutes, which cover an upgrade of the daemon. A client that was given its stream
    /// ([`Client::from_stream`], [`Client::over`]) does not know where to go and ignores this.
    ///
    /// What is made good and what is not: [the module](self).
    pub fn set_reconnect(&mut self, patience: Option<Duration>) {
        self.line.patience = patience;
    }

    /// [`Client::set_reconnect`], to be written behind the call that connects.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use xenwire_xenstore::Client;
    /// let store = Client::open(|name| std::env::var(name).ok())?
    ///     .reconnecting(Duration::from_secs(300));
    /// # Ok::<(), xenwire_xenstore::Error>(())
    /// ```
    #[must_use]
    pub fn reconnecting(mut self, patience: Duration) -> Client {
        self.set_reconnect(Some(patience));
        self
    }

    /// How many connections this client has had, 1 from the start: a caller that keeps something in
    /// the server that ends with it compares the numbers.
    pub fn connections(&self) -> u64 {
        self.line.count
    }

    pub(super) fn reconnects(&self) -> bool {
        self.line.patience.is_some() && self.line.place.is_some()
    }

    /// Makes a new connection after `lost` has happened: false if the deadline came first.
    ///
    /// # Errors
    ///
    /// `lost` itself if the client does not reconnect; [`Error::Gone`] when patience is used up.
    pub(super) fn reconnect(
        &mut self,
        deadline: Option<Instant>,
        lost: Error,
    ) -> Result<bool, Error> {
        let (Some(place), Some(patience)) = (self.line.place.clone(), self.line.patience) else {
            return Err(lost);
        };
        if self.stream.is_open() || matches!(lost, Error::Malformed { .. }) {
            return Err(lost);
        }
        let over = self
            .line
            .since
            .get_or_insert_with(Instant::now)
            .checked_add(patience);
        loop {
            let now = Instant::now();
            let mut next = self.line.next;
            if let Some(over) = over.filter(|over| *over > now) {
                next = next.map(|next| next.min(over));
            }
            if let Some(next) = next.filter(|next| *next > now) {
                if let Some(deadline) = deadline.filter(|deadline| *deadline < next) {
                    std::thread::sleep(deadline.saturating_duration_since(now));
                    return Ok(false);
                }
                std::thread::sleep(next.saturating_duration_since(now));
            }
            let attempt = dial(&place, false).map_err(|source| Error::Connect {
                tried: vec![(place.clone(), source)],
            });
            let attempt = attempt.and_then(|transport| {
                self.stream.renew(transport);
                self.set_watches_again(over)
            });
            let now = Instant::now();
            self.line.next = Some(now + self.line.pause);
            self.line.pause = PAUSE_MAX.min(self.line.pause * 2);
            match attempt {
                Ok(()) => {
                    self.line.count += 1;
                    return Ok(true);
                }
                Err(error) => {
                    if over.is_some_and(|over| now >= over) {
                        return Err(Error::Gone {
                            lost: Box::new(lost),
                            patience,
                            source: Box::new(error),
                        });
                    }
                }
            }
        }
    }

    /// Sets all watches on a new connection, or closes it.
    fn set_watches_again(&mut self, over: Option<Instant>) -> Result<(), Error> {
        if self.watches.is_empty() {
            return Ok(());
        }
        let calls: Result<Vec<Call>, Error> = self
            .watches
            .iter()
            .map(super::watches::Watch::call)
            .collect();
        let at_least = Instant::now().checked_add(WATCHES_MIN);
        let deadline = over.max(at_least);
        let events = self.stream.events.len();
        let set = calls.and_then(|calls| {
            self.in_windows(calls, |client, window| {
                client
                    .stream
                    .exchange(0, window, deadline)
                    .map_err(|failure| {
                        let subject = window
                            .get(failure.position)
                            .map(|call| call.subject.clone());
                        failure.during(Operation::Watch, &subject.unwrap_or_default())
                    })
            })
        });
        let set = set.and_then(|results| results.into_iter().try_for_each(|set| set.map(drop)));
        match &set {
            Ok(()) => self.line.answered(),
            Err(_) => {
                self.stream.close();
                // Those that told of a connection that was not taken.
                self.stream.events.truncate(events);
            }
        }
        set
    }
}
