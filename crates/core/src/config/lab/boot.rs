//! What runs when the lab's host boots, before any guest starts: the distribution's own commands,
//! and the toolstack's. Which toolstack it is, which generation of network scripts, and how many
//! crossover pairs the kernel makes.

use super::raw::Text;
use super::read::Reader;
use crate::diag::{Diagnostic, Span, Spanned, code, nearest};
use crate::name::IfName;
use crate::network::Generation;

/// What `[host]` says about booting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// `toolstack`: who starts guests, if the files at hand are not to decide.
    pub toolstack: Option<Toolstack>,
    /// `generation`: of Xen's network scripts.
    pub generation: Option<Generation>,
    /// `nloopbacks`: how many crossover pairs there are.
    pub nloopbacks: Option<u32>,
    /// `boot`: commands, in order.
    pub commands: Vec<BootCommand>,
}

/// Who starts guests and runs their scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toolstack {
    /// libxl, with xl: since Xen 4.1, and alone since 4.5 (contract 3).
    Libxl,
    /// xend, with xm: up to Xen 4.4 (contract 6).
    Xend,
}

/// A command of the distribution's, as `up` in /etc/network/interfaces has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootCommand {
    /// The program and its arguments: never empty.
    pub argv: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// What netloop makes unless it is told otherwise (contract 1.3.1).
const NETLOOP: u32 = 8;
/// More pairs than anybody ever had.
const MOST: u32 = 64;
/// What only a shell understands.
const OF_A_SHELL: [char; 10] = ['\'', '"', '$', ';', '|', '&', '<', '>', '`', '\\'];

impl Boot {
    /// Who starts guests: xend where its own file lies, unless `lab.toml` says otherwise.
    pub fn toolstack(&self, has_xend_config: bool) -> Toolstack {
        self.toolstack.unwrap_or(if has_xend_config {
            Toolstack::Xend
        } else {
            Toolstack::Libxl
        })
    }

    /// How many crossover pairs the kernel makes. Unless told, as many as netloop did, and only
    /// where it was: with xend, and of the generations only in the one whose script plugs them in.
    /// Xen 3.2 removed the driver, and 2.0's script takes the way of a kernel without it.
    pub fn loopbacks(&self, toolstack: Toolstack) -> u32 {
        let generation = self.generation.unwrap_or(Generation::Netloop);
        let netloop = toolstack == Toolstack::Xend && generation == Generation::Netloop;
        self.nloopbacks.unwrap_or(if netloop { NETLOOP } else { 0 })
    }

    /// What it puts into the environment of dom0's processes: by it the network scripts know their
    /// generation.
    pub fn environment(&self) -> Option<(&'static str, String)> {
        let generation = self.generation?;
        Some(("XENWIRE_GENERATION", generation.to_string()))
    }
}

impl Reader<'_> {
    pub(super) fn boot(
        &mut self,
        toolstack: Option<&Text>,
        generation: Option<&Text>,
        nloopbacks: Option<&toml::Spanned<i64>>,
        commands: &[Text],
    ) -> Boot {
        let toolstacks = [("libxl", Toolstack::Libxl), ("xend", Toolstack::Xend)];
        let words = Generation::ALL.map(|generation| generation.to_string());
        let words = words.iter().map(String::as_str);
        let generations: Vec<_> = words.zip(Generation::ALL).collect();
        Boot {
            toolstack: toolstack.and_then(|word| self.one_of(word, "a toolstack", &toolstacks)),
            generation: generation.and_then(|word| self.one_of(word, "a generation", &generations)),
            nloopbacks: nloopbacks.and_then(|number| self.nloopbacks(number)),
            commands: commands
                .iter()
                .filter_map(|text| self.boot_command(text))
                .collect(),
        }
    }

    fn one_of<T: Copy>(&mut self, word: &Text, what: &str, known: &[(&str, T)]) -> Option<T> {
        let text = word.get_ref().as_str();
        if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = match nearest(text, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        let message = format!("`{text}` is not {what}");
        let place = self.place(word);
        self.out
            .add(Diagnostic::error(code::lab::BAD_VALUE, &place, message).hint(hint));
        None
    }

    fn nloopbacks(&mut self, number: &toml::Spanned<i64>) -> Option<u32> {
        let found = u32::try_from(*number.get_ref()).ok().filter(|n| *n <= MOST);
        if found.is_none() {
            let message = format!(
                "there cannot be {} crossover pairs: the number goes from 0 to {MOST}",
                number.get_ref()
            );
            let place = self.span(number.span());
            self.out
                .add(Diagnostic::error(code::lab::BAD_VALUE, &place, message));
        }
        found
    }

    /// Split at blanks, as nothing reads it that knows quotes.
    fn boot_command(&mut self, text: &Text) -> Option<BootCommand> {
        let place = self.place(text);
        let argv: Vec<String> = text.get_ref().split(' ').map(str::to_owned).collect();
        let argv: Vec<String> = argv.into_iter().filter(|word| !word.is_empty()).collect();
        let found = text.get_ref().chars().find(|c| OF_A_SHELL.contains(c));
        let (wrong, hint) = match found {
            None if argv.is_empty() => ("an empty command cannot be run".to_owned(), "remove it"),
            None => return Some(BootCommand { argv, span: place }),
            Some(found) => (
                format!("no shell reads this command, and {found:?} would stay in it"),
                "put it into a script in `etc/xen/scripts`, and name that",
            ),
        };
        self.out
            .add(Diagnostic::error(code::lab::BAD_VALUE, &place, wrong).hint(hint));
        None
    }

    /// What is told to be there twice could not be made. Pairs that nobody asked for are not looked
    /// at: whether there are any is not known yet.
    pub(super) fn pairs_are_free<'b>(
        &mut self,
        boot: &Boot,
        links: impl Iterator<Item = &'b Spanned<IfName>>,
    ) {
        let pairs = boot.nloopbacks.unwrap_or(0);
        for link in links {
            let name = link.value.as_str();
            let number = name
                .strip_prefix("veth")
                .or_else(|| name.strip_prefix("vif0."));
            let number = number.and_then(|number| number.parse::<u32>().ok());
            if number.is_some_and(|number| number < pairs) {
                let message = format!("`{name}` is an end of a crossover pair already");
                let hint = format!("rename it, or set `nloopbacks` lower than {pairs}");
                self.out
                    .add(Diagnostic::error(code::lab::LINK_TWICE, &link.span, message).hint(hint));
            }
        }
    }
}
