//! Lines into stanzas, as ifupdown's read_interfaces_defn does it (config.c). Where it gives up
//! the whole file, this reader reports the fault and goes on with the next line.

mod iface;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::line::{Line, lines};
use super::{Chosen, Family, Include, Interfaces, Mapping, Selection, Setting, Stanza, keywords};
use crate::diag::code::interfaces as code;
use crate::diag::{Diagnostic, Diagnostics, Source, Spanned, nearest};

pub(super) fn parse(source: &Arc<Source>, out: &mut Diagnostics) -> Interfaces {
    let mut parser = Parser {
        interfaces: Interfaces::default(),
        open: false,
        bases: BTreeMap::new(),
        others: false,
        out,
    };
    for line in lines(source) {
        parser.line(&line);
    }
    parser.interfaces
}

struct Parser<'o> {
    interfaces: Interfaces,
    /// Whether options may follow: the last stanza is an iface or a mapping.
    open: bool,
    /// The first stanza of a name, in one family and in any.
    bases: BTreeMap<(String, Option<Family>), usize>,
    /// Whether another file is read somewhere before.
    others: bool,
    out: &'o mut Diagnostics,
}

impl Parser<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let mut words = line.words().into_iter();
        let Some(first) = words.next() else { return };
        let names: Vec<Spanned<String>> = words.collect();
        if !self.stanza(&first.value, &first, &names, line) {
            self.option(first, names, line);
        }
    }

    /// Begins a stanza if the keyword is one.
    fn stanza(
        &mut self,
        keyword: &str,
        first: &Spanned<String>,
        names: &[Spanned<String>],
        line: &Line<'_>,
    ) -> bool {
        let what = match keyword {
            "iface" => {
                self.iface(first, names);
                return true;
            }
            // ifupdown-ng; Debian's ifupdown has no such word.
            "template" if !self.open => {
                self.iface(first, names);
                return true;
            }
            "mapping" => {
                self.close(Stanza::Mapping(Mapping {
                    patterns: names.to_vec(),
                    script: None,
                    maps: Vec::new(),
                }));
                self.open = true;
                return true;
            }
            "source" => return self.include(false, first, line),
            _ if keyword.starts_with("source-dir") => return self.include(true, first, line),
            "rename" => {
                self.some(first, names);
                self.close(Stanza::Rename(names.to_vec()));
                return true;
            }
            "auto" => Chosen::Class(keyword.to_owned()),
            "no-auto-down" => Chosen::NoAutoDown,
            "no-scripts" => Chosen::NoScripts,
            _ => match keyword.strip_prefix("allow-") {
                Some(class) if !class.is_empty() => Chosen::Class(class.to_owned()),
                _ => return false,
            },
        };
        self.some(first, names);
        // ifupdown 0.8.41 reads over such a line: the stanza before it goes on.
        if names.is_empty() {
            return true;
        }
        self.comment(names);
        self.close(Stanza::Selection(Selection {
            what,
            keyword: first.span.clone(),
            names: names.to_vec(),
        }));
        true
    }

    /// Adds a stanza that takes no options.
    fn close(&mut self, stanza: Stanza) {
        self.interfaces.stanzas.push(stanza);
        self.open = false;
    }

    fn some(&mut self, first: &Spanned<String>, names: &[Spanned<String>]) {
        if names.is_empty() {
            let message = format!("`{}` names nothing", first.value);
            self.out.add(
                Diagnostic::warning(code::EMPTY, &first.span, message).hint("remove the line"),
            );
        }
    }

    /// A word that begins with `#` was meant as a comment.
    fn comment(&mut self, words: &[Spanned<String>]) {
        if let Some(word) = words.iter().find(|word| word.value.starts_with('#')) {
            self.out.add(
                Diagnostic::warning(
                    code::COMMENT,
                    &word.span,
                    "this `#` begins no comment, and ifup takes the rest of the line as it is",
                )
                .hint("move it to a line of its own"),
            );
        }
    }

    fn include(&mut self, directory: bool, first: &Spanned<String>, line: &Line<'_>) -> bool {
        let (pattern, words) = line.rest();
        self.some(first, &words);
        self.others = true;
        self.close(Stanza::Include(Include { directory, pattern }));
        true
    }

    fn option(&mut self, name: Spanned<String>, names: Vec<Spanned<String>>, line: &Line<'_>) {
        let (value, words) = line.rest();
        match self.interfaces.stanzas.last_mut().filter(|_| self.open) {
            Some(Stanza::Iface(iface)) => {
                if words.is_empty() {
                    let message = format!("`{}` has no value", name.value);
                    self.out.add(
                        Diagnostic::error(code::EMPTY, &name.span, message)
                            .hint("write a value behind it, or remove the line"),
                    );
                } else {
                    iface.options.push(Setting { name, value, words });
                }
            }
            Some(Stanza::Mapping(mapping)) if name.value == "map" => mapping.maps.push(value),
            Some(Stanza::Mapping(mapping)) if name.value == "script" => match &mapping.script {
                None => mapping.script = Some(value),
                Some(first) => {
                    let message = "this mapping has a script already";
                    self.out.add(
                        Diagnostic::error(code::SCRIPT, &name.span, message)
                            .also(&first.span, "this one")
                            .hint("remove one of them"),
                    );
                }
            },
            _ => self.misplaced(&name, &names, line),
        }
    }

    /// Not an option, so it should have been a keyword. A slip in one is read as that keyword, so
    /// that what stands below it does not seem misplaced too.
    fn misplaced(&mut self, name: &Spanned<String>, names: &[Spanned<String>], line: &Line<'_>) {
        let near = nearest(&name.value, keywords::STANZAS);
        let fault = Diagnostic::error(
            code::MISPLACED,
            &name.span,
            match near {
                Some(_) => format!("`{}` begins no stanza", name.value),
                None => format!("`{}` stands outside of any iface stanza", name.value),
            },
        );
        self.out.add(match near {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint("options stand below the iface line they belong to"),
        });
        if let Some(near) = near {
            self.stanza(near, name, names, line);
        }
    }
}
