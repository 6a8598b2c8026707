//! A trace of what the store sees and says, written while the server runs.
//!
//! Invariants: the sink gets whole lines, in the order of the store; the lines of a request are
//! written before its reply is sent, so what a client was told is in the trace; a sink that fails is
//! given up, its owner is told once, and clients do not notice.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::trace::{Entry, HEADER};
use crate::wire::{Kind, Packet};

/// Called once, with the sink's error, when recording stops because of it.
pub(super) type Lost = Box<dyn FnOnce(io::Error) + Send>;

/// Writes a trace, or nothing at no cost.
pub(super) struct Recorder {
    /// `None` if nobody wants a trace, and after the sink failed.
    sink: Option<(Box<dyn Write + Send>, Lost)>,
    /// Lines that are not written yet.
    lines: String,
}

impl Recorder {
    /// No trace.
    pub(super) fn off() -> Recorder {
        Recorder {
            sink: None,
            lines: String::new(),
        }
    }

    /// A trace, whose header is written here; an error if the sink does not take even that.
    pub(super) fn begin(mut sink: Box<dyn Write + Send>, lost: Lost) -> io::Result<Recorder> {
        writeln!(sink, "{HEADER}")?;
        sink.flush()?;
        Ok(Recorder {
            sink: Some((sink, lost)),
            lines: String::new(),
        })
    }

    /// Keeps an entry until the next [`Recorder::write`]; without a sink it is not even made.
    pub(super) fn add(&mut self, entry: impl FnOnce() -> Entry) {
        if self.sink.is_some() {
            // A string takes all that is written to it.
            let _ = writeln!(self.lines, "{}", entry());
        }
    }

    /// Keeps a client's packet, as [`Recorder::add`] does.
    pub(super) fn asked(&mut self, conn: u64, packet: &Packet) {
        self.add(|| Entry::Request {
            conn,
            kind: packet.kind,
            tx_id: packet.tx_id,
            payload: packet.payload.clone(),
        });
    }

    /// Keeps the store's packet, as [`Recorder::add`] does.
    pub(super) fn said(&mut self, conn: u64, packet: &Packet) {
        let payload = || packet.payload.clone();
        self.add(|| match packet.kind {
            Kind::WatchEvent => Entry::Event {
                conn,
                payload: payload(),
            },
            kind => Entry::Reply {
                conn,
                kind,
                payload: payload(),
            },
        });
    }

    /// Hands the lines to the sink.
    pub(super) fn write(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        if let Some((mut sink, lost)) = self.sink.take() {
            match sink
                .write_all(self.lines.as_bytes())
                .and_then(|()| sink.flush())
            {
                Ok(()) => self.sink = Some((sink, lost)),
                Err(error) => lost(error),
            }
        }
        self.lines.clear();
    }
}

impl Drop for Recorder {
    /// However the server ends, its last lines are written.
    fn drop(&mut self) {
        self.write();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("writes", &self.sink.is_some())
            .finish_non_exhaustive()
    }
}
