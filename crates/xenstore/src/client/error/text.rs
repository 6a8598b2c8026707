//! The errors in words.
//!
//! The shape is always `OPERATION SUBJECT: what came of it (NAME); what to do`.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::{Error, Operation};
use crate::wire::ErrorName;

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Mkdir => "mkdir",
            Operation::Remove => "rm",
            Operation::Directory => "list",
            Operation::Permissions => "read permissions of",
            Operation::SetPermissions => "set permissions of",
            Operation::Watch => "watch",
            Operation::Unwatch => "unwatch",
            Operation::ResetWatches => "reset watches",
            Operation::Event => "wait for an event",
            Operation::StartTransaction => "start a transaction",
            Operation::Commit => "commit a transaction",
            Operation::Abort => "drop a transaction",
            Operation::DomainPath => "get the path of domain",
            Operation::IsIntroduced => "ask for domain",
            Operation::Introduce => "introduce domain",
            Operation::Release => "release domain",
            Operation::Resume => "resume domain",
            Operation::SetTarget => "set the target of domain",
            Operation::Features => "get the features",
            Operation::SetFeatures => "set the features",
            Operation::Quota => "get the quota",
            Operation::SetQuota => "set the quota",
            Operation::Control => "control",
        })
    }
}

/// What a server's answer means for this operation, and what to do.
fn answer(operation: Operation, error: ErrorName) -> (&'static str, &'static str) {
    use Operation as Op;
    match (error, operation) {
        (ErrorName::Enoent, Op::Remove) => ("neither the node nor the one above it exists", ""),
        (ErrorName::Enoent, Op::Unwatch) => ("this connection has no such watch", ""),
        (ErrorName::Enoent, Op::Commit | Op::Abort) => (
            "the server does not know this transaction",
            "start it again",
        ),
        (
            ErrorName::Enoent,
            Op::DomainPath
            | Op::IsIntroduced
            | Op::Introduce
            | Op::Release
            | Op::Resume
            | Op::SetTarget
            | Op::Features
            | Op::SetFeatures,
        ) => ("there is no such domain", ""),
        (ErrorName::Enoent, Op::Quota | Op::SetQuota) => ("there is no such quota or domain", ""),
        (ErrorName::Enoent, _) => ("there is no such node", ""),

        (ErrorName::Eacces, Op::Read | Op::Directory | Op::Permissions | Op::Watch) => (
            "this domain may not read it, or it is missing where this domain may not look",
            "dom0 or the owner of the node can grant access",
        ),
        (ErrorName::Eacces, Op::Write | Op::Mkdir | Op::Remove) => (
            "this domain may not write here",
            "dom0 or the owner of the node can grant access",
        ),
        (ErrorName::Eacces, Op::SetPermissions) => (
            "only the node's owner or dom0 may change its permissions",
            "",
        ),
        (ErrorName::Eacces, _) => ("this domain may not do it", "ask from dom0"),
        (ErrorName::Eperm, Op::SetPermissions) => (
            "only dom0 may give a node to another owner",
            "keep this domain as the first entry",
        ),
        (ErrorName::Eperm, _) => ("only dom0 may do this", "ask from dom0"),

        (ErrorName::Eagain, Op::Commit) => (
            "another client changed the same nodes, nothing was done",
            "do all of the transaction again",
        ),
        (ErrorName::Eagain, _) => (
            "the server cannot do it now",
            "do it again; inside a transaction, all of it",
        ),
        (ErrorName::Ebusy, _) => ("a transaction is open already", "end that one first"),

        (ErrorName::Enospc, Op::Watch) => (
            "this domain has as many watches as its quota allows",
            "take some back, or raise the quota in dom0",
        ),
        (ErrorName::Enospc, Op::StartTransaction) => (
            "this domain has as many open transactions as its quota allows",
            "end some, or raise the quota in dom0",
        ),
        (ErrorName::Enospc, _) => (
            "a quota of this domain is used up",
            "remove nodes or make them shorter, or raise the quota in dom0",
        ),
        (ErrorName::E2big, Op::Directory) => (
            "the list does not fit into a packet and the server cannot give parts of it",
            "ask for a node with fewer children",
        ),
        (ErrorName::E2big, _) => (
            "it is larger than the server takes or gives",
            "make it shorter",
        ),

        (ErrorName::Eexist, Op::Watch) => (
            "this connection has this watch already",
            "use another token",
        ),
        (ErrorName::Eexist, _) => ("it exists already", ""),
        (ErrorName::Einval, _) => ("the server calls the request malformed", ""),
        (ErrorName::Enosys, _) => (
            "the server does not know this request",
            "it came with a later version of xenstored",
        ),
        (ErrorName::Enomem, _) => ("the server is out of memory", "look at dom0"),
        (ErrorName::Eio, _) => ("the server's storage failed", "look at its log in dom0"),
        (ErrorName::Eisdir | ErrorName::Enotempty | ErrorName::Erofs | ErrorName::Eisconn, _) => {
            ("the server refused", "")
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Connect { tried } => connect(f, tried),
            Error::Server {
                operation,
                subject,
                error,
            } => {
                let (meaning, advice) = answer(*operation, *error);
                write!(f, "{}: {meaning} ({error})", asked(*operation, subject))?;
                if advice.is_empty() {
                    Ok(())
                } else {
                    write!(f, "; {advice}")
                }
            }
            Error::Path {
                operation,
                path,
                error,
            } => write!(f, "{operation} {path:?}: {error}"),
            Error::Nul {
                operation,
                subject,
                argument,
            } => write!(
                f,
                "{}: {argument:?} has a NUL byte, which would cut it short",
                asked(*operation, subject)
            ),
            Error::TooLong {
                operation,
                path,
                limit,
            } => write!(
                f,
                "{operation} {path}: all of the request must fit into {limit} bytes; make the value shorter"
            ),
            Error::Unsupported {
                operation,
                subject,
                why,
            } => write!(f, "{}: {why}", asked(*operation, subject)),
            Error::NotText { path } => {
                write!(
                    f,
                    "read {path}: wanted text, found bytes that are not UTF-8"
                )
            }
            Error::Unsteady { path } => write!(
                f,
                "list {path}: it has changed during each attempt to read it in parts; try again"
            ),
            Error::Malformed { operation, subject } => write!(
                f,
                "{}: the server's reply does not follow the xenstore protocol; the connection is closed",
                asked(*operation, subject)
            ),
            Error::Transport {
                operation,
                subject,
                source,
                sent,
            } => {
                write!(f, "{}: {}", asked(*operation, subject), broken(source))?;
                match (self.may_have_been_done(), sent) {
                    (true, _) if *operation == Operation::Commit => {
                        f.write_str("; all of it was done or nothing: look before you do it again")
                    }
                    (true, _) => f.write_str(
                        "; it may or may not have been done: look before you do it again",
                    ),
                    (false, false) if operation.changes() => f.write_str("; it was not sent"),
                    _ => Ok(()),
                }
            }
            Error::TransactionLost {
                operation,
                subject,
                source,
            } => write!(
                f,
                "{} in a transaction: {}; nothing of the transaction was done: start it again",
                asked(*operation, subject),
                broken(source)
            ),
            Error::Gone {
                lost,
                patience,
                source,
            } => write!(
                f,
                "{lost}; no server came back within {patience:?}: {source}"
            ),
            Error::Conflict { attempts } => write!(
                f,
                "commit a transaction: other clients changed the same nodes during all {attempts} \
                 attempts, nothing was done; try again later"
            ),
        }
    }
}

fn asked(operation: Operation, subject: &str) -> String {
    if subject.is_empty() {
        operation.to_string()
    } else {
        format!("{operation} {subject}")
    }
}

/// What has become of a connection, for a reader who does not know the system's words.
fn broken(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::TimedOut => "the server has not answered in time".to_owned(),
        io::ErrorKind::UnexpectedEof => "the server has closed the connection".to_owned(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            format!("the connection to the server is lost ({source})")
        }
        io::ErrorKind::NotConnected => "the connection was lost before".to_owned(),
        _ => source.to_string(),
    }
}

fn connect(f: &mut fmt::Formatter<'_>, tried: &[(PathBuf, io::Error)]) -> fmt::Result {
    f.write_str("connect to xenstore: ")?;
    if tried.is_empty() {
        f.write_str("no place was given")?;
    }
    for (position, (path, source)) in tried.iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        write!(f, "{separator}{}: {source}", path.display())?;
    }
    let any = |kind| tried.iter().any(|(_, source)| source.kind() == kind);
    f.write_str(if any(io::ErrorKind::PermissionDenied) {
        "; it is root's: run this as root"
    } else if any(io::ErrorKind::ConnectionRefused) {
        "; there is a socket and nobody listens: start xenstored"
    } else {
        "; start xenstored, or name its socket or device in XENSTORED_PATH"
    })
}
