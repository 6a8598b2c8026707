//! The names a server answers with when a request fails.
//!
//! The wire carries names, not numbers, because errno values differ between the systems that share
//! a store. Invariant: every name parses to a variant; the unknown ones to [`ErrorName::Einval`],
//! as `xs_wire.h` asks of clients.

use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Why a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorName {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorName {
            /// Every name, in the order of the protocol's table.
            pub const ALL: &[ErrorName] = &[$(ErrorName::$variant),*];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(ErrorName::$variant => $text,)*
                }
            }

            /// Reads a name (without its NUL); one that is not known counts as EINVAL.
            pub fn from_bytes(name: &[u8]) -> ErrorName {
                ErrorName::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str().as_bytes() == name)
                    .unwrap_or(ErrorName::Einval)
            }
        }
    };
}

names! {
    /// The request is malformed: path, argument or number of arguments.
    Einval = "EINVAL",
    /// The caller may not do this to this node.
    Eacces = "EACCES",
    /// This watch exists already.
    Eexist = "EEXIST",
    /// Part of the protocol's table; no current server sends it.
    Eisdir = "EISDIR",
    /// No such node, transaction, watch or domain.
    Enoent = "ENOENT",
    /// The server has no memory left.
    Enomem = "ENOMEM",
    /// A quota of the calling domain is used up.
    Enospc = "ENOSPC",
    /// The server's own storage failed.
    Eio = "EIO",
    /// Part of the protocol's table; no current server sends it.
    Enotempty = "ENOTEMPTY",
    /// The server does not know this request.
    Enosys = "ENOSYS",
    /// Part of the protocol's table; no current server sends it.
    Erofs = "EROFS",
    /// A transaction inside a transaction.
    Ebusy = "EBUSY",
    /// A transaction met somebody else's change: do all of it again.
    Eagain = "EAGAIN",
    /// Part of the protocol's table; no current server sends it.
    Eisconn = "EISCONN",
    /// The answer does not fit into a packet.
    E2big = "E2BIG",
    /// Only dom0 may change a node's owner.
    Eperm = "EPERM",
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
