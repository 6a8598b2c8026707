//! Lines of ours in files of others: dhcpd's.
//!
//! Invariant: a file is there whole at any time, with its owner and mode, behind the same link; and of its
//! bytes only those of the line change.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use xenwire_core::journal::Fault;
use xenwire_core::state::LineChange;

use crate::journal::Announced;

/// Changes a line.
///
/// # Errors
/// A [`Fault`], also if the line is not as it was.
pub(crate) fn change(_token: &Announced, change: &LineChange) -> Result<(), Fault> {
    made(change).map_err(|error| Fault {
        operation: change.to_string(),
        errno: error.raw_os_error(),
        reason: error.to_string(),
    })
}

fn made(change: &LineChange) -> io::Result<()> {
    // Where a link leads, so that it stays one.
    let path = fs::canonicalize(&change.file)?;
    let text = fs::read_to_string(&path)?;
    let lines = text.split_terminator('\n');
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    let changed = || io::Error::other(format!("{} changed meanwhile", change.file));
    change.make(&mut lines).ok_or_else(changed)?;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    replace(&path, &text)
}

/// A file of the same owner and mode in the place of another.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let found = fs::metadata(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.xenwire"));
    let written = || {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        fchown(&file, Some(found.uid()), Some(found.gid()))?;
        file.set_permissions(found.permissions())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().inspect_err(|_| {
        // What is not in its place is nobody's.
        let _ = fs::remove_file(&new);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_line_changes_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("xw-lines-{}", std::process::id()));
        fs::create_dir_all(folder.join("real")).unwrap();
        let real = folder.join("real/dhcpd.conf");
        fs::write(&real, "# mine\n\thost a { }\r\n\nlast").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o604)).unwrap();
        let link = folder.join("dhcpd.conf");
        symlink("real/dhcpd.conf", &link).unwrap();
        let line = |from: Option<&str>, to: Option<&str>| LineChange {
            file: link.to_string_lossy().into_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        made(&line(None, Some("host dom5 { }"))).unwrap();
        made(&line(Some("last"), Some("LAST"))).unwrap();
        let text = "# mine\n\thost a { }\r\n\nLAST\nhost dom5 { }\n";
        assert_eq!(fs::read_to_string(&link).unwrap(), text);
        made(&line(Some("host dom5 { }"), None)).unwrap();
        assert_eq!(
            fs::read_to_string(&real).unwrap(),
            "# mine\n\thost a { }\r\n\nLAST\n"
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o604);
        assert_eq!(fs::read_dir(folder.join("real")).unwrap().count(), 1);
        // A line that somebody changed meanwhile is somebody's.
        let error = made(&line(Some("host dom5 { }"), None))
            .unwrap_err()
            .to_string();
        assert!(error.contains("changed meanwhile"), "{error}");
        // What is no text is left as it is.
        fs::write(&real, b"\xff\n").unwrap();
        assert!(made(&line(None, Some("x"))).is_err());
        assert_eq!(fs::read(&real).unwrap(), b"\xff\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
