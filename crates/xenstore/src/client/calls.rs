//! A request that was checked, and what to call it in an error.
//!
//! Invariant: a path is checked before it is sent; one with a NUL byte in it would otherwise be read
//! as a path and a value.

use super::{Error, Operation};
use crate::Domid;
use crate::path::{self, PathError, Special};
use crate::wire::{ErrorName, Kind, Packet, terminated};

#[doc(hidden)]
#[derive(Debug)]
pub struct Call {
    pub(super) operation: Operation,
    pub(super) kind: Kind,
    pub(super) subject: String,
    pub(super) payload: Vec<u8>,
}

impl Call {
    /// A request about a node.
    pub(super) fn on_node(operation: Operation, kind: Kind, path: &str) -> Result<Call, Error> {
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
        Ok(Call::with(operation, kind, path.to_owned(), &[path]))
    }

    pub(super) fn write(path: &str, value: &[u8]) -> Result<Call, Error> {
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
            return Err(Error::Nul {
                operation,
                subject: path.to_owned(),
                argument: token.to_owned(),
            });
        }
        call.payload.extend(terminated([token]));
        Ok(call)
    }

    pub(super) fn on_domain(operation: Operation, kind: Kind, domid: Domid) -> Call {
        let domid = domid.to_string();
        Call::with(operation, kind, domid.clone(), &[&domid])
    }

    /// A request about no node, with these arguments.
    pub(super) fn with(
        operation: Operation,
        kind: Kind,
        subject: String,
        arguments: &[&str],
    ) -> Call {
        Call {
            operation,
            kind,
            subject,
            payload: terminated(arguments),
        }
    }

    /// [`Call::with`] for arguments that a caller chose: one with a NUL byte would become two.
    pub(super) fn with_text(
        operation: Operation,
        kind: Kind,
        subject: String,
        arguments: &[&str],
    ) -> Result<Call, Error> {
        match arguments.iter().find(|argument| argument.contains('\0')) {
            Some(argument) => Err(Error::Nul {
                operation,
                subject,
                argument: (*argument).to_owned(),
            }),
            None => Ok(Call::with(operation, kind, subject, arguments)),
        }
    }

    /// Whether doing it twice is as good as once, when the first time was on a connection that is
    /// gone: nothing but the connection itself is changed by it.
    pub(super) fn is_repeatable(&self) -> bool {
        match self.kind {
            Kind::Read
            | Kind::Directory
            | Kind::DirectoryPart
            | Kind::GetPerms
            | Kind::GetDomainPath
            | Kind::IsDomainIntroduced
            | Kind::GetFeature
            | Kind::GetQuota
            // These end with the connection.
            | Kind::Watch
            | Kind::Unwatch
            | Kind::ResetWatches
            | Kind::TransactionStart => true,
            Kind::Control
            | Kind::TransactionEnd
            | Kind::Introduce
            | Kind::Release
            | Kind::Write
            | Kind::Mkdir
            | Kind::Rm
            | Kind::SetPerms
            | Kind::Resume
            | Kind::SetTarget
            | Kind::SetFeature
            | Kind::SetQuota
            | Kind::WatchEvent
            | Kind::Error
            | Kind::Unknown(_) => false,
        }
    }

    pub(super) fn too_long(&self, limit: usize) -> Error {
        Error::TooLong {
            operation: self.operation,
            path: self.subject.clone(),
            limit,
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

/// A reply that is one decimal number.
pub(super) fn one_number(operation: Operation, subject: &str, reply: &[u8]) -> Result<u32, Error> {
    one_string(operation, subject, reply)?
        .parse()
        .map_err(|_| Error::malformed(operation, subject))
}
