//! An administrator's files, read as they are.
//!
//! Invariant: nothing is written, and no folder is entered twice: links to folders are not followed,
//! links to files are (`/etc/xen/auto` is full of them).

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Larger files than this are somebody else's: 4 MiB.
const LARGEST: u64 = 4 << 20;

/// A file and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// The path by which it was found.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A file or folder that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub path: PathBuf,
    /// Why not.
    pub error: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for Unreadable {}

/// Reads one file.
///
/// # Errors
/// What the system says, and that a file is larger than 4 MiB.
pub fn read(path: &Path) -> Result<TextFile, Unreadable> {
    let unreadable = |error| Unreadable {
        path: path.to_owned(),
        error,
    };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST {
        let why = format!("{size} bytes are too many for a configuration file");
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, why)));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    Ok(TextFile {
        name: path.to_string_lossy().into_owned(),
        text: text(bytes),
    })
}

/// Files of fifteen years: what is not UTF-8 is Latin-1, in which every byte is a character.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|not| not.as_bytes().iter().copied().map(char::from).collect())
}

/// The paths of all files below a folder whose path `wanted` takes, sorted.
///
/// # Errors
/// The first folder that cannot be read.
pub fn below(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Unreadable> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let unreadable = |error| Unreadable {
            path: folder.clone(),
            error,
        };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            if entry.file_type().map_err(unreadable)?.is_dir() {
                open.push(path);
            } else if wanted(&path.to_string_lossy()) && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What an `interfaces` file takes in: the files that match a pattern with a shell's wildcards, or
/// with `directory` all files with plain names in the folders that match (interfaces(5)).
pub fn matching(pattern: &Path, directory: bool) -> Vec<PathBuf> {
    let found = glob::glob(&pattern.to_string_lossy()).into_iter().flatten();
    let found = found.filter_map(Result::ok);
    if !directory {
        return found.filter(|path| path.is_file()).collect();
    }
    let plain = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && path.is_file()
    };
    let folders = found.filter_map(|folder| fs::read_dir(folder).ok());
    let files = folders
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(plain).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn folders_are_searched_and_links_to_files_followed() {
        let folder = std::env::temp_dir().join(format!("xenwire-files-{}", std::process::id()));
        let deep = folder.join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("one.cfg"), b"# caf\xe9\n").unwrap();
        fs::write(folder.join("two.txt"), b"two").unwrap();
        symlink(deep.join("one.cfg"), folder.join("link.cfg")).unwrap();
        symlink("nowhere", folder.join("broken.cfg")).unwrap();
        symlink(&folder, deep.join("again")).unwrap();
        let found = below(&folder, |path| path.ends_with(".cfg")).unwrap();
        assert_eq!(found, [deep.join("one.cfg"), folder.join("link.cfg")]);
        assert_eq!(read(&found[1]).unwrap().text, "# caf\u{e9}\n");
        let missing = read(&folder.join("none.cfg")).unwrap_err().to_string();
        assert!(missing.contains("none.cfg: No such file"), "{missing}");
        fs::File::create(folder.join("big"))
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        assert!(read(&folder.join("big")).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
