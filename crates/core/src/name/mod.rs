//! Names that cannot be wrong: each is checked once, where text becomes a value, and nowhere
//! else in xenwire is a name a plain `String`.

mod if_name;
mod mac;
mod vif_id;

pub use if_name::{IfName, IfNameError};
pub use mac::{Mac, MacError};
pub use vif_id::{DevId, DomId, VifId, VifIdError};

/// Derives serde through `Display` and `FromStr`, so that a name read from a file is checked
/// like any other.
macro_rules! serde_by_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use serde_by_text;
