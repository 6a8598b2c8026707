//! Where the server's socket is.
//!
//! Invariant: the same choice as libxenstore's (`xenstore_daemon_path` in `tools/libs/store`), so
//! that a program and the `xenstore-*` tools beside it talk to the same server.

use std::path::PathBuf;

/// The folder in which xenstored keeps its socket, unless it is told otherwise.
const DEFAULT_FOLDER: &str = "/run/xenstored";

/// The path of the server's socket, given the variables of the environment.
///
/// `XENSTORED_PATH` names it; otherwise it is `socket` in the folder `XENSTORED_RUNDIR`, or in
/// `/run/xenstored`. An empty variable counts as one that is not set.
///
/// ```
/// let path = xenwire_xenstore::socket_path(|name| std::env::var(name).ok());
/// ```
pub fn socket_path(env: impl Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name| {
        env(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XENSTORED_PATH").unwrap_or_else(|| {
        set("XENSTORED_RUNDIR")
            .unwrap_or_else(|| DEFAULT_FOLDER.into())
            .join("socket")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let path = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(other, _)| *other == name);
            socket_path(|name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        let folder = ("XENSTORED_RUNDIR", "/a");
        assert_eq!(path(&[]), PathBuf::from("/run/xenstored/socket"));
        assert_eq!(path(&[folder]), PathBuf::from("/a/socket"));
        assert_eq!(
            path(&[folder, ("XENSTORED_PATH", "/b")]),
            PathBuf::from("/b")
        );
        assert_eq!(
            path(&[("XENSTORED_PATH", "")]),
            PathBuf::from("/run/xenstored/socket")
        );
    }
}
