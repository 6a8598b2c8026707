//! `/etc/xen/xenwire.toml`, the host's own file.

codes! {
    TOML "xenwire-toml":
        "The file is no TOML, or has a table or key that xenwire does not know. A vif with `ip=` is held to its list as if the file were not there.",
        "Correct the place that is shown; the file has one table, `[hotplug]`, with the keys `ip_filter`, `forward` and `forward_mark`.";
    IP_FILTER "xenwire-ip-filter":
        "There is no such way to treat `ip=`. A vif with `ip=` is held to its list as if the key were not there.",
        "Write `enforce`, `log`, `accept-only` or `off`.";
    FORWARD "xenwire-forward":
        "This does not say which guests a FORWARD chain that drops lets by. It lets by those on bridges, as if the key were not there, and all of the file counts as not there.",
        "Write `bridged`, `all` or `off`.";
    FORWARD_MARK "xenwire-forward-mark":
        "The mark by which guests pass FORWARD is a number of 32 bits that is not 0. All of the file counts as not there.",
        "Write the bits that nobody else uses on this host, as in `forward_mark = \"0x10000000\"`.";
}
