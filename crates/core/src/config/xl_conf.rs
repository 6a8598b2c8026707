//! The host's own file, `/etc/xen/xl.conf`: what every vif gets that does not say otherwise
//! (contract 3.6.1). Keys that are not about networks are none of our business.

use super::settings::{Setting, Settings, Text};
use super::xl;
use crate::diag::{Diagnostic, Diagnostics, code, nearest};
use crate::name::IfName;

/// The networking part of xl.conf, defaults applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XlConf {
    /// `vif.default.script`: a path, or a name in the script folder.
    pub script: String,
    /// `vif.default.bridge`: a bridge, or what Open vSwitch's script makes of it (contract 2.9).
    pub bridge: String,
    /// `vif.default.gatewaydev`: the link vif-route answers for.
    pub gatewaydev: Option<IfName>,
    /// `vif.default.backend`: the name or number of the domain that has the backends.
    pub backend: String,
}

impl Default for XlConf {
    /// What libxl does without the file (contract 3.6.1 and 3.6.2).
    fn default() -> Self {
        Self {
            script: "vif-bridge".to_owned(),
            bridge: "xenbr0".to_owned(),
            gatewaydev: None,
            backend: "0".to_owned(),
        }
    }
}

/// The keys read here, and the older name of each.
const SCRIPT: (&str, Option<&str>) = ("vif.default.script", Some("vifscript"));
const BRIDGE: (&str, Option<&str>) = ("vif.default.bridge", Some("defaultbridge"));
const GATEWAYDEV: (&str, Option<&str>) = ("vif.default.gatewaydev", None);
const BACKEND: (&str, Option<&str>) = ("vif.default.backend", None);

/// Reads xl.conf. An empty text gives the defaults.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<XlConf> {
    let errors = out.errors();
    let settings = xl::read(text, file, out)?;
    let defaults = XlConf::default();
    unknown_defaults(&settings, out);
    without_effect(&settings, out);
    let conf = XlConf {
        script: word(&settings, SCRIPT, out).map_or(defaults.script, |(_, text)| text),
        bridge: word(&settings, BRIDGE, out).map_or(defaults.bridge, |(_, text)| text),
        gatewaydev: word(&settings, GATEWAYDEV, out).and_then(|(setting, name)| {
            match name.parse() {
                Ok(name) => Some(name),
                Err(why) => {
                    let message = format!("`{}` cannot be a link: {why}", name);
                    out.add(Diagnostic::error(
                        code::xl_conf::LINK,
                        setting.value.span(),
                        message,
                    ));
                    None
                }
            }
        }),
        backend: word(&settings, BACKEND, out).map_or(defaults.backend, |(_, text)| text),
    };
    (out.errors() == errors).then_some(conf)
}

/// The text of a key or else of its older name, which gets a warning. The newer key wins.
fn word<'a>(
    settings: &'a Settings,
    (key, older): (&str, Option<&str>),
    out: &mut Diagnostics,
) -> Option<(&'a Setting, String)> {
    let newer = settings.get(key);
    if let Some(old) = older.and_then(|older| settings.get(older)) {
        let message = format!("`{}` is the old name of `{key}`", old.key.value);
        let found = Diagnostic::warning(code::xl_conf::OLD_KEY, &old.key.span, message);
        out.add(match newer {
            Some(newer) => found
                .also(&newer.key.span, "this one counts")
                .hint("remove the old one"),
            None => found.hint(format!("write `{key}`")),
        });
    }
    let setting = newer.or_else(|| older.and_then(|older| settings.get(older)))?;
    let text = setting.value.atom().map(Text::as_str);
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        return Some((setting, text.to_owned()));
    }
    let found = if text.is_some() {
        "an empty text"
    } else {
        setting.value.kind()
    };
    let message = format!("`{}` should be a text, but is {found}", setting.key.value);
    out.add(Diagnostic::error(
        code::xl_conf::TEXT,
        setting.value.span(),
        message,
    ));
    None
}

/// xl ignores keys it does not know; a slip in ours would go unnoticed.
fn unknown_defaults(settings: &Settings, out: &mut Diagnostics) {
    let known = [SCRIPT.0, BRIDGE.0, GATEWAYDEV.0, BACKEND.0];
    for setting in settings
        .iter()
        .filter(|setting| setting.key.value.starts_with("vif."))
    {
        let key = setting.key.value.as_str();
        if !known.contains(&key) {
            let hint = match nearest(key, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", known.join(", ")),
            };
            let message = format!("xl.conf has no key `{key}`, and xl would ignore it");
            out.add(
                Diagnostic::warning(code::xl_conf::UNKNOWN_KEY, &setting.key.span, message)
                    .hint(hint),
            );
        }
    }
}

/// `run_hotplug_scripts=0` once left the scripts to udev; since Xen 4.6 it is read and ignored.
fn without_effect(settings: &Settings, out: &mut Diagnostics) {
    if let Some(setting) = settings.get("run_hotplug_scripts")
        && setting
            .value
            .atom()
            .is_some_and(|text| text.as_str() == "0")
    {
        let message =
            "`run_hotplug_scripts = 0` has had no effect since Xen 4.6: libxl runs the scripts";
        out.add(
            Diagnostic::warning(code::xl_conf::NO_EFFECT, &setting.key.span, message)
                .hint("remove the line"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> (Option<XlConf>, Vec<&'static code::Code>) {
        let mut out = Diagnostics::new();
        let conf = read(text, "xl.conf", &mut out);
        (conf, out.iter().map(|d| d.code).collect())
    }

    #[test]
    fn an_empty_file_gives_libxls_defaults() {
        assert_eq!(codes("# nothing\n"), (Some(XlConf::default()), vec![]));
    }

    #[test]
    fn reads_the_four_keys_and_ignores_other_business() {
        let (conf, codes) = codes(
            "autoballoon=0\nvif.default.script=\"vif-route\"\nvif.default.bridge='br1'\n\
             vif.default.gatewaydev='eth1'\nvif.default.backend=3\n",
        );
        let conf = conf.unwrap();
        assert_eq!(
            (conf.script.as_str(), conf.bridge.as_str()),
            ("vif-route", "br1")
        );
        assert_eq!(
            (conf.gatewaydev.unwrap().as_str(), conf.backend.as_str()),
            ("eth1", "3")
        );
        assert!(codes.is_empty());
    }

    #[test]
    fn old_names_count_only_without_the_new_ones() {
        let (conf, found) = codes("vifscript='a'\ndefaultbridge='b'\nvif.default.bridge='c'\n");
        let conf = conf.unwrap();
        assert_eq!((conf.script.as_str(), conf.bridge.as_str()), ("a", "c"));
        assert_eq!(found, [code::xl_conf::OLD_KEY, code::xl_conf::OLD_KEY]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, code, good) in [
            ("vif.default.brigde='x'", code::xl_conf::UNKNOWN_KEY, true),
            ("run_hotplug_scripts=0", code::xl_conf::NO_EFFECT, true),
            ("vif.default.bridge=['x']", code::xl_conf::TEXT, false),
            ("vif.default.bridge=''", code::xl_conf::TEXT, false),
            ("vif.default.gatewaydev='a b'", code::xl_conf::LINK, false),
        ] {
            let (conf, found) = codes(text);
            assert_eq!((conf.is_some(), found), (good, vec![code]), "{text}");
        }
    }
}
