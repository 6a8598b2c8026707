//! Names of nodes: what is a valid one, and what a relative one means.
//!
//! A path is text between slashes; it is checked once, here, and then carried as [`NodePath`], which
//! is always absolute. Invariant: a [`NodePath`] starts with `/`, has no empty part, no trailing
//! slash (unless it is the root), only the allowed characters, and keeps the length limits.

use std::fmt;

use crate::Domid;
use crate::perms::parse_decimal;

/// Longest absolute path in bytes (`XENSTORE_ABS_PATH_MAX`).
pub const ABSOLUTE_MAX: usize = 3072;

/// Longest relative path in bytes (`XENSTORE_REL_PATH_MAX`); it also bounds what follows
/// `/local/domain/N/` in an absolute path.
pub const RELATIVE_MAX: usize = 2048;

const DOMAINS: &str = "/local/domain/";

/// A valid absolute path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodePath(String);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// No character at all.
    Empty,
    /// A character (its byte is kept) other than letters, digits, `-`, `/`, `_`, `@`.
    Character(u8),
    /// Two slashes in a row, or one at the end.
    EmptyPart,
    /// More bytes than the limit that is kept here.
    TooLong(usize),
    /// `@` at the beginning: the name of a special watch, which is not a node.
    Special,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::Empty => f.write_str("the path is empty; the root is written /"),
            PathError::Character(byte) => write!(
                f,
                "the path has the character {:?}; a xenstore path takes letters, digits, - / _ @ only",
                char::from(*byte)
            ),
            PathError::EmptyPart => {
                f.write_str("the path has an empty part; remove the double or trailing slash")
            }
            PathError::TooLong(limit) => write!(f, "the path is longer than {limit} bytes"),
            PathError::Special => {
                f.write_str("a name that begins with @ can be watched, but it is not a node")
            }
        }
    }
}

impl std::error::Error for PathError {}

/// Checks a path as a client sends it: absolute, or relative to the caller's domain.
///
/// # Errors
///
/// [`PathError`] says which rule it breaks.
pub fn check(path: &[u8]) -> Result<(), PathError> {
    match path.first() {
        None => return Err(PathError::Empty),
        Some(b'@') => return Err(PathError::Special),
        Some(_) => {}
    }
    if let Some(byte) = path.iter().find(|byte| !allowed(**byte)) {
        return Err(PathError::Character(*byte));
    }
    if path.windows(2).any(|pair| pair == b"//") || (path.len() > 1 && path.ends_with(b"/")) {
        return Err(PathError::EmptyPart);
    }
    let limit = if path.starts_with(b"/") {
        ABSOLUTE_MAX
    } else {
        RELATIVE_MAX
    };
    if path.len() > limit {
        return Err(PathError::TooLong(limit));
    }
    if within_domain(path).is_some_and(|rest| rest.len() > RELATIVE_MAX) {
        return Err(PathError::TooLong(RELATIVE_MAX));
    }
    Ok(())
}

fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'_' | b'@')
}

/// What follows `/local/domain/N/` in an absolute path.
fn within_domain(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(DOMAINS.as_bytes())?;
    let slash = rest.iter().position(|byte| *byte == b'/')?;
    let (domid, rest) = rest.split_at(slash);
    (!domid.is_empty() && domid.iter().all(u8::is_ascii_digit))
        .then(|| rest.get(1..))
        .flatten()
}

impl NodePath {
    /// The root, `/`.
    pub fn root() -> NodePath {
        NodePath("/".to_owned())
    }

    /// `/local/domain/N`, where a domain's relative paths start.
    pub fn of_domain(domid: Domid) -> NodePath {
        NodePath(format!("{DOMAINS}{domid}"))
    }

    /// Resolves a path sent by a domain.
    ///
    /// # Errors
    ///
    /// [`PathError`] if it is not a valid path.
    pub fn resolve(path: &[u8], caller: Domid) -> Result<NodePath, PathError> {
        check(path)?;
        let text = std::str::from_utf8(path).map_err(|_| PathError::Character(0x80))?;
        if text.starts_with('/') {
            return Ok(NodePath(text.to_owned()));
        }
        Ok(NodePath(format!("{DOMAINS}{caller}/{text}")))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The names on the way down from the root; none for the root itself.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The path above, `None` for the root.
    pub fn parent(&self) -> Option<NodePath> {
        if self.is_root() {
            return None;
        }
        match self.0.rsplit_once('/') {
            None | Some(("", _)) => Some(NodePath::root()),
            Some((parent, _)) => Some(NodePath(parent.to_owned())),
        }
    }

    /// The last name of the path, `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.names().last()
    }

    /// The path of a child. The name comes from a path that was checked.
    pub(crate) fn child(&self, name: &str) -> NodePath {
        if self.is_root() {
            NodePath(format!("/{name}"))
        } else {
            NodePath(format!("{}/{name}", self.0))
        }
    }

    /// This path and every one above it, the root last.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = &str> {
        let mut next = Some(self.0.as_str());
        std::iter::from_fn(move || {
            let current = next?;
            next = match current.rsplit_once('/') {
                _ if current == "/" => None,
                Some(("", _)) => Some("/"),
                Some((parent, _)) => Some(parent),
                None => None,
            };
            Some(current)
        })
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A watch that is not about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Special {
    /// A domain was introduced.
    IntroduceDomain,
    /// A domain was released (or has shut down).
    ReleaseDomain,
}

impl Special {
    /// The name it is watched under.
    pub fn as_str(self) -> &'static str {
        match self {
            Special::IntroduceDomain => "@introduceDomain",
            Special::ReleaseDomain => "@releaseDomain",
        }
    }

    /// Recognises a special name.
    pub fn from_bytes(name: &[u8]) -> Option<Special> {
        [Special::IntroduceDomain, Special::ReleaseDomain]
            .into_iter()
            .find(|special| special.as_str().as_bytes() == name)
    }

    /// The name with the number of one domain, under which only that one is watched.
    pub fn of_domain(self, domid: Domid) -> String {
        format!("{}/{domid}", self.as_str())
    }

    /// Recognises what can be watched: a special name, alone or with the number of a domain.
    pub(crate) fn watched(name: &[u8]) -> Option<(Special, Option<Domid>)> {
        if let Some(special) = Special::from_bytes(name) {
            return Some((special, None));
        }
        let slash = name.iter().position(|byte| *byte == b'/')?;
        let (name, domid) = name.split_at(slash);
        let domid = parse_decimal(domid.get(1..)?)?;
        Some((Special::from_bytes(name)?, Some(domid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_xen_writes() {
        for path in [
            "/",
            "/tool/xenstored",
            "backend/vif/1/0",
            "/vm/0a-1b_c",
            "/a@b",
            "domid",
        ] {
            assert_eq!(check(path.as_bytes()), Ok(()), "{path}");
        }
    }

    #[test]
    fn names_the_broken_rule() {
        let cases: [(&str, PathError); 8] = [
            ("", PathError::Empty),
            ("/a.b", PathError::Character(b'.')),
            ("a+b", PathError::Character(b'+')),
            ("a:b", PathError::Character(b':')),
            ("//a", PathError::EmptyPart),
            ("/a//b", PathError::EmptyPart),
            ("/a/", PathError::EmptyPart),
            ("@introduceDomain", PathError::Special),
        ];
        for (path, error) in cases {
            assert_eq!(check(path.as_bytes()), Err(error), "{path}");
        }
        assert_eq!(check(b"/a\0b"), Err(PathError::Character(0)));
    }

    #[test]
    fn limits_are_counted_where_the_protocol_says() {
        let long = |prefix: &str, length: usize| format!("{prefix}{}", "x".repeat(length));
        assert_eq!(check(long("/", ABSOLUTE_MAX - 1).as_bytes()), Ok(()));
        assert_eq!(
            check(long("/", ABSOLUTE_MAX).as_bytes()),
            Err(PathError::TooLong(3072))
        );
        assert_eq!(check(long("", RELATIVE_MAX).as_bytes()), Ok(()));
        assert_eq!(
            check(long("", RELATIVE_MAX + 1).as_bytes()),
            Err(PathError::TooLong(2048))
        );
        assert_eq!(
            check(long("/local/domain/7/", RELATIVE_MAX).as_bytes()),
            Ok(())
        );
        assert_eq!(
            check(long("/local/domain/7/", RELATIVE_MAX + 1).as_bytes()),
            Err(PathError::TooLong(2048))
        );
    }

    #[test]
    fn relative_paths_belong_to_the_caller() {
        let path = NodePath::resolve(b"backend/vif", 7).unwrap();
        assert_eq!(path.as_str(), "/local/domain/7/backend/vif");
        assert_eq!(
            NodePath::resolve(b"/backend", 7).unwrap().as_str(),
            "/backend"
        );
    }

    #[test]
    fn walks_up_to_the_root() {
        let path = NodePath::resolve(b"/a/b/c", 0).unwrap();
        assert_eq!(
            path.upwards().collect::<Vec<_>>(),
            ["/a/b/c", "/a/b", "/a", "/"]
        );
        assert_eq!(NodePath::root().upwards().collect::<Vec<_>>(), ["/"]);
        assert_eq!(path.parent().unwrap().as_str(), "/a/b");
        assert_eq!(
            NodePath::resolve(b"/a", 0).unwrap().parent(),
            Some(NodePath::root())
        );
        assert_eq!(NodePath::root().parent(), None);
    }
}
