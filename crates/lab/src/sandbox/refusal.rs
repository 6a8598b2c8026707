//! Why a machine refuses user namespaces, and the command that allows them.
//!
//! The kernel only says EPERM, EACCES, ENOSPC or EINVAL; which of the many switches it was has to be
//! worked out from them all. [`classify`] is pure: it sees the error, how far the set-up had come,
//! and what the switches say.

use std::fmt;
use std::fs;

use super::error::Stage;

/// The switches of this machine that decide about user namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// `user.max_user_namespaces`: how many this user may have (user_namespaces(7)).
    pub max_user_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone` (Debian, Ubuntu and Arch kernels).
    pub unprivileged_userns_clone: Option<bool>,
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu 23.10 and later).
    pub apparmor_restricts: Option<bool>,
    /// A seccomp filter is on this process, as container engines put it (`Seccomp: 2` in
    /// /proc/self/status, proc(5)).
    pub seccomp_filter: bool,
}

/// Which rule of the machine forbids a user namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `user.max_user_namespaces` is 0.
    MaxIsZero,
    /// All the user namespaces this user may have are in use.
    MaxReached {
        /// How many those are.
        limit: u64,
    },
    /// `kernel.unprivileged_userns_clone` is 0.
    CloneForbidden,
    /// AppArmor gives the namespace but none of its rights.
    AppArmor,
    /// A seccomp filter, as in a container.
    Seccomp,
    /// A chroot, or a security module that leaves no trace.
    Unexplained,
    /// A kernel without user namespaces.
    NotBuilt,
}

/// Finds the rule behind an error of the set-up; none if the error does not look like a refusal.
#[must_use]
pub fn classify(stage: Stage, errno: i32, switches: &Switches) -> Option<Refusal> {
    let denied = errno == libc::EPERM || errno == libc::EACCES;
    let apparmor = switches.apparmor_restricts == Some(true);
    match stage {
        Stage::Unshare if errno == libc::ENOSPC || errno == libc::EUSERS => {
            Some(match switches.max_user_namespaces {
                Some(0) => Refusal::MaxIsZero,
                limit => Refusal::MaxReached {
                    limit: limit.unwrap_or(0),
                },
            })
        }
        Stage::Unshare if errno == libc::EINVAL => Some(Refusal::NotBuilt),
        Stage::Unshare if denied => Some(if switches.unprivileged_userns_clone == Some(false) {
            Refusal::CloneForbidden
        } else if apparmor {
            Refusal::AppArmor
        } else if switches.seccomp_filter {
            Refusal::Seccomp
        } else {
            Refusal::Unexplained
        }),
        // With the AppArmor switch, unshare works, and the first use of a right fails: that is
        // writing the map (Ubuntu 24.04) or, with a profile that allows that, the first mount.
        Stage::Map if denied => Some(if apparmor {
            Refusal::AppArmor
        } else if switches.seccomp_filter {
            Refusal::Seccomp
        } else {
            Refusal::Unexplained
        }),
        Stage::Inside if denied && apparmor => Some(Refusal::AppArmor),
        Stage::Inside if denied && switches.seccomp_filter => Some(Refusal::Seccomp),
        _ => None,
    }
}

impl Switches {
    /// Reads the switches of this machine. What is not there is not known.
    #[must_use]
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).ok();
        let number = |path: &str| text(path)?.trim().parse::<u64>().ok();
        let switch = |path: &str| number(path).map(|value| value != 0);
        Self {
            max_user_namespaces: number("/proc/sys/user/max_user_namespaces"),
            unprivileged_userns_clone: switch("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restricts: switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            seccomp_filter: text("/proc/self/status").is_some_and(|status| {
                status
                    .lines()
                    .filter_map(|line| line.strip_prefix("Seccomp:"))
                    .any(|value| value.trim() == "2")
            }),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (why, hint) = match self {
            Self::MaxIsZero => (
                "user.max_user_namespaces is 0".to_owned(),
                "allow them with: sudo sysctl user.max_user_namespaces=10000",
            ),
            Self::MaxReached { limit } => (
                format!("all {limit} user namespaces that you may have are in use"),
                "end some, or allow more with: sudo sysctl user.max_user_namespaces=100000",
            ),
            Self::CloneForbidden => (
                "kernel.unprivileged_userns_clone is 0".to_owned(),
                "allow them with: sudo sysctl kernel.unprivileged_userns_clone=1",
            ),
            Self::AppArmor => (
                "AppArmor gives ordinary users a user namespace without its rights \
                 (kernel.apparmor_restrict_unprivileged_userns is 1)"
                    .to_owned(),
                "allow them with: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
            ),
            Self::Seccomp => (
                "a seccomp filter is on this process, as container engines put it".to_owned(),
                "in Docker or Podman allow it with: --security-opt seccomp=unconfined \
                 (and --security-opt apparmor=unconfined where AppArmor is on)",
            ),
            Self::Unexplained => (
                "no switch explains it: this may be a chroot, SELinux or another security module"
                    .to_owned(),
                "outside of a chroot, look for the denial with: sudo dmesg | tail",
            ),
            Self::NotBuilt => (
                "this kernel was built without them (CONFIG_USER_NS)".to_owned(),
                "use a kernel of a distribution, all of which have them",
            ),
        };
        write!(
            f,
            "this machine does not let you make a user namespace, which a lab lives in: {why}\n\
             hint: {hint}"
        )
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with nothing in the way.
    fn open() -> Switches {
        Switches {
            max_user_namespaces: Some(96_365),
            unprivileged_userns_clone: Some(true),
            apparmor_restricts: Some(false),
            seccomp_filter: false,
        }
    }

    #[test]
    fn each_switch_is_found_where_it_bites() {
        let zero = Switches {
            max_user_namespaces: Some(0),
            ..open()
        };
        let debian = Switches {
            unprivileged_userns_clone: Some(false),
            ..open()
        };
        let ubuntu = Switches {
            apparmor_restricts: Some(true),
            ..open()
        };
        let docker = Switches {
            seccomp_filter: true,
            ..Switches::default()
        };
        for (stage, errno, switches, want) in [
            (Stage::Unshare, libc::ENOSPC, &zero, Refusal::MaxIsZero),
            (
                Stage::Unshare,
                libc::ENOSPC,
                &open(),
                Refusal::MaxReached { limit: 96_365 },
            ),
            (
                Stage::Unshare,
                libc::EPERM,
                &debian,
                Refusal::CloneForbidden,
            ),
            (Stage::Unshare, libc::EACCES, &ubuntu, Refusal::AppArmor),
            (Stage::Map, libc::EPERM, &ubuntu, Refusal::AppArmor),
            (Stage::Inside, libc::EACCES, &ubuntu, Refusal::AppArmor),
            (Stage::Unshare, libc::EPERM, &docker, Refusal::Seccomp),
            (Stage::Inside, libc::EPERM, &docker, Refusal::Seccomp),
            (Stage::Unshare, libc::EPERM, &open(), Refusal::Unexplained),
            (Stage::Unshare, libc::EINVAL, &open(), Refusal::NotBuilt),
        ] {
            assert_eq!(
                classify(stage, errno, switches),
                Some(want),
                "{stage:?} {errno} {switches:?}"
            );
        }
    }

    #[test]
    fn other_errors_are_not_called_refusals() {
        assert_eq!(classify(Stage::Inside, libc::EPERM, &open()), None);
        let ubuntu = Switches {
            apparmor_restricts: Some(true),
            ..open()
        };
        assert_eq!(classify(Stage::Inside, libc::ENOMEM, &ubuntu), None);
        assert_eq!(classify(Stage::Unshare, libc::ENOMEM, &ubuntu), None);
        assert_eq!(classify(Stage::Map, 0, &ubuntu), None);
    }

    #[test]
    fn every_refusal_ends_with_what_to_do() {
        for refusal in [
            Refusal::MaxIsZero,
            Refusal::MaxReached { limit: 3 },
            Refusal::CloneForbidden,
            Refusal::AppArmor,
            Refusal::Seccomp,
            Refusal::Unexplained,
            Refusal::NotBuilt,
        ] {
            let text = refusal.to_string();
            assert!(text.lines().last().unwrap().starts_with("hint: "), "{text}");
        }
    }
}
