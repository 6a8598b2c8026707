//! One attempt of a transaction.
//!
//! Invariant: a [`Transaction`] that goes out of scope without a commit was aborted, or its
//! connection is broken; the server then drops it with the connection.

use super::nodes::{Call, one_string};
use super::{Client, Error, Nodes, Operation};
use crate::wire::Kind;

/// An open transaction: reads see the store as it was at the start, with its own writes on top;
/// nobody else sees the writes before the commit.
#[derive(Debug)]
pub struct Transaction<'a> {
    client: &'a mut Client,
    tx_id: u32,
    open: bool,
}

impl<'a> Transaction<'a> {
    pub(super) fn start(client: &'a mut Client) -> Result<Transaction<'a>, Error> {
        let operation = Operation::StartTransaction;
        let kind = Kind::TransactionStart;
        let reply = client.call(
            0,
            Call {
                operation,
                kind,
                subject: String::new(),
                payload: vec![0],
            },
        )?;
        match one_string(operation, "", &reply)?.parse() {
            Ok(0) | Err(_) => Err(Error::malformed(operation, "")),
            Ok(tx_id) => Ok(Transaction {
                client,
                tx_id,
                open: true,
            }),
        }
    }

    pub(super) fn commit(mut self) -> Result<(), Error> {
        self.end(Operation::Commit, b"T\0")
    }

    pub(super) fn abort(mut self) -> Result<(), Error> {
        self.end(Operation::Abort, b"F\0")
    }

    fn end(&mut self, operation: Operation, verdict: &[u8]) -> Result<(), Error> {
        self.open = false;
        let (kind, subject) = (Kind::TransactionEnd, String::new());
        let call = Call {
            operation,
            kind,
            subject,
            payload: verdict.to_vec(),
        };
        self.client.call(self.tx_id, call).map(drop)
    }
}

impl Drop for Transaction<'_> {
    /// A body that panics must not leave its transaction open on a connection that lives on.
    fn drop(&mut self) {
        if self.open {
            let _ = self.end(Operation::Abort, b"F\0");
        }
    }
}

impl Nodes for Transaction<'_> {
    fn call_nodes(&mut self, calls: Vec<Call>) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        self.client.call_many(self.tx_id, calls)
    }
}
