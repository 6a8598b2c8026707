//! `/etc/network/interfaces`: what a Debian host brings up by itself (interfaces(5) of ifupdown
//! 0.8.41, and the spellings of bridge-utils-interfaces(5), vlan-interfaces(5) and ifupdown2).
//!
//! ```text
//!  text ──line──▶ logical lines ──parser──▶ stanzas ──check──▶ what cannot work
//!                                              ├─ bridges()    who is a port of what
//!                                              ├─ vlans()      which link carries which tag
//!                                              ├─ addresses()  what the host is reached by
//!                                              └─ commands()   up, down and their like, as text
//! ```
//!
//! Invariants: nothing written here is ever run; `source` lines are only returned, since whoever
//! has files expands their patterns; what Debian's ifup refuses as a whole is an error, and what
//! it takes is read as it takes it.

mod address;
mod bridge;
mod check;
mod effective;
mod keywords;
mod line;
mod parser;
#[cfg(test)]
mod tests;
mod vlan;

use std::fmt;

use crate::diag::{Diagnostics, Source, Span, Spanned};

pub use address::Address;
pub use bridge::{Bridge, Port};
pub use vlan::Vlan;

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// Every stanza in order.
    pub stanzas: Vec<Stanza>,
}

/// One stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stanza {
    /// `auto`, `allow-CLASS`, `no-auto-down`, `no-scripts`.
    Selection(Selection),
    /// `iface`, and ifupdown-ng's `template`.
    Iface(Iface),
    /// `mapping`.
    Mapping(Mapping),
    /// `source` and `source-directory`.
    Include(Include),
    /// `rename`: `CUR=NEW` each.
    Rename(Vec<Spanned<String>>),
}

/// Links that are chosen for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What for.
    pub what: Chosen,
    /// The first word of the line.
    pub keyword: Span,
    /// Links, or patterns such as `/eth*=lan`.
    pub names: Vec<Spanned<String>>,
}

/// What links are chosen for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// `allow-CLASS`; `auto` is the class `auto`.
    Class(String),
    /// `no-auto-down`: `ifdown -a` leaves them up.
    NoAutoDown,
    /// `no-scripts`: the scripts of `if-*.d` are not run for them.
    NoScripts,
}

/// The definition of a link, for one address family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iface {
    /// The link's name, or a name that a mapping or another stanza refers to.
    pub name: Spanned<String>,
    /// Its family, inherited if need be. Without one only ifupdown2 and ifupdown-ng read it.
    pub family: Option<Spanned<Family>>,
    /// How it is configured, inherited if need be: `static`, `manual`, `dhcp`.
    pub method: Option<Spanned<String>>,
    /// The name of the stanza it inherits from.
    pub inherits: Option<Spanned<String>>,
    /// What stands below it, in order and with all repetitions, but without what it inherits.
    pub options: Vec<Setting>,
    /// Which stanza it inherits from, if that is in this file.
    base: Option<usize>,
}

/// One option of an iface stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The first word, as written.
    pub name: Spanned<String>,
    /// The rest of the line, continuation lines joined.
    pub value: Spanned<String>,
    /// The words of the value.
    pub words: Vec<Spanned<String>>,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// Novell's.
    Ipx,
    /// CAN bus.
    Can,
    /// None: for commands alone.
    Meta,
}

/// Which stanza a link gets, decided by a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Patterns of links.
    pub patterns: Vec<Spanned<String>>,
    /// The script that decides.
    pub script: Option<Spanned<String>>,
    /// The lines it is given.
    pub maps: Vec<Spanned<String>>,
}

/// Other files to be read at this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// Whether a folder is named, all of whose files with plain names are read.
    pub directory: bool,
    /// A path with a shell's wildcards, relative to the folder of this file.
    pub pattern: Spanned<String>,
}

/// When a command runs. `post-up` is `up`, and `pre-down` is `down`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// `pre-up`.
    PreUp,
    /// `up` and `post-up`.
    Up,
    /// `down` and `pre-down`.
    Down,
    /// `post-down`.
    PostDown,
}

/// Reads an interfaces file. An empty text is a file that brings up nothing.
pub fn read(text: &str, file: &str, out: &mut Diagnostics) -> Option<Interfaces> {
    let errors = out.errors();
    let interfaces = parser::parse(&Source::new(file, text), out);
    check::check(&interfaces, out);
    (out.errors() == errors).then_some(interfaces)
}

impl Interfaces {
    /// Every iface stanza, in order.
    pub fn ifaces(&self) -> impl Iterator<Item = &Iface> {
        self.stanzas.iter().filter_map(Stanza::iface)
    }

    /// The links of a class, `auto` or one of `allow-CLASS`, in order.
    pub fn class<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Spanned<String>> {
        let chosen = self.stanzas.iter().filter_map(move |stanza| match stanza {
            Stanza::Selection(selection) => match &selection.what {
                Chosen::Class(name) if name == class => Some(&selection.names),
                _ => None,
            },
            _ => None,
        });
        chosen.flatten()
    }

    /// The files that should be read too, in order.
    pub fn includes(&self) -> impl Iterator<Item = &Include> {
        self.stanzas.iter().filter_map(|stanza| match stanza {
            Stanza::Include(include) => Some(include),
            _ => None,
        })
    }

    /// Every command of every stanza with its phase, in order; inherited ones only at the stanza
    /// they are written in.
    pub fn commands(&self) -> impl Iterator<Item = (&Iface, Phase, &Spanned<String>)> {
        self.ifaces().flat_map(|iface| {
            let commands = iface.options.iter();
            commands.filter_map(move |option| Some((iface, option.phase()?, &option.value)))
        })
    }
}

impl Stanza {
    fn iface(&self) -> Option<&Iface> {
        match self {
            Self::Iface(iface) => Some(iface),
            _ => None,
        }
    }
}

impl Iface {
    /// The options of this name that stand in the stanza itself, `-` and `_` being the same.
    pub fn own<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.options.iter().filter(move |option| option.is(name))
    }

    fn has_method(&self, name: &str) -> bool {
        self.method
            .as_ref()
            .is_some_and(|method| method.value == name)
    }
}

impl Setting {
    /// Whether this is its name. bridge-utils and ifupdown2 differ in `_` and `-`, and ifupdown
    /// makes the same variable of both. A `?` at the end sets what is not yet set.
    pub fn is(&self, name: &str) -> bool {
        let written = self.name.value.as_bytes();
        let written = written.strip_suffix(b"?").unwrap_or(written);
        let plain = |byte: &u8| if *byte == b'_' { b'-' } else { *byte };
        written
            .iter()
            .map(plain)
            .eq(name.as_bytes().iter().map(plain))
    }

    /// When it runs, if it is a command.
    pub fn phase(&self) -> Option<Phase> {
        Some(match self.name.value.as_str() {
            "pre-up" => Phase::PreUp,
            "up" | "post-up" => Phase::Up,
            "down" | "pre-down" => Phase::Down,
            "post-down" => Phase::PostDown,
            _ => return None,
        })
    }
}

impl Family {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
            Self::Ipx => "ipx",
            Self::Can => "can",
            Self::Meta => "meta",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
