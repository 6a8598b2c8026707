//! dnsmasq, and the files that it is told about guests by.
//!
//! A process is known by its number and by when it began: a number alone may be somebody else's by
//! now. It is held by a descriptor while it is looked at, so it cannot become another's before it is
//! signalled (pidfd_open(2)). Whoever started dnsmasq wrote both down, in `server`.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use xenwire_core::journal::Fault;
use xenwire_core::name::IfName;
use xenwire_core::state::{Dhcp, DhcpHostChange, DhcpServer, DhcpServerChange, Dhcpd, NetState};

use crate::journal::Announced;
use crate::lock::{self, Lock};

/// The folder of all its files.
pub(crate) const FOLDER: &str = "/run/xenwire/dhcp";

/// Where distributions put dnsmasq.
const PROGRAMS: [&str; 3] = [
    "/usr/sbin/dnsmasq",
    "/usr/bin/dnsmasq",
    "/usr/local/sbin/dnsmasq",
];

/// How long it may take to end before it is killed: it has nothing to save.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where distributions put dhcpd's configuration, the oldest last (contract 2.11).
const CONFIGURATIONS: [&str; 3] = [
    "/etc/dhcp/dhcpd.conf",
    "/etc/dhcp3/dhcpd.conf",
    "/etc/dhcpd.conf",
];

/// The names of guests' name servers, and of their domain.
const RESOLVER: &str = "/etc/resolv.conf";

/// How it is started, where it is installed.
const STARTERS: [&str; 5] = [
    "/etc/init.d/isc-dhcp-server",
    "/etc/init.d/dhcp-server",
    "/etc/init.d/dhcp3-server",
    "/etc/init.d/dhcp",
    "/etc/init.d/dhcpd",
];

/// Where its options are; the last is that of Debian since 2011.
const OPTIONS: [&str; 5] = [
    "/etc/sysconfig/dhcpd",
    "/etc/defaults/dhcp",
    "/etc/default/dhcp-server",
    "/etc/default/dhcp3-server",
    "/etc/default/isc-dhcp-server",
];

/// Looks at the server below this folder, the host file of a vif, and the distribution's dhcpd. What
/// cannot be read is not there: a guest comes without DHCP.
pub(crate) fn look(folder: &Path, vif: Option<&IfName>, state: &mut NetState) {
    state.dhcp = Dhcp {
        folder: folder.to_string_lossy().into_owned(),
        server: server(folder),
        ..Dhcp::default()
    };
    state.dhcp.hosts = host_files(folder, vif.cloned());
    look_at_dhcpd(state);
}

/// Looks at the distribution's dhcpd and its files. What cannot be read is not there.
pub(crate) fn look_at_dhcpd(state: &mut NetState) {
    state.dhcp.dhcpd = dhcpd();
    let Some(dhcpd) = &state.dhcp.dhcpd else {
        return;
    };
    let resolver = RESOLVER.to_owned();
    for file in dhcpd.args.iter().chain([&dhcpd.conf, &resolver]) {
        if let Ok(text) = fs::read_to_string(file) {
            let lines = text.split_terminator('\n').map(str::to_owned).collect();
            state.files.insert(file.clone(), lines);
        }
    }
}

fn host_files(folder: &Path, vifs: impl IntoIterator<Item = IfName>) -> BTreeMap<IfName, String> {
    let read = |vif: IfName| {
        let line = fs::read(hosts(folder).join(vif.as_str())).ok()?;
        Some((vif, String::from_utf8_lossy(&line).into_owned()))
    };
    vifs.into_iter().filter_map(read).collect()
}

/// The distribution's dhcpd, if there is one.
pub(crate) fn dhcpd() -> Option<Dhcpd> {
    let first = |files: &[&str]| {
        let file = files.iter().find(|file| Path::new(file).is_file());
        file.map(|file| (*file).to_owned())
    };
    first(&STARTERS)?;
    Some(Dhcpd {
        conf: first(&CONFIGURATIONS)?,
        args: first(&OPTIONS),
        usual: Path::new(CONFIGURATIONS[2]).is_file(),
    })
}

/// The lock under which Xen's scripts change the files of dhcpd; `None` where there is no dhcpd, or no
/// lock to be had: what changed meanwhile is seen when a line is looked for.
pub(crate) fn files_lock() -> Option<Lock> {
    dhcpd()?;
    Lock::claim(Path::new(lock::FOLDER), "vif-nat-dhcp").ok()
}

/// Looks at the server and at the host files of all vifs: of names that `accept` takes.
///
/// # Errors
/// What cannot be read.
pub(crate) fn look_at_all(
    folder: &Path,
    accept: impl Fn(&str) -> Option<IfName>,
) -> Result<Dhcp, String> {
    let path = hosts(folder);
    let mut vifs = Vec::new();
    match fs::read_dir(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{}: {error}", path.display())),
        Ok(files) => {
            let names = files.flatten().map(|file| file.file_name());
            vifs.extend(names.filter_map(|name| name.to_str().and_then(&accept)));
        }
    }
    Ok(Dhcp {
        folder: folder.to_string_lossy().into_owned(),
        server: server(folder),
        hosts: host_files(folder, vifs),
        ..Dhcp::default()
    })
}

/// Writes or removes a host file, and has the server notice.
///
/// # Errors
/// A [`Fault`]; a server that is not there is none.
pub(crate) fn change_host(_token: &Announced, change: &DhcpHostChange) -> Result<(), Fault> {
    let folder = Path::new(&change.folder);
    let path = hosts(folder).join(change.vif.as_str());
    let was_there = path.exists();
    let changed = match &change.to {
        Some(line) => folders(folder).and_then(|()| write(&path, line)),
        None => remove(&path),
    };
    changed.map_err(|error| fault(change, &path, &error))?;
    // It sees new files by itself (inotify(7)); one that has gone, or says other things, only if it
    // reads all of them anew (dnsmasq(8), NOTES, SIGHUP).
    if was_there && let Some(process) = running(folder) {
        // What has ended meanwhile has forgotten.
        let _ = pidfd_send_signal(process, Signal::HUP);
    }
    Ok(())
}

/// Starts or stops the server.
///
/// # Errors
/// A [`Fault`], with what dnsmasq said.
pub(crate) fn change_server(_token: &Announced, change: &DhcpServerChange) -> Result<(), Fault> {
    let folder = Path::new(&change.folder);
    let faulty = |error: io::Error| fault(change, folder, &error);
    if let Some(process) = running(folder) {
        end(&process).map_err(faulty)?;
    } else if let Some((pid, began)) = recorded(folder)
        && lives(pid, &began)
    {
        return Err(faulty(io::Error::other(format!(
            "dnsmasq, process {pid}, is in an outer pid namespace and cannot be ended from this one"
        ))));
    }
    match &change.to {
        DhcpServer::Serving(configuration) => start(folder, configuration).map_err(|error| {
            // It did not begin; what is left of the attempt is nothing anybody asks for.
            let _ = clear(folder);
            faulty(error)
        }),
        DhcpServer::Dead => Ok(()),
        DhcpServer::Absent => clear(folder).map_err(faulty),
    }
}

/// Removes every file but those of hosts.
fn clear(folder: &Path) -> io::Result<()> {
    let names = [RECORD, CONFIGURATION, PID, SAID];
    let removed = names.map(|name| remove(&folder.join(name)));
    removed.into_iter().collect()
}

const RECORD: &str = "server";
const CONFIGURATION: &str = "dnsmasq.conf";
const PID: &str = "dnsmasq.pid";
const SAID: &str = "dnsmasq.said";

fn hosts(folder: &Path) -> PathBuf {
    folder.join("hosts")
}

fn server(folder: &Path) -> DhcpServer {
    if !folder.join(RECORD).exists() {
        return DhcpServer::Absent;
    }
    match recorded(folder) {
        Some((pid, began)) if lives(pid, &began) => {
            let configuration = fs::read_to_string(folder.join(CONFIGURATION));
            DhcpServer::Serving(configuration.unwrap_or_default())
        }
        _ => DhcpServer::Dead,
    }
}

/// The process that was written down: its number, and when it began.
fn recorded(folder: &Path) -> Option<(i32, String)> {
    let record = fs::read_to_string(folder.join(RECORD)).ok()?;
    let (pid, began) = record.trim_end().split_once(' ')?;
    let pid = pid.parse().ok().filter(|pid: &i32| *pid > 0)?;
    Some((pid, began.to_owned()))
}

/// Whether there is such a process still. Only looked at: /proc may be that of an outer pid namespace,
/// whose processes cannot be held from an inner one (pid_namespaces(7)), as in `lab exec`.
fn lives(pid: i32, began: &str) -> bool {
    stat(pid).is_some_and(|fields| {
        // One that nobody has waited for has ended.
        let has_ended = fields.starts_with(['Z', 'X']);
        !has_ended && began_by(&fields) == Some(began)
    })
}

/// The process that was written down, if it is still that one.
fn running(folder: &Path) -> Option<OwnedFd> {
    let (pid, began) = recorded(folder)?;
    let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // Held first, looked at then: what /proc says is about the process that is held, or about none.
    (beginning(pid)? == began && !has_ended(&process, Duration::ZERO)).then_some(process)
}

/// When a process began, in the kernel's own count.
fn beginning(pid: i32) -> Option<String> {
    began_by(&stat(pid)?).map(str::to_owned)
}

/// What /proc/PID/stat says, from the third field on: the state of the process (proc(5)).
fn stat(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name, and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.trim_start().to_owned())
}

/// Field 22.
fn began_by(stat: &str) -> Option<&str> {
    stat.split_whitespace().nth(22 - 3)
}

/// Whether a process ends within this time; also one that nobody has waited for has ended.
fn has_ended(process: &OwnedFd, within: Duration) -> bool {
    let within = Timespec::try_from(within).ok();
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    poll(&mut ended, within.as_ref()).is_ok_and(|ready| ready > 0)
}

fn end(process: &OwnedFd) -> io::Result<()> {
    for signal in [Signal::TERM, Signal::KILL] {
        match pidfd_send_signal(process, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
        if has_ended(process, PATIENCE) {
            return Ok(());
        }
    }
    Err(io::Error::other(
        "dnsmasq does not end, not even by SIGKILL",
    ))
}

fn start(folder: &Path, configuration: &str) -> io::Result<()> {
    let program = PROGRAMS.iter().find(|path| Path::new(path).exists());
    let program = program
        .ok_or_else(|| io::Error::other("there is no dnsmasq; Debian's package is dnsmasq-base"))?;
    folders(folder)?;
    let file = folder.join(CONFIGURATION);
    write(&file, configuration)?;
    let mut command = Command::new(program);
    command.arg(format!("--conf-file={}", file.display()));
    // Where no other user can be had, it stays the one it is: a user namespace's root.
    if fs::read_to_string("/proc/self/setgroups").is_ok_and(|may| may.trim_end() == "deny") {
        command.args(["--user=", "--group="]);
    }
    // A file and no pipe: whatever it leaves running could keep a pipe open for ever.
    let said = folder.join(SAID);
    command
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&said)?);
    // It comes back when it has bound its sockets and written down its number.
    let ended = command.status()?;
    if !ended.success() {
        let said = fs::read_to_string(&said).unwrap_or_default();
        return Err(io::Error::other(format!(
            "dnsmasq ended with {ended}: {}",
            said.trim()
        )));
    }
    let number = fs::read_to_string(folder.join(PID))?;
    let pid = number.trim().parse().ok();
    let (Some(pid), Some(began)) = (pid, pid.and_then(beginning)) else {
        return Err(io::Error::other(format!(
            "dnsmasq started and is not there: its number is {number:?}"
        )));
    };
    write(&folder.join(RECORD), &format!("{pid} {began}\n"))
}

/// dnsmasq reads host files as an ordinary user, who must get there.
fn folders(folder: &Path) -> io::Result<()> {
    let hosts = hosts(folder);
    if hosts.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&hosts)?;
    let mut above = folder;
    for _ in 0..2 {
        let mode = fs::metadata(above)?.permissions().mode();
        if mode & 0o001 == 0 {
            fs::set_permissions(above, Permissions::from_mode(mode | 0o011))?;
        }
        above = above.parent().unwrap_or(above);
    }
    Ok(())
}

/// Whole or not at all; dnsmasq takes no notice of names that begin with a dot.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.new"));
    fs::write(&new, text)?;
    fs::set_permissions(&new, Permissions::from_mode(0o644))?;
    fs::rename(&new, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn fault(change: &impl ToString, path: &Path, error: &io::Error) -> Fault {
    Fault {
        operation: change.to_string(),
        errno: error.raw_os_error(),
        reason: match error.raw_os_error() {
            Some(_) => format!("{}: {error}", path.display()),
            None => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
