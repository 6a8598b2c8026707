//! The requests about nodes, the same inside and outside a transaction.
//!
//! [`Nodes`] is what [`Client`](super::Client) and [`Transaction`](super::Transaction) share, so that
//! a function over `&mut impl Nodes` can be given either. Invariant: a path is checked before it is
//! sent; one with a NUL byte in it would otherwise be read as a path and a value.

use super::{Error, Operation};
use crate::Domid;
use crate::path::{self, PathError, Special};
use crate::perms::Perms;
use crate::wire::{ErrorName, Kind, Packet, split_terminated, terminated};

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
            if *generation.get_or_insert_with(|| number.to_vec()) != number {
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

/// A request that was checked, and what to call it in an error.
#[doc(hidden)]
#[derive(Debug)]
pub struct Call {
    pub(super) operation: Operation,
    pub(super) kind: Kind,
    pub(super) subject: String,
    pub(super) payload: Vec<u8>,
}

impl Call {
    fn on_node(operation: Operation, kind: Kind, path: &str) -> Result<Call, Error> {
        // The special names are nodes for their permissions only.
        let special = matches!(
            operation,
            Operation::Permissions | Operation::SetPermissions
        );
        Call::checked(operation, kind, path, special)
    }

    fn checked(operation: Operation, kind: Kind, path: &str, special: bool) -> Result<Call, Error> {
        match path::check(path.as_bytes()) {
            Err(PathError::Special)
                if special && Special::from_bytes(path.as_bytes()).is_some() => {}
            Err(error) => {
                return Err(Error::Path {
                    operation,
                    path: path.to_owned(),
                    error,
                });
            }
            Ok(()) => {}
        }
        Ok(Call {
            operation,
            kind,
            subject: path.to_owned(),
            payload: terminated([path]),
        })
    }

    fn write(path: &str, value: &[u8]) -> Result<Call, Error> {
        let mut call = Call::on_node(Operation::Write, Kind::Write, path)?;
        call.payload.extend_from_slice(value);
        Ok(call)
    }

    pub(super) fn on_watch(
        operation: Operation,
        kind: Kind,
        path: &str,
        token: &str,
    ) -> Result<Call, Error> {
        let mut call = Call::checked(operation, kind, path, true)?;
        if token.contains('\0') {
            return Err(Error::Token {
                path: path.to_owned(),
            });
        }
        call.payload.extend(terminated([token]));
        Ok(call)
    }

    pub(super) fn on_domain(operation: Operation, kind: Kind, domid: Domid) -> Call {
        let subject = domid.to_string();
        let payload = terminated([&subject]);
        Call {
            operation,
            kind,
            subject,
            payload,
        }
    }

    pub(super) fn too_long(&self) -> Error {
        Error::TooLong {
            operation: self.operation,
            path: self.subject.clone(),
        }
    }

    /// Turns the reply into the call's result.
    pub(super) fn judge(self, reply: Packet) -> Result<Vec<u8>, Error> {
        match reply.kind {
            kind if kind == self.kind => Ok(reply.payload),
            Kind::Error => {
                let name = reply.payload.strip_suffix(&[0]).unwrap_or(&reply.payload);
                let error = ErrorName::from_bytes(name);
                Err(Error::Server {
                    operation: self.operation,
                    subject: self.subject,
                    error,
                })
            }
            _ => Err(Error::malformed(self.operation, self.subject)),
        }
    }
}

/// A reply that is one NUL-terminated string.
pub(super) fn one_string(
    operation: Operation,
    subject: &str,
    reply: &[u8],
) -> Result<String, Error> {
    let text = reply.strip_suffix(&[0]).unwrap_or(reply);
    String::from_utf8(text.to_vec()).map_err(|_| Error::malformed(operation, subject))
}
