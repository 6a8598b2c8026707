//! The host's own file, `/etc/xen/xenwire.toml`: what xenwire is to do where Xen's files do not say.
//!
//! ```toml
//! [hotplug]
//! ip_filter = "enforce"    # or "log", "accept-only", "off"
//! ```

use serde::Deserialize;
use toml::Spanned;

use crate::diag::{Diagnostic, Diagnostics, Source, Span, code, nearest};

/// The file, defaults applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostConf {
    /// `[hotplug] ip_filter`.
    pub ip_filter: IpFilter,
}

/// What `ip=` of a vif does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IpFilter {
    /// What the guest sends from elsewhere goes nowhere.
    #[default]
    Enforce,
    /// It goes on, and the kernel's log says so.
    Log,
    /// Nothing is stopped: the list only opens a FORWARD chain that drops, as with Xen's scripts.
    AcceptOnly,
    /// Nothing.
    Off,
}

impl IpFilter {
    const ALL: [(&'static str, Self); 4] = [
        ("enforce", Self::Enforce),
        ("log", Self::Log),
        ("accept-only", Self::AcceptOnly),
        ("off", Self::Off),
    ];
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    hotplug: RawHotplug,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHotplug {
    ip_filter: Option<Spanned<String>>,
}

/// Reads xenwire.toml. An empty text gives the defaults.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<HostConf> {
    let source = Source::new(file, text);
    let raw: Raw = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            let span = Span::new(&source, error.span().unwrap_or(0..0));
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            out.add(
                Diagnostic::error(code::host_conf::TOML, &span, message)
                    .hint("the file has one table, [hotplug], with one key, ip_filter"),
            );
            return None;
        }
    };
    let Some(word) = raw.hotplug.ip_filter else {
        return Some(HostConf::default());
    };
    let known = IpFilter::ALL;
    if let Some((_, ip_filter)) = known.iter().find(|(name, _)| name == word.get_ref()) {
        return Some(HostConf {
            ip_filter: *ip_filter,
        });
    }
    let names = known.map(|(name, _)| name);
    let hint = match nearest(word.get_ref(), names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", names.join(", ")),
    };
    let span = Span::new(&source, word.span());
    let message = format!("`{}` is no way to treat `ip=`", word.get_ref());
    out.add(Diagnostic::error(code::host_conf::IP_FILTER, &span, message).hint(hint));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> (Option<IpFilter>, Vec<&'static code::Code>, String) {
        let mut out = Diagnostics::new();
        let conf = read(text, "xenwire.toml", &mut out);
        let codes = out.iter().map(|found| found.code).collect();
        let shown = out.render(crate::diag::Style::Plain);
        (conf.map(|conf| conf.ip_filter), codes, shown)
    }

    #[test]
    fn the_four_words_and_none() {
        for (name, filter) in IpFilter::ALL {
            let text = format!("[hotplug]\nip_filter = \"{name}\"\n");
            assert_eq!(read_all(&text).0, Some(filter));
        }
        for text in ["", "# nothing\n", "[hotplug]\n"] {
            assert_eq!(read_all(text).0, Some(IpFilter::Enforce), "{text:?}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, code, words) in [
            (
                "[hotplug]\nip_filter = \"enforced\"\n",
                code::host_conf::IP_FILTER,
                "did you mean `enforce`?",
            ),
            (
                "[hotplug]\nip_filter = \"\"\n",
                code::host_conf::IP_FILTER,
                "accept-only",
            ),
            (
                "[hotplug]\nip_filter = 1\n",
                code::host_conf::TOML,
                "xenwire.toml:2",
            ),
            (
                "[hotplug]\nipfilter = \"off\"\n",
                code::host_conf::TOML,
                "ip_filter",
            ),
            ("[hotplug\n", code::host_conf::TOML, "xenwire.toml:1"),
        ] {
            let (conf, found, shown) = read_all(text);
            assert_eq!((conf, found), (None, vec![code]), "{text}");
            assert!(shown.contains(words), "{shown}");
        }
    }
}
