//! Which reader a file is for, told by its name as Xen and Debian name such files.

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A guest's file, of xl's day or xm's.
    Guest,
    /// `xl.conf`.
    XlConf,
    /// `xenwire.toml`.
    HostConf,
    /// `xend-config.sxp`.
    XendConfig,
    /// `/etc/network/interfaces`, or a file in `interfaces.d`.
    Interfaces,
    /// A scenario's `lab.toml`.
    Lab,
}

impl Kind {
    /// The kind of the file at this path; `None` if its name is none that such files have.
    pub fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = folder.rsplit('/').next().unwrap_or_default();
        // What editors and package managers leave beside a file is not read by anybody.
        if name.starts_with('.') || name.ends_with('~') || name.contains(".dpkg-") {
            return None;
        }
        Some(match name {
            "xl.conf" => Self::XlConf,
            "xenwire.toml" => Self::HostConf,
            "lab.toml" => Self::Lab,
            "interfaces" => Self::Interfaces,
            _ if folder == "interfaces.d" => Self::Interfaces,
            _ if name.ends_with(".sxp") => Self::XendConfig,
            _ if name.ends_with(".cfg") => Self::Guest,
            // xendomains starts whatever is there (xendomains' XENDOMAINS_AUTO).
            _ if folder == "auto" => Self::Guest,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_kind() {
        for (path, kind) in [
            ("/etc/xen/xl.conf", Some(Kind::XlConf)),
            ("/etc/xen/xenwire.toml", Some(Kind::HostConf)),
            ("/etc/xen/xend-config.sxp", Some(Kind::XendConfig)),
            ("/etc/network/interfaces", Some(Kind::Interfaces)),
            ("/etc/network/interfaces.d/xen", Some(Kind::Interfaces)),
            ("/etc/network/interfaces.d/xen~", None),
            ("foo.cfg", Some(Kind::Guest)),
            ("/etc/xen/auto/foo", Some(Kind::Guest)),
            ("/etc/xen/foo.cfg.dpkg-old", None),
            ("lab.toml", Some(Kind::Lab)),
            ("/etc/xen/scripts/vif-bridge", None),
            ("", None),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }
}
