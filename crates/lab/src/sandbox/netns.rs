//! Network namespaces of the machines around dom0.
//!
//! A namespace is made and entered by threads: the network namespace is a thread's own, and the
//! lab's init, whose namespace is dom0's, must never leave it. Inside of a lab only.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use rustix::mount::{UnmountFlags, mount_bind, unmount};

use super::{DOM0, NETNS, namespaces};

/// The calling thread's network namespace.
const OWN: &str = "/proc/thread-self/ns/net";

/// A network namespace, held open and bound at /run/netns/NAME. It lives until it is removed and
/// nobody is in it any more.
#[derive(Debug)]
pub struct Netns {
    name: String,
    fd: OwnedFd,
}

impl Netns {
    /// Makes one, with nothing in it but a loopback link that is down.
    ///
    /// # Errors
    /// When the name is taken or is not a file name, or the kernel refuses.
    pub fn new(name: &str) -> io::Result<Self> {
        let invalid = name.is_empty() || name.contains('/') || [".", "..", DOM0].contains(&name);
        if invalid {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name:?} cannot name a network namespace"),
            ));
        }
        let place = place(name);
        File::create_new(&place)?;
        let made = on_thread(|| {
            namespaces::own_network()?;
            mount_bind(OWN, &place)?;
            File::open(OWN)
        });
        match made {
            Ok(file) => Ok(Self {
                name: name.to_owned(),
                fd: file.into(),
            }),
            Err(error) => {
                let _ = fs::remove_file(&place);
                Err(error)
            }
        }
    }

    /// The namespace that the calling thread is in; in a lab's body, dom0's. It is not bound.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn current() -> io::Result<OwnedFd> {
        File::open(OWN).map(OwnedFd::from)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Moves the calling thread into it, for good.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn enter(&self) -> io::Result<()> {
        namespaces::enter_network(self.fd.as_fd())
    }

    /// Runs `f` in it, on a thread of its own, and waits for the result. A panic goes on in the
    /// caller.
    ///
    /// `f` must not leave a child process for others to wait for: the init would reap it when the
    /// thread is gone. [`Netns::spawn`] is for that.
    ///
    /// # Errors
    /// When the thread cannot be made or cannot enter.
    pub fn run_in<R: Send>(&self, f: impl FnOnce() -> R + Send) -> io::Result<R> {
        on_thread(|| self.enter().map(|()| f()))
    }

    /// Starts a program in it. The child is the calling thread's, which must live until the child
    /// was waited for.
    ///
    /// # Errors
    /// When the program cannot be started or the kernel refuses.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let network = self.fd.try_clone()?;
        // SAFETY: between fork and exec the closure does one setns(2), which takes no lock and no
        // memory; its file descriptor is the closure's own and lives as long as the command.
        unsafe { command.pre_exec(move || namespaces::enter_network(network.as_fd())) };
        command.spawn()
    }

    /// Takes its name away. Sockets and processes in it keep the namespace itself alive.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn remove(&self) -> io::Result<()> {
        let place = place(&self.name);
        unmount(&place, UnmountFlags::DETACH)?;
        fs::remove_file(&place)
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn place(name: &str) -> PathBuf {
    Path::new(NETNS).join(name)
}

/// Runs `f` on a thread that ends with it, and so may change its own namespace.
fn on_thread<R: Send>(f: impl FnOnce() -> io::Result<R> + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, f)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
