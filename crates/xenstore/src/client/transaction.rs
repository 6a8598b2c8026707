//! Several requests as one.
//!
//! Invariant: a [`Transaction`] that goes out of scope without a commit was aborted, or its
//! connection is broken; the server then drops it with the connection. One in which the server has
//! said EAGAIN is never committed.

use super::calls::{Call, one_number};
use super::{Client, Error, Nodes, Operation};
use crate::wire::Kind;

/// An open transaction: reads see the store as it was at the start, with its own writes on top;
/// nobody else sees the writes before the commit.
#[derive(Debug)]
pub struct Transaction<'a> {
    client: &'a mut Client,
    tx_id: u32,
    open: bool,
    /// Whether it was asked to change anything.
    changes: bool,
    /// Why it can only be done again.
    spoiled: Option<Spoiled>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoiled {
    Conflict,
    Lost,
    /// The folder that it was to change something in is gone.
    Void,
}

impl Client {
    /// Runs `body` in a transaction and commits it; again from the start when it meets another
    /// client's change, `bound` times at most. Most servers tell of that at the commit, some
    /// (oxenstored) at any request inside. A client that reconnects also starts again after the
    /// connection was lost inside.
    ///
    /// `body` may run several times, so it should compute and talk to its [`Transaction`], and leave
    /// the rest of the world alone. An error from it drops the transaction and is returned.
    ///
    /// # Errors
    ///
    /// What `body` returns; [`Error::Conflict`] after `bound` attempts;
    /// [`Error::TransactionLost`] if the connection broke, nothing of it was then done;
    /// [`Error::Transport`] if it broke while the commit of a change was under way, all of it or
    /// nothing was then done; any other [`Error`].
    pub fn transaction<T, E: From<Error>>(
        &mut self,
        bound: u32,
        mut body: impl FnMut(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut last: Option<E> = None;
        for _ in 0..bound {
            let mut transaction = match Transaction::start(self) {
                Ok(transaction) => transaction,
                Err(error) if error.is_conflict() => continue,
                Err(error) => return Err(error.into()),
            };
            let result = body(&mut transaction);
            let (spoiled, changes) = (transaction.spoiled, transaction.changes);
            let result = match (result, spoiled) {
                (Ok(value), None) => match transaction.commit() {
                    Ok(()) => return Ok(value),
                    Err(error) if error.is_conflict() => continue,
                    Err(error @ Error::TransactionLost { .. }) => Err(error.into()),
                    // Nothing hangs on the commit of reads alone.
                    Err(error) if !changes && error.is_lost() => Err(error.into()),
                    Err(error) => return Err(error.into()),
                },
                (result, spoiled) => {
                    // The body's error is the one to tell; a transaction that cannot be dropped
                    // ends with the connection.
                    let _ = transaction.abort();
                    match spoiled {
                        None | Some(Spoiled::Void) => return result,
                        // Also if the body has swallowed it: what it went on with is not known.
                        Some(Spoiled::Conflict) => continue,
                        Some(Spoiled::Lost) => result,
                    }
                }
            };
            // The connection was lost.
            let error = match result {
                Err(error) => error,
                Ok(_) => Error::TransactionLost {
                    operation: Operation::Commit,
                    subject: String::new(),
                    source: std::io::ErrorKind::NotConnected.into(),
                }
                .into(),
            };
            if !self.reconnects() {
                return Err(error);
            }
            last = Some(error);
        }
        Err(last.unwrap_or_else(|| Error::Conflict { attempts: bound }.into()))
    }
}

impl<'a> Transaction<'a> {
    /// Sets nodes, or removes those whose value is `None`, in order, if `folder` exists: in one
    /// round trip. If it does not, nothing of this transaction will be done; the answer is then no.
    ///
    /// # Errors
    ///
    /// As every request: [`Error`]. The first change that failed is the one to tell.
    pub fn change_within(
        &mut self,
        folder: &str,
        changes: &[(&str, Option<&[u8]>)],
    ) -> Result<bool, Error> {
        let mut calls = vec![Call::on_node(
            Operation::Permissions,
            Kind::GetPerms,
            folder,
        )?];
        for (path, value) in changes {
            calls.push(match value {
                Some(value) => Call::write(path, value)?,
                None => Call::on_node(Operation::Remove, Kind::Rm, path)?,
            });
        }
        let mut replies = self.call_nodes(calls)?.into_iter();
        match replies.next() {
            Some(Err(error)) if error.is_not_found() => {
                self.spoiled.get_or_insert(Spoiled::Void);
                return Ok(false);
            }
            Some(reply) => reply?,
            None => return Err(Error::malformed(Operation::Permissions, folder)),
        };
        replies.try_for_each(|reply| reply.map(drop))?;
        Ok(true)
    }

    fn start(client: &'a mut Client) -> Result<Transaction<'a>, Error> {
        let operation = Operation::StartTransaction;
        let call = Call::with(operation, Kind::TransactionStart, String::new(), &[""]);
        let reply = client.call(0, call)?;
        match one_number(operation, "", &reply)? {
            0 => Err(Error::malformed(operation, "")),
            tx_id => Ok(Transaction {
                client,
                tx_id,
                open: true,
                changes: false,
                spoiled: None,
            }),
        }
    }

    fn commit(mut self) -> Result<(), Error> {
        self.end(Operation::Commit, "T")
    }

    fn abort(mut self) -> Result<(), Error> {
        self.end(Operation::Abort, "F")
    }

    fn end(&mut self, operation: Operation, verdict: &str) -> Result<(), Error> {
        self.open = false;
        let call = Call::with(operation, Kind::TransactionEnd, String::new(), &[verdict]);
        self.client.call(self.tx_id, call).map(drop)
    }
}

impl Drop for Transaction<'_> {
    /// A body that panics must not leave its transaction open on a connection that lives on.
    fn drop(&mut self) {
        if self.open {
            let _ = self.end(Operation::Abort, "F");
        }
    }
}

impl Nodes for Transaction<'_> {
    fn call_nodes(&mut self, calls: Vec<Call>) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        self.changes |= !calls.iter().all(Call::is_repeatable);
        let results = self.client.call_many(self.tx_id, calls);
        let conflict =
            |result: &Result<_, Error>| matches!(result, Err(error) if error.is_conflict());
        match &results {
            Err(Error::TransactionLost { .. }) => self.spoiled = Some(Spoiled::Lost),
            Ok(results) if results.iter().any(conflict) => self.spoiled = Some(Spoiled::Conflict),
            _ => {}
        }
        results
    }

    fn connection(&self) -> u64 {
        self.client.connections()
    }
}
