//! Any set of files of an administrator, read each by its own reader, and what is wrong between
//! them.
//!
//! ```text
//!  files ──kind──▶ groups ──read──▶ guests, what is known of the host ──between──▶ Diagnostics
//! ```
//!
//! A folder with a `lab.toml` is a group of its own, because its guests run on its own host; all
//! other files are one group. Invariant: what is said does not depend on the order of the files,
//! except for the order in which it is said.

mod between;
mod host;
mod kind;

#[cfg(test)]
mod tests;

pub use kind::Kind;

use super::domu::{self, DomU, Reading, Syntax};
use super::lab::{Lab, Toolstack};
use super::{host_conf, interfaces, lab, xend, xl_conf};
use crate::diag::Diagnostics;
use host::Host;

/// A file that was read from somewhere.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path, as diagnostics are to show it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What is in it.
    pub text: String,
}

/// What became of a set of files.
#[derive(Debug, Default)]
pub struct Checked {
    /// Everything that is wrong or odd.
    pub found: Diagnostics,
    /// How each guest's file was read.
    pub syntaxes: Vec<(String, Syntax)>,
}

/// Reads the files and says what is wrong with each and between them.
pub fn check(files: &[File], reading: &Reading) -> Checked {
    let mut checked = Checked::default();
    for group in groups(files) {
        group.check(reading, &mut checked);
    }
    checked
}

/// Files about one host.
struct Group<'a> {
    /// The scenario they belong to.
    lab: Option<&'a File>,
    others: Vec<&'a File>,
}

fn groups(files: &[File]) -> Vec<Group<'_>> {
    let (labs, others): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| file.kind == Kind::Lab);
    let mut groups: Vec<Group<'_>> = labs
        .into_iter()
        .map(|lab| Group {
            lab: Some(lab),
            others: Vec::new(),
        })
        .collect();
    let mut rest = Vec::new();
    for file in others {
        // Of scenarios within each other the innermost has the longest name.
        let within = groups
            .iter_mut()
            .filter(|group| group.path_of(file).is_some());
        match within.max_by_key(|group| group.folder().map_or(0, str::len)) {
            Some(group) => group.others.push(file),
            None => rest.push(file),
        }
    }
    groups.push(Group {
        lab: None,
        others: rest,
    });
    groups
}

impl Group<'_> {
    /// The folder of the scenario, with its slash if it has a name.
    fn folder(&self) -> Option<&str> {
        let name = self.lab?.name.as_str();
        Some(name.rfind('/').map_or("", |slash| &name[..=slash]))
    }

    /// Where a file is in the scenario's folder.
    fn path_of<'a>(&self, file: &'a File) -> Option<&'a str> {
        file.name.strip_prefix(self.folder()?)
    }

    /// The grammar of a scenario's guests, where it does not depend on what they look like: what xm
    /// reads is Python (contract 6.3).
    fn guests_syntax(&self, lab: Option<&Lab>) -> Option<Syntax> {
        self.lab?;
        let is_xends = |file: &&File| self.path_of(file) == Some(XEND_CONFIG);
        let has_xend_config = self.others.iter().any(is_xends);
        let boot = lab.map(|lab| lab.host.boot.clone()).unwrap_or_default();
        (boot.toolstack(has_xend_config) == Toolstack::Xend).then_some(Syntax::Xm)
    }

    fn check(&self, reading: &Reading, checked: &mut Checked) {
        let out = &mut checked.found;
        let mut host = Host::default();
        let mut guests: Vec<(&File, DomU)> = Vec::new();
        let mut readable = true;
        let mut about_lab = Diagnostics::new();
        let lab = self.lab;
        let lab = lab.and_then(|file| lab::read(&file.text, &file.name, &mut about_lab));
        let reading = &Reading {
            syntax: reading.syntax.or_else(|| self.guests_syntax(lab.as_ref())),
            ..reading.clone()
        };
        for file in &self.others {
            let (text, name) = (file.text.as_str(), file.name.as_str());
            match file.kind {
                Kind::Guest => {
                    let read = domu::read_as(text, name, reading, out);
                    checked.syntaxes.push((file.name.clone(), read.syntax));
                    readable &= read.is_sound;
                    guests.extend(read.domu.map(|domu| (*file, domu)));
                }
                Kind::HostConf => drop(host_conf::read(text, name, out)),
                Kind::XlConf => host.add_xl_conf(xl_conf::read(text, name, out)),
                Kind::XendConfig => host.add_xend(xend::read(text, name, out)),
                Kind::Interfaces => host.add_interfaces(interfaces::read(text, name, out)),
                Kind::Lab => {}
            }
        }
        out.append(about_lab);
        if self.lab.is_some() {
            // A guest that could not be read would be said to be missing.
            if let Some(lab) = lab.as_ref().filter(|_| readable) {
                let named = guests.iter().filter_map(|(file, domu)| {
                    let config = self.path_of(file)?.strip_prefix(ETC_XEN)?;
                    Some((config.to_owned(), domu.clone()))
                });
                if let Err(faults) = lab::resolve(lab, &named.collect::<Vec<_>>()) {
                    out.append(faults);
                }
            }
            host.add_lab(lab);
        }
        let guests: Vec<DomU> = guests.into_iter().map(|(_, domu)| domu).collect();
        between::check(&guests, &host, self.lab.is_some(), out);
    }
}

/// Where a scenario has its guests' files.
const ETC_XEN: &str = "etc/xen/";
/// Where it has xend's own file.
const XEND_CONFIG: &str = "etc/xen/xend-config.sxp";
