//! xenstore, as plans see it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use xenwire_core::journal::Fault;
use xenwire_core::state::{Effect, NodePath, NodeValue, NodeWrite};
use xenwire_xenstore::{Client, Error, Nodes as _};

/// Where the store may be, in libxenstore's order (contract 5.1). `env` looks up a variable.
pub use xenwire_xenstore::places;

/// A connection to the store.
#[derive(Debug)]
pub struct Store {
    client: Client,
}

/// How often a transaction is tried again that met another's change.
const ATTEMPTS: u32 = 100;

impl Store {
    /// Connects to the first of these sockets and devices that can be opened.
    ///
    /// # Errors
    /// [`Error`], with every place and why it is none, if none can.
    pub fn connect(places: &[PathBuf]) -> Result<Self, Error> {
        Ok(Self {
            client: Client::connect_first(places.iter().cloned())?,
        })
    }

    /// The connection itself.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The values of these nodes, in one round trip. A node that is not there, or that we may not
    /// read, is not in the answer.
    ///
    /// # Errors
    /// [`Error`] if the connection fails or a path is none.
    pub fn read(&mut self, paths: &[NodePath]) -> Result<BTreeMap<NodePath, NodeValue>, Error> {
        let names: Vec<&str> = paths.iter().map(|path| path.0.as_str()).collect();
        let values = self.client.read_many(&names)?;
        Ok(paths
            .iter()
            .cloned()
            .zip(values)
            .filter_map(|(path, value)| Some((path, NodeValue(value.ok()?))))
            .collect())
    }

    /// Does an effect on the store; any other is nobody's business here.
    ///
    /// # Errors
    /// A [`Fault`]. Nothing was written.
    pub fn perform(&mut self, effect: &Effect) -> Result<(), Fault> {
        let Effect::WriteNodes { within, writes } = effect else {
            return Ok(());
        };
        let changes: Vec<(&str, Option<&[u8]>)> = writes
            .iter()
            .map(|NodeWrite { path, to, .. }| {
                (path.0.as_str(), to.as_ref().map(|value| value.0.as_slice()))
            })
            .collect();
        // An empty folder that we may not list is as good as gone: we could not write either.
        let result: Result<bool, Error> = self.client.transaction(ATTEMPTS, |transaction| {
            transaction.change_within(&within.0, &changes)
        });
        let reason = match result {
            Ok(true) => return Ok(()),
            Ok(false) => format!("{within} is gone: the toolstack has removed the device"),
            Err(error) => error.to_string(),
        };
        Err(Fault {
            operation: effect.to_string(),
            errno: None,
            reason,
        })
    }
}
