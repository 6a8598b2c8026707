//! What a person reads when a request fails.

use std::error::Error as _;
use std::io;

use super::*;

fn server(operation: Operation, error: ErrorName) -> String {
    Error::Server {
        operation,
        subject: "/a/b".to_owned(),
        error,
    }
    .to_string()
}

#[test]
fn a_refusal_says_what_it_means_for_the_operation() {
    let table = [
        (
            Operation::Read,
            ErrorName::Enoent,
            "read /a/b: there is no such node (ENOENT)",
        ),
        (
            Operation::Unwatch,
            ErrorName::Enoent,
            "unwatch /a/b: this connection has no such watch (ENOENT)",
        ),
        (
            Operation::Write,
            ErrorName::Eacces,
            "write /a/b: this domain may not write here (EACCES); dom0 or the owner of the node \
             can grant access",
        ),
        (
            Operation::SetPermissions,
            ErrorName::Eperm,
            "set permissions of /a/b: only dom0 may give a node to another owner (EPERM); keep \
             this domain as the first entry",
        ),
        (
            Operation::Watch,
            ErrorName::Enospc,
            "watch /a/b: this domain has as many watches as its quota allows (ENOSPC); take some \
             back, or raise the quota in dom0",
        ),
        (
            Operation::Write,
            ErrorName::E2big,
            "write /a/b: it is larger than the server takes or gives (E2BIG); make it shorter",
        ),
        (
            Operation::Quota,
            ErrorName::Enosys,
            "get the quota /a/b: the server does not know this request (ENOSYS); it came with a \
             later version of xenstored",
        ),
    ];
    for (operation, error, expected) in table {
        assert_eq!(server(operation, error), expected);
    }
    let commit = Error::Server {
        operation: Operation::Commit,
        subject: String::new(),
        error: ErrorName::Eagain,
    };
    assert_eq!(
        commit.to_string(),
        "commit a transaction: another client changed the same nodes, nothing was done (EAGAIN); \
         do all of the transaction again"
    );
}

/// Whatever a server says to whatever: the message has operation, path and name, and reads well.
#[test]
fn every_refusal_has_operation_path_and_name() {
    for error in ErrorName::ALL {
        for operation in [
            Operation::Read,
            Operation::Write,
            Operation::Remove,
            Operation::Release,
            Operation::Control,
        ] {
            let text = server(operation, *error);
            assert!(text.starts_with(&format!("{operation} /a/b: ")), "{text}");
            assert!(text.contains(&format!("({error})")), "{text}");
            assert!(!text.ends_with(['.', ' ', ';']), "{text}");
        }
    }
}

fn transport(operation: Operation, sent: bool, kind: io::ErrorKind) -> Error {
    Error::Transport {
        operation,
        subject: "/a".to_owned(),
        sent,
        source: kind.into(),
    }
}

#[test]
fn a_lost_reply_says_whether_it_may_have_been_done() {
    let table = [
        (
            transport(Operation::Write, true, io::ErrorKind::UnexpectedEof),
            "write /a: the server has closed the connection; it may or may not have been done: \
             look before you do it again",
            true,
        ),
        (
            transport(Operation::Write, false, io::ErrorKind::NotConnected),
            "write /a: the connection was lost before; it was not sent",
            false,
        ),
        (
            transport(Operation::Read, true, io::ErrorKind::TimedOut),
            "read /a: the server has not answered in time",
            false,
        ),
        (
            Error::Malformed {
                operation: Operation::Mkdir,
                subject: "/a".to_owned(),
            },
            "mkdir /a: the server's reply does not follow the xenstore protocol; the connection \
             is closed",
            true,
        ),
    ];
    for (error, expected, done) in table {
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.may_have_been_done(), done, "{error}");
        assert_eq!(error.is_lost(), !error.is_timeout(), "{error}");
    }
}

#[test]
fn every_place_that_was_tried_is_named_with_its_reason() {
    let tried = |kinds: &[io::ErrorKind]| {
        let places = ["/run/xenstored/socket", "/dev/xen/xenbus"].map(PathBuf::from);
        Error::Connect {
            tried: places
                .into_iter()
                .zip(kinds.iter().map(|kind| io::Error::from(*kind)))
                .collect(),
        }
    };
    use io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
    for (kinds, end) in [
        (
            [NotFound, NotFound],
            "start xenstored, or name its socket or device in XENSTORED_PATH",
        ),
        (
            [ConnectionRefused, NotFound],
            "there is a socket and nobody listens: start xenstored",
        ),
        (
            [PermissionDenied, NotFound],
            "it is root's: run this as root",
        ),
    ] {
        let error = tried(&kinds);
        let [first, second] = kinds.map(|kind| io::Error::from(kind).to_string());
        assert_eq!(
            error.to_string(),
            format!(
                "connect to xenstore: /run/xenstored/socket: {first}, /dev/xen/xenbus: {second}; {end}"
            )
        );
        assert_eq!(error.source().unwrap().to_string(), second);
    }
}

#[test]
fn sources_are_kept() {
    let lost = transport(Operation::Read, true, io::ErrorKind::UnexpectedEof);
    assert!(lost.source().is_some());
    let gone = Error::Gone {
        lost: Box::new(lost),
        patience: Duration::from_secs(30),
        source: Box::new(Error::Connect {
            tried: vec![("/s".into(), io::ErrorKind::ConnectionRefused.into())],
        }),
    };
    assert_eq!(
        gone.to_string(),
        "read /a: the server has closed the connection; no server came back within 30s: connect \
         to xenstore: /s: connection refused; there is a socket and nobody listens: start xenstored"
    );
    let connect = gone.source().unwrap();
    assert!(connect.to_string().starts_with("connect to xenstore"));
    assert!(connect.source().is_some());
    assert!(
        Error::Conflict { attempts: 3 }
            .to_string()
            .contains("all 3 attempts")
    );
}
