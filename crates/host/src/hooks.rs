//! `vif-post.d/*.hook`: finding them, and running them in one shell (contract 2.2, 2.9).
//!
//! Xen's scripts source these files. A hook expects their variables and functions, so a shell is
//! needed, and it gets them from `hooks/functions.sh`. Where there is no hook, no shell is started.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use rustix::fs::OFlags;
use xenwire_core::hotplug::FoundHooks;
use xenwire_core::install::SCRIPTS;
use xenwire_core::journal::Fault;
use xenwire_core::state::Hooks;

use crate::log;

/// What hooks are given.
const FUNCTIONS: &str = include_str!("hooks/functions.sh");

/// Where programs are looked for first (contract 2.1).
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What the shell says last if it came to its end.
const DONE: &str = "done\n";

/// The folder that a script's hooks are in; `name` is what the script was called by.
pub fn folder(name: &str) -> PathBuf {
    let scripts = name.rsplit_once('/').map_or(SCRIPTS, |(folder, _)| folder);
    Path::new(scripts).join("vif-post.d")
}

/// The hooks in a folder, as a shell orders them: executable, and without a dot before their name.
///
/// # Errors
/// Which of them, or the folder, somebody else than root can change.
pub fn find(folder: &Path) -> Result<FoundHooks, String> {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let meta = match fs::symlink_metadata(folder) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FoundHooks::default()),
        Err(error) => return Err(format!("{}: {error}", folder.display())),
    };
    if !meta.is_dir() {
        return Err(format!(
            "{} is no folder; hooks are not looked for behind links",
            folder.display()
        ));
    }
    trusted(folder, &meta)?;
    let unreadable = |error: io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().as_bytes();
        if name.starts_with(b".") || !name.ends_with(b".hook") {
            continue;
        }
        let meta =
            fs::symlink_metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if meta.is_symlink() {
            return Err(format!(
                "hook {} is a link; put the file itself there",
                path.display()
            ));
        }
        if !meta.is_file() || meta.permissions().mode() & 0o111 == 0 {
            continue;
        }
        trusted(&path, &meta)?;
        files.push(shown(&path));
    }
    files.sort_unstable();
    Ok(FoundHooks {
        scripts: folder.parent().map_or_else(String::new, shown),
        files,
    })
}

/// A hook is run as root, so only root may write it.
fn trusted(path: &Path, meta: &fs::Metadata) -> Result<(), String> {
    let (uid, mode) = (meta.uid(), meta.permissions().mode() & 0o7777);
    if uid == crate::uid() && mode & 0o022 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!(
        "hook {path} is uid {uid}'s, with mode {mode:04o}; it is run as root, so it must be root's and nobody else's to write: chown root {path} && chmod go-w {path}"
    ))
}

/// Runs hooks, one after the other in one shell, up to the first that fails.
///
/// # Errors
/// Which failed, and why.
pub fn run(hooks: &Hooks) -> Result<(), Fault> {
    let fault = |reason: String| Fault {
        operation: "run the hooks".into(),
        errno: None,
        reason,
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    // Privileged: no start-up file and no function is taken from the environment (bash(1), -p).
    shell
        .args(["-p", "-c", FUNCTIONS, &hooks.script])
        .args(&hooks.files)
        .envs(&hooks.variables)
        .env("command", &hooks.command)
        .env("PATH", format!("{PATH}:{path}"))
        .env("LANG", "POSIX")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"LC_") {
            shell.env_remove(name);
        }
    }
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(log::FILE);
    if let Ok(log) = log {
        shell.stderr(log);
    }
    let mut child = shell
        .spawn()
        .map_err(|error| fault(format!("bash: {error}")))?;
    let ended = child
        .wait()
        .map_err(|error| fault(format!("bash: {error}")))?;
    // A hook may have left a program running that holds the pipe: only what is in it is read.
    let said = child.stdout.take().map_or_else(String::new, |out| {
        read_now(File::from(std::os::fd::OwnedFd::from(out)))
    });
    if ended.success() && said.ends_with(DONE) {
        return Ok(());
    }
    Err(fault(why(hooks, ended, &said)))
}

fn why(hooks: &Hooks, ended: ExitStatus, said: &str) -> String {
    match said.lines().next() {
        Some(line) if !line.is_empty() && line != DONE.trim_end() => line.to_owned(),
        _ => format!("{}: the shell ended with {ended}", hooks.files.join(", ")),
    }
}

fn read_now(mut pipe: File) -> String {
    let mut bytes = Vec::new();
    if rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK).is_ok() {
        // It ends with WouldBlock if somebody else still holds the other end.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
