//! The requests about nodes, the same inside and outside a transaction.
//!
//! [`Nodes`] is what [`Client`](super::Client) and [`Transaction`](super::Transaction) share, so that
//! a function over `&mut impl Nodes` can be given either. Invariant: what a method returns was said
//! by one server, also if the client has changed its connection meanwhile.

use super::calls::Call;
use super::{Error, Operation};
use crate::perms::Perms;
use crate::wire::{ErrorName, Kind, split_terminated, terminated};

/// How often a list that does not fit into a packet is started afresh when it changes meanwhile.
const LIST_ATTEMPTS: usize = 16;

/// Reading and writing nodes.
///
/// A path is absolute (`/local/domain/7/name`) or relative to the domain of the connection
/// (`name`). A value is bytes, without a final NUL; an empty value is not the same as no node.
///
/// # Errors
///
/// Every method returns [`Error`], with the operation and the path; a node that does not exist is
/// an error for which [`Error::is_not_found`] holds.
pub trait Nodes {
    /// Sends requests and returns their replies in the same order.
    #[doc(hidden)]
    fn call_nodes(&mut self, calls: Vec<Call>) -> Result<Vec<Result<Vec<u8>, Error>>, Error>;

    /// Counts the connections that replies have come over.
    #[doc(hidden)]
    fn connection(&self) -> u64;

    /// The value of a node.
    fn read(&mut self, path: &str) -> Result<Vec<u8>, Error> {
        call(self, Call::on_node(Operation::Read, Kind::Read, path)?)
    }

    /// The value of a node, `None` if it does not exist.
    fn read_optional(&mut self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.read(path) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The value of a node as text; [`Error::NotText`] if it is not UTF-8.
    fn read_text(&mut self, path: &str) -> Result<String, Error> {
        String::from_utf8(self.read(path)?).map_err(|_| Error::NotText {
            path: path.to_owned(),
        })
    }

    /// The values of several nodes, for the price of one round trip.
    ///
    /// Outside a transaction another client may write between two of the reads. The outer error
    /// means that the connection failed or a path is invalid; each inner one is about its node.
    fn read_many(&mut self, paths: &[&str]) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        let calls: Result<Vec<Call>, Error> = paths
            .iter()
            .map(|path| Call::on_node(Operation::Read, Kind::Read, path))
            .collect();
        self.call_nodes(calls?)
    }

    /// Sets the value of a node, creating it and the nodes above it if they are missing.
    fn write(&mut self, path: &str, value: &[u8]) -> Result<(), Error> {
        call(self, Call::write(path, value)?).map(drop)
    }

    /// Sets the values of several nodes, in order, for the price of one round trip.
    ///
    /// Outside a transaction the writes are separate: all are tried, the first error is returned.
    /// When the connection breaks, that error names the first write without a reply; those after
    /// it may or may not have been done, either.
    fn write_many(&mut self, nodes: &[(&str, &[u8])]) -> Result<(), Error> {
        let calls: Result<Vec<Call>, Error> = nodes
            .iter()
            .map(|(path, value)| Call::write(path, value))
            .collect();
        self.call_nodes(calls?)?
            .into_iter()
            .try_for_each(|reply| reply.map(drop))
    }

    /// Creates a node without a value, and those above it; one that exists is left as it is.
    fn mkdir(&mut self, path: &str) -> Result<(), Error> {
        call(self, Call::on_node(Operation::Mkdir, Kind::Mkdir, path)?).map(drop)
    }

    /// Removes a node and everything below it. A node that is missing under one that exists was
    /// removed already; if the one above is missing too, that is an error.
    fn rm(&mut self, path: &str) -> Result<(), Error> {
        call(self, Call::on_node(Operation::Remove, Kind::Rm, path)?).map(drop)
    }

    /// The names of a node's children, however many they are.
    fn directory(&mut self, path: &str) -> Result<Vec<String>, Error> {
        let operation = Operation::Directory;
        match call(self, Call::on_node(operation, Kind::Directory, path)?) {
            Ok(reply) => names(path, split_terminated(&reply)),
            Err(error) if error.server_error() == Some(ErrorName::E2big) => {
                directory_in_parts(self, path)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a node exists.
    fn exists(&mut self, path: &str) -> Result<bool, Error> {
        // READ would do as well, but its reply carries the value.
        match call(
            self,
            Call::on_node(Operation::Permissions, Kind::GetPerms, path)?,
        ) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The permissions of a node.
    fn permissions(&mut self, path: &str) -> Result<Perms, Error> {
        let operation = Operation::Permissions;
        let reply = call(self, Call::on_node(operation, Kind::GetPerms, path)?)?;
        split_terminated(&reply)
            .and_then(Perms::parse)
            .ok_or_else(|| Error::malformed(operation, path))
    }

    /// Replaces the permissions of a node.
    fn set_permissions(&mut self, path: &str, perms: &Perms) -> Result<(), Error> {
        let mut request = Call::on_node(Operation::SetPermissions, Kind::SetPerms, path)?;
        request
            .payload
            .extend(terminated(perms.entries().map(|entry| entry.to_string())));
        call(self, request).map(drop)
    }
}

fn call<N: Nodes + ?Sized>(nodes: &mut N, call: Call) -> Result<Vec<u8>, Error> {
    nodes
        .call_nodes(vec![call])?
        .pop()
        .expect("a reply for every call")
}

fn names(path: &str, names: Option<Vec<&[u8]>>) -> Result<Vec<String>, Error> {
    let malformed = || Error::malformed(Operation::Directory, path);
    names
        .ok_or_else(malformed)?
        .into_iter()
        .map(|name| String::from_utf8(name.to_vec()).map_err(|_| malformed()))
        .collect()
}

/// Reads a list that is longer than a packet. Every part tells the node's generation: when that
/// has moved on, the parts do not fit together and the list is read from its start.
fn directory_in_parts<N: Nodes + ?Sized>(nodes: &mut N, path: &str) -> Result<Vec<String>, Error> {
    let operation = Operation::Directory;
    let malformed = || Error::malformed(operation, path);
    'attempt: for _ in 0..LIST_ATTEMPTS {
        let (mut list, mut generation) = (Vec::new(), None);
        // A server that was started again counts generations anew, and may well meet the old one.
        let mut connection = None;
        loop {
            let mut request = Call::on_node(operation, Kind::DirectoryPart, path)?;
            request.payload.extend(terminated([list.len().to_string()]));
            let reply = call(nodes, request)?;
            let end = reply
                .iter()
                .position(|byte| *byte == 0)
                .ok_or_else(malformed)?;
            let (number, part) = reply.split_at(end);
            let part = part.get(1..).unwrap_or_default();
            let now = nodes.connection();
            if *generation.get_or_insert_with(|| number.to_vec()) != number
                || *connection.get_or_insert(now) != now
            {
                continue 'attempt;
            }
            // The last part ends with an empty name: two NULs, or a single one alone.
            if let Some(rest) = part
                .strip_suffix(&[0])
                .filter(|rest| rest.is_empty() || rest.ends_with(&[0]))
            {
                list.extend_from_slice(rest);
                return names(path, split_terminated(&list));
            }
            if part.is_empty() {
                return Err(malformed());
            }
            list.extend_from_slice(part);
        }
    }
    Err(Error::Unsteady {
        path: path.to_owned(),
    })
}
