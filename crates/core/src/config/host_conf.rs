//! The host's own file, `/etc/xen/xenwire.toml`: what xenwire is to do where Xen's files do not say.
//!
//! ```toml
//! [hotplug]
//! ip_filter = "enforce"        # or "log", "accept-only", "off"
//! forward = "bridged"          # or "all", "off"
//! forward_mark = "0x10000000"
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::diag::{Diagnostic, Diagnostics, Source, Span, Style, code, nearest};
use crate::state::ForwardMark;

/// The file, defaults applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostConf {
    /// `[hotplug] ip_filter`.
    pub ip_filter: IpFilter,
    /// `[hotplug] forward`.
    pub forward: Passing,
    /// `[hotplug] forward_mark`.
    pub forward_mark: ForwardMark,
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

impl fmt::Display for IpFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.iter().find(|(_, filter)| filter == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

impl FromStr for IpFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, filter)| *filter)
            .ok_or_else(|| "it is one of enforce, log, accept-only, off".into())
    }
}

/// Which guests a FORWARD chain that drops lets by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passing {
    /// Those on a bridge: to a switch it is no business what dom0 routes.
    #[default]
    Bridged,
    /// Those of vif-route and vif-nat too.
    All,
    /// None.
    Off,
}

impl Passing {
    const ALL: [(&'static str, Self); 3] = [
        ("bridged", Self::Bridged),
        ("all", Self::All),
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
    forward: Option<Spanned<String>>,
    forward_mark: Option<Spanned<String>>,
}

/// What xenwire.toml itself says of `ip=`, if it does.
///
/// # Errors
/// It is no such file: the diagnostics as text.
pub fn said(text: &str) -> Result<Option<IpFilter>, String> {
    let mut found = Diagnostics::new();
    let conf = read(text, "xenwire.toml", &mut found);
    let conf = conf.ok_or_else(|| found.render(Style::Plain))?;
    let raw: Raw = toml::from_str(text).map_err(|error| error.to_string())?;
    Ok(raw.hotplug.ip_filter.map(|_| conf.ip_filter))
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
                    .hint("the file has one table, [hotplug], and knows ip_filter, forward and forward_mark in it"),
            );
            return None;
        }
    };
    let RawHotplug {
        ip_filter,
        forward,
        forward_mark,
    } = raw.hotplug;
    let mut reader = Reader {
        source: &source,
        out,
    };
    let ip_filter = reader.word(ip_filter, &IpFilter::ALL, |word| {
        let message = format!("`{word}` is no way to treat `ip=`");
        (code::host_conf::IP_FILTER, message)
    });
    let forward = reader.word(forward, &Passing::ALL, |word| {
        let message = format!("`{word}` does not say which guests pass FORWARD");
        (code::host_conf::FORWARD, message)
    });
    let forward_mark = reader.mark(forward_mark);
    Some(HostConf {
        ip_filter: ip_filter?,
        forward: forward?,
        forward_mark: forward_mark?,
    })
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    out: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// One of a few words; the default if there is none.
    fn word<T: Copy + Default>(
        &mut self,
        word: Option<Spanned<String>>,
        known: &[(&'static str, T)],
        wrong: impl Fn(&str) -> (&'static code::Code, String),
    ) -> Option<T> {
        let Some(word) = word else {
            return Some(T::default());
        };
        if let Some((_, meant)) = known.iter().find(|(name, _)| name == word.get_ref()) {
            return Some(*meant);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = match nearest(word.get_ref(), names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", names.join(", ")),
        };
        let (code, message) = wrong(word.get_ref());
        let span = Span::new(self.source, word.span());
        self.out
            .add(Diagnostic::error(code, &span, message).hint(hint));
        None
    }

    fn mark(&mut self, text: Option<Spanned<String>>) -> Option<ForwardMark> {
        let Some(text) = text else {
            return Some(ForwardMark::default());
        };
        match text.get_ref().parse() {
            Ok(mark) => Some(mark),
            Err(error) => {
                let span = Span::new(self.source, text.span());
                let message = format!("`{}` is no mark: {error}", text.get_ref());
                let hint = "it is the bits of a packet's mark as a number of 32 bits that is not 0, as in \"0x10000000\"";
                self.out.add(
                    Diagnostic::error(code::host_conf::FORWARD_MARK, &span, message).hint(hint),
                );
                None
            }
        }
    }
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
    fn who_passes_forward_and_by_which_mark() {
        let read = |text: &str| {
            let text = format!("[hotplug]\n{text}\n");
            read(&text, "xenwire.toml", &mut Diagnostics::new())
        };
        for (name, forward) in Passing::ALL {
            let conf = read(&format!("forward = \"{name}\"")).unwrap();
            assert_eq!(conf.forward, forward);
            assert_eq!(conf.forward_mark.bits(), 0x1000_0000);
        }
        let conf = read("forward_mark = \"0x200\"").unwrap();
        let expected = HostConf {
            forward_mark: conf.forward_mark,
            ..HostConf::default()
        };
        assert_eq!((conf, conf.forward_mark.bits()), (expected, 0x200));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, code, words) in [
            (
                "[hotplug]\nforward = \"bridge\"\n",
                code::host_conf::FORWARD,
                "did you mean `bridged`?",
            ),
            (
                "[hotplug]\nforward_mark = \"0\"\n",
                code::host_conf::FORWARD_MARK,
                "xenwire.toml:2",
            ),
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
