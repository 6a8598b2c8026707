//! What there is, before anything is done. Nothing is changed here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};

use rustix::fs::{FileType, Mode, OFlags, openat, readlinkat};
use sha2::{Digest, Sha256};
use xenwire_core::install::{
    Entry, Found, MANIFEST_FILE, MANIFEST_FOLDER, Manifest, PROGRAM, PROGRAM_FILE, Place, aside,
    is_static,
};

use super::dpkg::Dpkg;
use super::folder::Folder;
use super::{Error, Failure, Own};

/// The headers of a program fit into this many bytes.
const HEAD: u64 = 16 << 10;

/// What was opened.
pub struct Looked<'a> {
    /// The folder of the scripts.
    pub scripts: Folder,
    /// The folder of the program, if it is there.
    pub program: Option<Folder>,
    /// The folder of the manifest, if it is there.
    pub state: Option<&'a Folder>,
    /// dpkg's database, if there is one.
    pub dpkg: Option<Dpkg>,
}

impl Looked<'_> {
    /// All that a plan is made from: these names, and those of the manifest.
    ///
    /// # Errors
    /// [`Error::System`] or [`Error::Manifest`].
    pub fn found(&self, scripts: &str, names: &[&str]) -> Result<Found, Error> {
        let manifest = self.state.map(manifest).transpose()?.flatten();
        let more = manifest.iter().flat_map(|manifest| manifest.names.keys());
        let mut names: Vec<&str> = names
            .iter()
            .copied()
            .chain(more.map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        let path = |name: &str| format!("{scripts}/{name}");
        let mut paths: Vec<String> = names.iter().map(|name| path(name)).collect();
        let mut diversions = match &self.dpkg {
            Some(dpkg) => dpkg.diversions(&paths, aside)?,
            None => BTreeMap::new(),
        };
        paths.push(PROGRAM.to_owned());
        let mut packages = match &self.dpkg {
            Some(dpkg) => dpkg.packages(&paths)?,
            None => BTreeMap::new(),
        };
        let mut places = BTreeMap::new();
        for name in names {
            let kept = aside(name);
            let place = Place {
                name: entry(&self.scripts, name)?,
                aside: entry(&self.scripts, &kept)?,
                package: packages.remove(&path(name)),
                diversion: diversions.remove(&path(name)).unwrap_or_default(),
            };
            places.insert(name.to_owned(), place);
        }
        let program = match &self.program {
            Some(folder) => entry(folder, PROGRAM_FILE)?,
            None => Entry::Absent,
        };
        Ok(Found {
            manifest,
            program,
            program_package: packages.remove(PROGRAM),
            names: places,
        })
    }
}

/// What an earlier run wrote, if there was one.
///
/// # Errors
/// [`Error::Manifest`] if it cannot be understood.
pub fn manifest(folder: &Folder) -> Result<Option<Manifest>, Error> {
    let Some(mut file) = open(folder, MANIFEST_FILE)? else {
        return Ok(None);
    };
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|error| folder.failure("read", MANIFEST_FILE, error))?;
    let manifest = Manifest::parse(&text).map_err(|why| {
        Error::Manifest(format!(
            "{MANIFEST_FOLDER}/{MANIFEST_FILE}: {why}; without that file, `xenwire uninstall` still knows its links"
        ))
    })?;
    Ok(Some(manifest))
}

fn entry(folder: &Folder, name: &str) -> Result<Entry, Failure> {
    let kind = match folder.kind(name)? {
        None => return Ok(Entry::Absent),
        Some(FileType::Symlink) => {
            let target = readlinkat(folder.fd(), name, Vec::new())
                .map_err(|errno| folder.failure("look at", name, errno))?;
            let target = target.to_string_lossy().into_owned();
            return Ok(match target == PROGRAM {
                true => Entry::Ours,
                false => Entry::Link { target },
            });
        }
        Some(FileType::RegularFile) => {
            let Some(mut file) = open(folder, name)? else {
                return Ok(Entry::Absent);
            };
            let sha256 = digest(&mut file).map_err(|error| folder.failure("read", name, error))?;
            return Ok(Entry::File { sha256 });
        }
        Some(FileType::Directory) => "folder",
        Some(FileType::Fifo) => "pipe",
        Some(FileType::Socket) => "socket",
        Some(_) => "device",
    };
    Ok(Entry::Other { kind: kind.into() })
}

fn open(folder: &Folder, name: &str) -> Result<Option<File>, Failure> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match openat(folder.fd(), name, flags, Mode::empty()) {
        Ok(fd) => Ok(Some(fd.into())),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(errno) => Err(folder.failure("open", name, errno)),
    }
}

/// The program that runs, whatever became of its file.
///
/// # Errors
/// [`Error::Program`] if it needs more than the kernel.
pub fn own_program() -> Result<Own, Error> {
    let failure = |error: io::Error| Failure::new("read /proc/self/exe", error);
    let mut file = File::open("/proc/self/exe").map_err(failure)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(failure)?;
    is_static(&head).map_err(Error::Program)?;
    file.rewind().map_err(failure)?;
    let sha256 = digest(&mut file).map_err(failure)?;
    Ok(Own { file, sha256 })
}

/// The SHA-256 of what follows in a file, in hexadecimal.
fn digest(file: &mut File) -> io::Result<String> {
    let mut sha256 = Sha256::new();
    io::copy(file, &mut sha256)?;
    Ok(sha256
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
