//! xenstore nodes, as far as a plan reads and writes them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node's path, absolute or relative to the caller's own domain, as the store is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodePath(pub String);

/// A node's value: bytes. In a journal each byte is the character of the same number, which
/// loses nothing and leaves text readable.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeValue(pub Vec<u8>);

impl NodePath {
    /// The node of this name below.
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0))
    }
}

impl NodeValue {
    /// A value that is text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes())
    }

    /// The value as text, if it is.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NodeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl fmt::Debug for NodeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for NodeValue {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0.iter().map(|b| char::from(*b)).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for NodeValue {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_journal() {
        let all = NodeValue((0..=255).collect());
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<NodeValue>(&json).unwrap(), all);
    }
}
