//! The shape of `lab.toml`, for serde. Texts that mean something (names, addresses) stay texts
//! with their place here, so that [`read`](super::read()) can report every bad one, not only the
//! first. Maps are put into the order of the file by their keys' places.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Spanned<String>;
pub(super) type ByName<T> = BTreeMap<Text, T>;

/// The keys of a map in the order of the file.
pub(super) fn in_order<T>(map: ByName<T>) -> Vec<(Text, T)> {
    let mut entries: Vec<_> = map.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLab {
    pub title: Option<String>,
    #[serde(default)]
    pub lan: ByName<RawLan>,
    #[serde(default)]
    pub machine: ByName<RawMachine>,
    #[serde(default)]
    pub host: RawHost,
    #[serde(default)]
    pub guest: Vec<Spanned<RawGuest>>,
    #[serde(default)]
    pub reach: Vec<Spanned<RawClaim>>,
    #[serde(default)]
    pub not_reach: Vec<Spanned<RawClaim>>,
    #[serde(default)]
    pub expect: RawExpect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLan {
    pub mtu: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMachine {
    #[serde(default)]
    pub forward: bool,
    #[serde(default)]
    pub nic: Vec<Spanned<RawNic>>,
    #[serde(default)]
    pub route: Vec<Spanned<RawRoute>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNic {
    pub name: Option<Text>,
    pub lan: Text,
    pub mac: Option<Text>,
    pub mtu: Option<Spanned<i64>>,
    #[serde(default)]
    pub address: Vec<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHost {
    #[serde(default)]
    pub nic: Vec<Spanned<RawNic>>,
    #[serde(default)]
    pub bridge: Vec<RawBridge>,
    #[serde(default)]
    pub route: Vec<Spanned<RawRoute>>,
    pub toolstack: Option<Text>,
    pub generation: Option<Text>,
    pub nloopbacks: Option<Spanned<i64>>,
    #[serde(default)]
    pub boot: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBridge {
    pub name: Text,
    #[serde(default)]
    pub port: Vec<Text>,
    pub mac: Option<Text>,
    pub mtu: Option<Spanned<i64>>,
    #[serde(default)]
    pub vlan_filtering: bool,
    #[serde(default)]
    pub address: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    pub to: Text,
    pub via: Option<Text>,
    pub nic: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGuest {
    pub config: Text,
    #[serde(default = "yes")]
    pub start: bool,
    #[serde(default)]
    pub nic: ByName<RawGuestNic>,
    #[serde(default)]
    pub route: Vec<Spanned<RawRoute>>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGuestNic {
    #[serde(default)]
    pub address: Vec<Text>,
    #[serde(default)]
    pub dhcp: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClaim {
    pub from: Text,
    pub to: Text,
    pub protocol: Option<Spanned<Vec<Text>>>,
    pub family: Option<Spanned<Vec<Spanned<i64>>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpect {
    #[serde(default)]
    pub bridge: ByName<Vec<Text>>,
    #[serde(default)]
    pub link: ByName<RawExpectedLink>,
    #[serde(default)]
    pub absent: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpectedLink {
    pub address: Option<Vec<Text>>,
    pub mac: Option<Text>,
    pub mtu: Option<Spanned<i64>>,
    pub up: Option<bool>,
    pub master: Option<Text>,
}
