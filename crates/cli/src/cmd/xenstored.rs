//! `xenwire xenstored`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use xenwire_lab::daemon::{Daemon, DaemonError, DomainSocket, replay};

use crate::args::{XenstoredArgs, XenstoredCommand};
use crate::out;

/// Runs a xenstore, or compares one with a trace.
pub fn main(args: XenstoredArgs) -> u8 {
    let done = match (args.command, args.socket) {
        (
            Some(XenstoredCommand::Replay {
                file,
                socket,
                domain,
                json,
            }),
            _,
        ) => compare(&file, &with_dom0(socket, domain), json),
        (None, Some(socket)) => serve(&with_dom0(socket, args.domain), args.record.as_deref()),
        // The arguments' parser asks for the socket before it comes to this.
        (None, None) => return out::error(out::WRONG, "xenstored: wanted --socket PATH"),
    };
    done.unwrap_or_else(|error| {
        let status = if error.is_wrong_request() {
            out::WRONG
        } else {
            out::REFUSED
        };
        out::error(status, &error.to_string())
    })
}

fn with_dom0(path: PathBuf, domains: Vec<DomainSocket>) -> Vec<DomainSocket> {
    let mut sockets = vec![DomainSocket { domid: 0, path }];
    sockets.extend(domains);
    sockets
}

fn serve(sockets: &[DomainSocket], record: Option<&Path>) -> Result<u8, DaemonError> {
    let daemon = Daemon::start(sockets, record)?;
    let mut line = "xenwire: xenstore listens on".to_owned();
    for (count, DomainSocket { domid, path }) in sockets.iter().enumerate() {
        let comma = if count == 0 { "" } else { "," };
        // A string takes all that is written to it.
        let _ = match domid {
            0 => write!(line, "{comma} {} (dom0)", path.display()),
            domid => write!(line, "{comma} {} (domain {domid})", path.display()),
        };
    }
    if let Some(path) = record {
        let _ = write!(line, ", records to {}", path.display());
    }
    out::say(&line);
    daemon.wait().map(|()| out::DONE)
}

fn compare(file: &Path, sockets: &[DomainSocket], json: bool) -> Result<u8, DaemonError> {
    let replayed = replay(file, sockets)?;
    if replayed.cut_off {
        out::say(&format!(
            "xenwire: {}: the last line is cut off and left out",
            file.display()
        ));
    }
    if json {
        match serde_json::to_string_pretty(&replayed) {
            Ok(json) => out::print(&format!("{json}\n")),
            Err(error) => return Ok(out::error(70, &format!("a bug in xenwire: {error}"))),
        }
    } else {
        let lines = replayed.differences.iter();
        out::print(
            &lines
                .map(|found| format!("{}\n", found.text))
                .collect::<String>(),
        );
    }
    let differences = replayed.differences.len();
    let mut line = format!(
        "xenwire: {} replayed, {}",
        counted(replayed.requests, "request"),
        counted(differences, "difference")
    );
    if replayed.skipped > 0 {
        let _ = write!(
            line,
            ", {} entries skipped: their connections were lost",
            replayed.skipped
        );
    }
    out::say(&line);
    Ok(if differences == 0 {
        out::DONE
    } else {
        out::WRONG
    })
}

fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}
