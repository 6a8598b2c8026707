//! A guest's configuration file, in xl's grammar or xm's: its name, its kind, its vifs. Memory,
//! disks and the like are somebody else's business (contract 3.6.3, 6.3, 6.5; xl.cfg(5)).

mod syntax;
mod xm_only;

pub use syntax::{Read, Reading, Syntax, read_as};

use std::collections::BTreeMap;

use super::settings::{Setting, Settings, Text, Value};
use super::vif::{self, VifType};
use crate::diag::{Diagnostic, Diagnostics, Spanned, code, nearest};
use crate::name::DevId;

/// What a guest's file says about its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomU {
    /// The guest's name.
    pub name: Spanned<String>,
    /// Its kind.
    pub kind: GuestType,
    /// Its vifs, in the order of the list.
    pub vifs: Vec<vif::Written>,
    /// `dhcp`, by which xm told the guest's kernel to ask for its address (contract 6.3).
    pub dhcp: Option<Spanned<String>>,
}

/// How a guest is virtualised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GuestType {
    /// Paravirtual, which is xl's default.
    #[default]
    Pv,
    /// Paravirtual devices in a hardware container.
    Pvh,
    /// Fully virtual, with emulated cards beside the vifs.
    Hvm,
}

/// A tap's name is the vif's with this behind it (contract 3.6.3).
const TAP_SUFFIX: &str = "-emu";

impl DomU {
    /// The device number of each vif: its `devid`, or else its position in the list.
    pub fn devids(&self) -> Vec<DevId> {
        (0..)
            .zip(&self.vifs)
            .map(|(position, vif)| vif.spec.devid.unwrap_or(DevId(position)))
            .collect()
    }
}

/// Reads a guest's file, whichever grammar it is in.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<DomU> {
    read_as(text, file, &Reading::default(), out).whole()
}

/// What the settings of a file say about the guest's network. What is wrong is left out.
fn of_settings(settings: &Settings, rules: vif::Rules, out: &mut Diagnostics) -> Option<DomU> {
    let name = name(settings, out);
    let kind = kind(settings, out);
    let errors = out.errors();
    let vifs = vifs(settings, rules, out);
    let all_vifs = out.errors() == errors;
    let dhcp = settings.get("dhcp").and_then(|setting| {
        let text = setting.value.atom()?;
        Some(Spanned::new(text.as_str().to_owned(), text.span().clone()))
    });
    let domu = DomU {
        name: name?,
        kind,
        vifs,
        dhcp,
    };
    // Without those that are left out, the others are not at their places in the list.
    if all_vifs {
        unlike_devids(&domu, out);
    }
    taps_names_fit(&domu, out);
    Some(domu)
}

fn name(settings: &Settings, out: &mut Diagnostics) -> Option<Spanned<String>> {
    let Some(setting) = settings.get("name") else {
        let hint = "add a line such as `name = \"foo\"`";
        out.add(
            Diagnostic::error(
                code::domu::NO_NAME,
                &settings.end(),
                "the guest has no name",
            )
            .hint(hint),
        );
        return None;
    };
    let span = setting.value.span();
    match setting.value.atom().map(Text::as_str) {
        Some("") => out.add(Diagnostic::error(
            code::domu::NO_NAME,
            span,
            "the guest's name is empty",
        )),
        Some(name) => return Some(Spanned::new(name.to_owned(), span.clone())),
        None => out.add(Diagnostic::error(
            code::domu::NO_NAME,
            span,
            format!(
                "the guest's name should be a text, but is {}",
                setting.value.kind()
            ),
        )),
    }
    None
}

/// `type`, or else the older `builder`.
fn kind(settings: &Settings, out: &mut Diagnostics) -> GuestType {
    fn choose(
        setting: &Setting,
        known: &[(&'static str, GuestType)],
        out: &mut Diagnostics,
    ) -> GuestType {
        let text = setting.value.atom().map_or("", Text::as_str);
        if let Some((_, kind)) = known.iter().find(|(name, _)| *name == text) {
            return *kind;
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "`{}` should be one of {}",
            setting.key.value,
            names.join(", ")
        );
        let hint = nearest(text, names).map(|near| format!("did you mean `{near}`?"));
        out.add(
            Diagnostic::error(code::domu::TYPE, setting.value.span(), message).maybe_hint(hint),
        );
        GuestType::default()
    }
    if let Some(setting) = settings.get("type") {
        choose(
            setting,
            &[
                ("pv", GuestType::Pv),
                ("pvh", GuestType::Pvh),
                ("hvm", GuestType::Hvm),
            ],
            out,
        )
    } else if let Some(setting) = settings.get("builder") {
        choose(
            setting,
            &[
                ("generic", GuestType::Pv),
                ("linux", GuestType::Pv),
                ("hvm", GuestType::Hvm),
            ],
            out,
        )
    } else {
        GuestType::default()
    }
}

fn vifs(settings: &Settings, rules: vif::Rules, out: &mut Diagnostics) -> Vec<vif::Written> {
    let Some(setting) = settings.get("vif") else {
        return Vec::new();
    };
    let Value::List(list) = &setting.value else {
        let message = format!("`vif` should be a list, but is {}", setting.value.kind());
        let hint = format!("write `vif = [ {} ]`", setting.value.span().text());
        out.add(Diagnostic::error(code::domu::VIF_LIST, setting.value.span(), message).hint(hint));
        return Vec::new();
    };
    let mut vifs = Vec::new();
    for value in &list.value {
        match value {
            Value::Text(text) | Value::Number(_, text) => vifs.extend(vif::read(text, rules, out)),
            Value::List(_) | Value::Other(_) => {
                let message = format!("a vif should be a text, but is {}", value.kind());
                out.add(
                    Diagnostic::error(code::domu::VIF_TEXT, value.span(), message)
                        .hint("each vif is one text in quotes: 'mac=…,bridge=…'"),
                );
            }
        }
    }
    vifs
}

/// Two vifs with one device number would be one set of nodes in xenstore.
fn unlike_devids(domu: &DomU, out: &mut Diagnostics) {
    let mut seen = BTreeMap::new();
    for (devid, vif) in domu.devids().into_iter().zip(&domu.vifs) {
        let place = vif.place("devid");
        if let Some(before) = seen.insert(devid, place) {
            let message = format!("two vifs have the device number {devid}");
            let found = Diagnostic::error(code::domu::DEVID_TWICE, place, message);
            out.add(
                found
                    .also(before, "the other one")
                    .hint("a vif without `devid` has its position in the list, from 0"),
            );
        }
    }
}

/// A vif with an emulated card gets a tap of its name and `-emu`, which must fit into 15 bytes.
fn taps_names_fit(domu: &DomU, out: &mut Diagnostics) {
    if domu.kind != GuestType::Hvm {
        return;
    }
    for vif in domu
        .vifs
        .iter()
        .filter(|vif| vif.spec.kind != Some(VifType::Vif))
    {
        if let Some(name) = vif
            .spec
            .vifname
            .as_ref()
            .filter(|name| name.as_str().len() + TAP_SUFFIX.len() > 15)
        {
            let message = format!(
                "`{name}` is too long for an HVM guest's vif: its tap would be `{name}{TAP_SUFFIX}`, and a link's name has at most 15 bytes"
            );
            let hint = "shorten it to 11 bytes, or write `type=vif` to have no emulated card";
            out.add(
                Diagnostic::error(code::domu::VIFNAME_LONG, vif.place("vifname"), message)
                    .hint(hint),
            );
        }
    }
}
