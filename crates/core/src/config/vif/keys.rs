//! The keys of a specification.

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

/// The name of `gatewaydev` before Xen 4.2.
pub(super) const OLD_GATEWAYDEV: &str = "netdev";

/// Words that stand alone: whether the frontend trusts the backend (Xen 4.17 and later).
pub(super) const TRUSTED: &str = "trusted";
/// See [`TRUSTED`].
pub(super) const UNTRUSTED: &str = "untrusted";

/// Read and thrown away by xl, with a warning.
pub(super) const IGNORED: &str = "accel";

/// Whether the key belongs to COLO and Remus, which are passed on untouched.
pub(super) fn is_colo(key: &str) -> bool {
    key == "forwarddev"
        || key
            .strip_prefix("colo_")
            .is_some_and(|rest| !rest.is_empty())
}

/// Everything a person may have meant to write.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    VALUED.into_iter().chain([TRUSTED, UNTRUSTED, "forwarddev"])
}
