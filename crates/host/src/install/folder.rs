//! Folders that nobody but their owner can change, and what is in them.
//!
//! A folder is opened from the root, one component after the other, and no link is followed: whoever
//! owns every folder on the way is the only one who can make the path lead elsewhere.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat, fchmod, fstat, fsync, mkdirat, open, openat};
use rustix::io::Errno;

use super::{Error, Failure};

/// Where everything is below.
pub struct Root {
    fd: OwnedFd,
    owner: u32,
    /// What stands before paths in messages.
    shown: String,
}

/// A folder that is its owner's alone.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: String,
}

/// A folder that somebody else can change, or that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    /// Its path.
    pub path: String,
    /// What it is.
    pub found: Found,
    /// Whose it should be.
    pub owner: u32,
}

/// What a folder on the way is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A folder with this owner and these permissions.
    Folder {
        /// The owner.
        uid: u32,
        /// The permission bits.
        mode: u32,
    },
    /// A link, to this.
    Link(String),
    /// Neither.
    NoFolder,
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Write permission for the group and for everybody.
const OTHERS_WRITE: u32 = 0o022;

impl Root {
    /// The machine's own, or that of a folder that somebody prepares.
    ///
    /// # Errors
    /// That the caller is not root, or who else can write there.
    pub fn open(prefix: Option<&Path>) -> Result<Self, Error> {
        let caller = rustix::process::geteuid().as_raw();
        let (fd, owner, shown) = match prefix {
            None if caller != 0 => return Err(Error::NotRoot),
            None => (open("/", FOLDER, Mode::empty()), 0, String::new()),
            // The way to it is the caller's own business.
            Some(path) => {
                let shown = path.to_string_lossy();
                let shown = shown.trim_end_matches('/').to_owned();
                let flags = FOLDER.difference(OFlags::NOFOLLOW);
                (open(path, flags, Mode::empty()), caller, shown)
            }
        };
        let fd = fd.map_err(|errno| Failure::new(format!("open {shown}/"), errno))?;
        let root = Self { fd, owner, shown };
        root.trusted(root.fd.as_fd(), "/")?;
        Ok(root)
    }

    /// Opens a folder; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Untrusted`], or what the system says.
    pub fn find(&self, path: &str) -> Result<Option<Folder>, Error> {
        self.walk(path, false)
    }

    /// Opens a folder, and makes what is not there of the way.
    ///
    /// # Errors
    /// [`Error::Untrusted`], or what the system says.
    pub fn make(&self, path: &str) -> Result<Folder, Error> {
        let folder = self.walk(path, true)?;
        folder.ok_or_else(|| Failure::new(format!("make {path}"), Errno::NOENT).into())
    }

    fn walk(&self, path: &str, make: bool) -> Result<Option<Folder>, Error> {
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
            let why = "wanted a path from the root, without ..";
            return Err(Failure::new(format!("open {path}"), why).into());
        }
        let failed = |what: &str, at: &str, errno: Errno| -> Error {
            Failure::new(format!("{what} {}{at}", self.shown), errno).into()
        };
        let mut fd = self
            .fd
            .try_clone()
            .map_err(|error| Failure::new("open /", error))?;
        let mut at = String::new();
        for part in path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            at = format!("{at}/{part}");
            let mode = Mode::from_raw_mode(0o755);
            let made = match make.then(|| mkdirat(&fd, part, mode)) {
                Some(Ok(())) => true,
                None | Some(Err(Errno::EXIST)) => false,
                Some(Err(errno)) => return Err(failed("make", &at, errno)),
            };
            let parent = fd;
            fd = match openat(&parent, part, FOLDER, Mode::empty()) {
                Ok(fd) => fd,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    let target = rustix::fs::readlinkat(&parent, part, Vec::new());
                    let found = target.map_or(Found::NoFolder, |target| {
                        Found::Link(target.to_string_lossy().into_owned())
                    });
                    return Err(self.untrusted(&at, found).into());
                }
                Err(errno) => return Err(failed("open", &at, errno)),
            };
            if made {
                // Whatever the caller's umask is; and the folder is on the disk before what is in it.
                fchmod(&fd, mode).map_err(|errno| failed("make", &at, errno))?;
                fsync(&parent).map_err(|errno| failed("write", &at, errno))?;
            }
            self.trusted(fd.as_fd(), &at)?;
        }
        Ok(Some(Folder {
            fd,
            path: path.to_owned(),
        }))
    }

    fn untrusted(&self, at: &str, found: Found) -> Untrusted {
        Untrusted {
            path: format!("{}{at}", self.shown),
            found,
            owner: self.owner,
        }
    }

    fn trusted(&self, fd: BorrowedFd<'_>, at: &str) -> Result<(), Error> {
        let stat = fstat(fd).map_err(|errno| Failure::new(format!("look at {at}"), errno))?;
        let mode = permissions(&stat);
        if stat.st_uid == self.owner && mode & OTHERS_WRITE == 0 {
            return Ok(());
        }
        let uid = stat.st_uid;
        Err(self.untrusted(at, Found::Folder { uid, mode }).into())
    }
}

fn permissions(stat: &Stat) -> u32 {
    stat.st_mode & 0o7777
}

impl Folder {
    /// What it was opened as.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Its path, below the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether both are one.
    ///
    /// # Errors
    /// What the system says.
    pub fn is(&self, other: &Self) -> Result<bool, Failure> {
        let id = |folder: &Self| match fstat(&folder.fd) {
            Ok(stat) => Ok((stat.st_dev, stat.st_ino)),
            Err(errno) => Err(folder.failure("look at", "", errno)),
        };
        Ok(id(self)? == id(other)?)
    }

    /// What is at this name, links not followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn kind(&self, name: &str) -> Result<Option<FileType>, Failure> {
        match rustix::fs::statat(&self.fd, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failure("look at", name, errno)),
        }
    }

    /// Waits until what was done here is on the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> Result<(), Failure> {
        fsync(&self.fd).map_err(|errno| self.failure("write", "", errno))
    }

    /// What failed with something in here.
    pub fn failure(&self, verb: &str, name: &str, error: impl Into<io::Error>) -> Failure {
        let slash = if name.is_empty() { "" } else { "/" };
        let error: io::Error = error.into();
        Failure::new(format!("{verb} {}{slash}{name}", self.path), error)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, found, owner } = self;
        match found {
            Found::Folder { uid, mode } => {
                let whose = match owner {
                    0 => "root's".to_owned(),
                    uid => format!("uid {uid}'s"),
                };
                write!(
                    f,
                    "{path} is to be {whose}, and nobody else's to write; it is uid {uid}'s, with mode {mode:04o}, and whoever can write there could run anything as root. Run:"
                )?;
                let mut commands = Vec::new();
                if uid != owner {
                    commands.push(format!("chown {owner} {path}"));
                }
                if mode & OTHERS_WRITE != 0 {
                    commands.push(format!("chmod go-w {path}"));
                }
                write!(f, " {}", commands.join(" && "))
            }
            Found::Link(target) => write!(
                f,
                "{path} is a link to {target}, and links are not followed; give the folder itself, as `realpath {path}` says it"
            ),
            Found::NoFolder => write!(f, "{path} is no folder"),
        }
    }
}
