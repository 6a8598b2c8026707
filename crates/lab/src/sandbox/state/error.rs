//! What can be wrong with the folder that holds the state of labs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::SOCKET_PATH_MAX;

/// Why the state of labs cannot be used, or does not have what was asked for.
#[derive(Debug)]
pub enum StateError {
    /// A system call on it failed.
    Io {
        /// What was done with the path, as in "opening".
        doing: &'static str,
        /// Which path.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A symbolic link or a file is where the folder should be.
    NotAFolder {
        /// Which path.
        path: PathBuf,
    },
    /// The folder belongs to another user.
    Foreign {
        /// Which path.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        uid: u32,
    },
    /// Others may enter, read or write the folder.
    Open {
        /// Which path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not a name for a lab.
    Name {
        /// What was given.
        name: String,
    },
    /// A lab of that name lives.
    Alive {
        /// Its name.
        name: String,
    },
    /// No lab of that name lives.
    NoLab {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        root: PathBuf,
    },
    /// The path of a socket is too long for the kernel.
    SocketPath {
        /// Which path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
}

impl StateError {
    pub(super) fn io(doing: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source: source.into(),
        }
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                doing,
                path,
                source,
            } => {
                write!(f, "{doing} {}: {source}", path.display())?;
                if path.file_name().is_some_and(|name| name == "xenwire") {
                    write!(
                        f,
                        "\nhint: XDG_RUNTIME_DIR must name a folder of yours; without it labs are \
                         kept in /tmp"
                    )?;
                }
                Ok(())
            }
            Self::NotAFolder { path } => write!(
                f,
                "{} should be a folder and is not (a symbolic link is not followed)\n\
                 hint: look who made it, then remove it",
                path.display()
            ),
            Self::Foreign { path, owner, uid } => write!(
                f,
                "{} belongs to user {owner}, not to you (user {uid})\n\
                 hint: set XDG_RUNTIME_DIR to a folder of your own",
                path.display()
            ),
            Self::Open { path, mode } => write!(
                f,
                "{} is open to other users (mode {mode:04o}, wanted 0700)\n\
                 hint: chmod 0700 {}",
                path.display(),
                path.display()
            ),
            Self::Name { name } => write!(
                f,
                "{name:?} is not a name for a lab: 1 to 32 letters, digits, `.`, `_` or `-`, \
                 starting with a letter or digit"
            ),
            Self::Alive { name } => write!(
                f,
                "a lab named {name} is running\n\
                 hint: choose another name, or end it with `lab down {name}`"
            ),
            Self::NoLab { name, root } => write!(
                f,
                "no lab named {name} is running (looked in {})\n\
                 hint: `lab ls` lists the labs that are",
                root.display()
            ),
            Self::SocketPath { path, length } => write!(
                f,
                "{} is {length} bytes long; the path of a socket may have {SOCKET_PATH_MAX}\n\
                 hint: give the lab a shorter name, or set XDG_RUNTIME_DIR to a shorter path",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
