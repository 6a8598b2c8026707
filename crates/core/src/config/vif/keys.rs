//! The keys of a specification, in each toolstack's words.

use super::Dialect;

/// Every key that takes a value, by the name it has today, in the order of the normal form.
pub(super) const VALUED: [&str; 13] = [
    "mac",
    "bridge",
    "gatewaydev",
    "type",
    "model",
    "vifname",
    "script",
    "ip",
    "backend",
    "rate",
    "devid",
    "mtu",
    "vlan",
];

/// Those of them that xm has (contract 6.3).
const OF_XM: [&str; 9] = [
    "mac", "bridge", "type", "model", "vifname", "script", "ip", "backend", "rate",
];

/// The name of `gatewaydev` before Xen 4.2.
pub(super) const OLD_GATEWAYDEV: &str = "netdev";

/// Words that stand alone: whether the frontend trusts the backend (Xen 4.17 and later).
pub(super) const TRUSTED: &str = "trusted";
/// See [`TRUSTED`].
pub(super) const UNTRUSTED: &str = "untrusted";

/// Read and thrown away by xl, with a warning.
pub(super) const ACCEL: &str = "accel";

/// What only xend could make use of: labels of its own access control, and the backend's MAC
/// (Xen 3.0).
const OF_XEND: [&str; 3] = ["policy", "label", "be_mac"];

/// The keys of COLO and Remus (xl_parse.c), without `colo_`.
const COLO: [&str; 48] = [
    "sock_mirror_id",
    "sock_mirror_ip",
    "sock_mirror_port",
    "sock_compare_pri_in_id",
    "sock_compare_pri_in_ip",
    "sock_compare_pri_in_port",
    "sock_compare_sec_in_id",
    "sock_compare_sec_in_ip",
    "sock_compare_sec_in_port",
    "sock_compare_notify_id",
    "sock_compare_notify_ip",
    "sock_compare_notify_port",
    "sock_redirector0_id",
    "sock_redirector0_ip",
    "sock_redirector0_port",
    "sock_redirector1_id",
    "sock_redirector1_ip",
    "sock_redirector1_port",
    "sock_redirector2_id",
    "sock_redirector2_ip",
    "sock_redirector2_port",
    "sock_sec_redirector0_id",
    "sock_sec_redirector0_ip",
    "sock_sec_redirector0_port",
    "sock_sec_redirector1_id",
    "sock_sec_redirector1_ip",
    "sock_sec_redirector1_port",
    "filter_mirror_queue",
    "filter_mirror_outdev",
    "filter_redirector0_queue",
    "filter_redirector0_indev",
    "filter_redirector0_outdev",
    "filter_redirector1_queue",
    "filter_redirector1_indev",
    "filter_redirector1_outdev",
    "filter_sec_redirector0_queue",
    "filter_sec_redirector0_indev",
    "filter_sec_redirector0_outdev",
    "filter_sec_redirector1_queue",
    "filter_sec_redirector1_indev",
    "filter_sec_redirector1_outdev",
    "filter_sec_rewriter0_queue",
    "compare_pri_in",
    "compare_sec_in",
    "compare_out",
    "compare_notify_dev",
    "checkpoint_host",
    "checkpoint_port",
];

/// What a key is to a toolstack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// One of [`VALUED`].
    Valued(&'static str),
    /// `netdev`.
    Old,
    /// `accel`.
    Accel,
    /// Known to xend, without meaning for anybody since.
    OfXend,
    /// COLO's or Remus's, passed on untouched.
    Colo,
    /// Not known.
    Unknown,
}

impl Key {
    /// What this word in front of `=` is.
    pub(super) fn of(word: &str, dialect: Dialect) -> Self {
        let known = |keys: &[&'static str]| keys.iter().copied().find(|key| *key == word);
        let xl = dialect == Dialect::Xl;
        if let Some(key) = known(if xl { &VALUED } else { &OF_XM }) {
            Self::Valued(key)
        } else if word == ACCEL {
            Self::Accel
        } else if xl && word == OLD_GATEWAYDEV {
            Self::Old
        } else if !xl && known(&OF_XEND).is_some() {
            Self::OfXend
        } else if xl && is_colo(word) {
            Self::Colo
        } else {
            Self::Unknown
        }
    }
}

fn is_colo(word: &str) -> bool {
    let rest = word.strip_prefix("colo_");
    word == "forwarddev" || rest.is_some_and(|rest| COLO.contains(&rest))
}

/// Everything a person may have meant to write.
pub(super) fn all(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let (valued, others): (&[_], &[_]) = match dialect {
        Dialect::Xl => (&VALUED, &[TRUSTED, UNTRUSTED, "forwarddev"]),
        Dialect::Xm => (&OF_XM, &[]),
    };
    valued.iter().chain(others).copied()
}
