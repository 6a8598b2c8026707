//! `/etc/xen/xenwire.toml`, the host's own file.

codes! {
    TOML "xenwire-toml":
        "The file is no TOML, or has a table or key that xenwire does not know. A vif with `ip=` is held to its list as if the file were not there.",
        "Correct the place that is shown; the file has one table, `[hotplug]`, with one key, `ip_filter`.";
    IP_FILTER "xenwire-ip-filter":
        "There is no such way to treat `ip=`. A vif with `ip=` is held to its list as if the key were not there.",
        "Write `enforce`, `log`, `accept-only` or `off`.";
}
