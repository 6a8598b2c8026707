//! The line that begins an iface stanza. Whatever is wrong with it, a stanza is begun, so that the
//! options below it find their place.

use super::super::{Family, Iface, Stanza, keywords};
use super::Parser;
use crate::diag::code::interfaces as code;
use crate::diag::{Diagnostic, Spanned, nearest};

impl Parser<'_> {
    /// `iface NAME [FAMILY [METHOD]] [inherits OTHER]`.
    pub(super) fn iface(&mut self, keyword: &Spanned<String>, words: &[Spanned<String>]) {
        self.open = true;
        let Some((name, mut rest)) = words.split_first() else {
            let message = format!("`{}` does not name a link", keyword.value);
            self.out.add(
                Diagnostic::error(code::EMPTY, &keyword.span, message)
                    .hint("write `iface NAME inet METHOD`"),
            );
            let nameless = Spanned::new(String::new(), keyword.span.clone());
            self.add_iface(nameless, None, None, None);
            return;
        };
        let family = self.family(keyword, name, &mut rest);
        let method = family
            .as_ref()
            .and_then(|family| self.method(family, &mut rest));
        let inherits = self.inherits(&mut rest);
        if let Some(word) = rest.first().filter(|_| family.is_some()) {
            let message = format!(
                "ifup does not know what `{}` means here, and reads over it",
                word.value
            );
            self.out
                .add(Diagnostic::warning(code::EXTRA, &word.span, message).hint("remove it"));
        }
        self.add_iface(name.clone(), family, method, inherits);
    }

    fn family(
        &mut self,
        keyword: &Spanned<String>,
        name: &Spanned<String>,
        rest: &mut &[Spanned<String>],
    ) -> Option<Spanned<Family>> {
        let Some((word, behind)) = rest.split_first() else {
            if keyword.value != "template" {
                let message = format!("`{}` has neither family nor method", name.value);
                self.out.add(
                    Diagnostic::warning(code::NO_FAMILY, &name.span, message).hint(format!(
                        "write `iface {} inet manual`, or another method",
                        name.value
                    )),
                );
            }
            return None;
        };
        if word.value == "inherits" {
            return None;
        }
        *rest = behind;
        let mut families = keywords::FAMILIES.into_iter();
        if let Some(family) = families.find(|family| family.as_str() == word.value) {
            return Some(Spanned::new(family, word.span.clone()));
        }
        let near = nearest(&word.value, keywords::FAMILIES.map(Family::as_str));
        let hint = match (
            near,
            keywords::methods(Family::Inet).contains(&word.value.as_str()),
        ) {
            (_, true) => format!("write `inet {}`", word.value),
            (Some(near), _) => format!("did you mean `{near}`?"),
            _ => "write `inet` or `inet6`".to_owned(),
        };
        let message = format!("`{}` is no address family", word.value);
        self.out
            .add(Diagnostic::error(code::FAMILY, &word.span, message).hint(hint));
        // The rest of the line is about something else; the options below still belong to it.
        *rest = &[];
        None
    }

    fn method(
        &mut self,
        family: &Spanned<Family>,
        rest: &mut &[Spanned<String>],
    ) -> Option<Spanned<String>> {
        let known = keywords::methods(family.value);
        let Some((word, behind)) = rest.split_first() else {
            let message = format!("`{}` is followed by no method", family.value);
            self.out.add(
                Diagnostic::error(code::METHOD, &family.span, message)
                    .hint(format!("the methods are {}", known.join(", "))),
            );
            return None;
        };
        if word.value == "inherits" {
            return None;
        }
        *rest = behind;
        if known.contains(&word.value.as_str()) {
            return Some(word.clone());
        }
        let message = format!("`{}` is no method of `{}`", word.value, family.value);
        let hint = match nearest(&word.value, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the methods are {}", known.join(", ")),
        };
        self.out
            .add(Diagnostic::error(code::METHOD, &word.span, message).hint(hint));
        None
    }

    fn inherits(&mut self, rest: &mut &[Spanned<String>]) -> Option<Spanned<String>> {
        let (keyword, behind) = rest.split_first()?;
        if keyword.value != "inherits" {
            return None;
        }
        // Whatever follows is not looked at.
        *rest = &[];
        if behind.is_empty() {
            let message = "`inherits` names no stanza";
            self.out.add(
                Diagnostic::error(code::INHERITS, &keyword.span, message)
                    .hint("write the name of an earlier iface line behind it"),
            );
        }
        behind.first().cloned()
    }

    fn add_iface(
        &mut self,
        name: Spanned<String>,
        mut family: Option<Spanned<Family>>,
        mut method: Option<Spanned<String>>,
        inherits: Option<Spanned<String>>,
    ) {
        let mut base = None;
        if let Some(other) = &inherits {
            let wanted = family.as_ref().map(|family| family.value);
            base = self.base(&other.value, wanted);
            match base.map(|base| &self.interfaces.stanzas[base]) {
                Some(Stanza::Iface(found)) => {
                    family = family.or_else(|| found.family.clone());
                    method = method.or_else(|| found.method.clone());
                }
                // It may be in a file that is read before this place.
                _ if self.others => {}
                _ => {
                    let message = format!("no iface `{}` stands before this one", other.value);
                    self.out.add(
                        Diagnostic::error(code::INHERITS, &other.span, message)
                            .hint("move that stanza up, or correct the name"),
                    );
                }
            }
        }
        let index = self.interfaces.stanzas.len();
        let family_name = family.as_ref().map(|family| family.value);
        for key in [None, family_name] {
            self.bases.entry((name.value.clone(), key)).or_insert(index);
        }
        self.interfaces.stanzas.push(Stanza::Iface(Iface {
            name,
            family,
            method,
            inherits,
            options: Vec::new(),
            base,
        }));
    }

    /// The first stanza of this name in this family, or one that has no family of its own, as the
    /// templates of ifupdown-ng.
    fn base(&self, name: &str, family: Option<Family>) -> Option<usize> {
        let key = |family| (name.to_owned(), family);
        let same = self.bases.get(&key(family)).copied();
        same.or_else(|| {
            let any = *self.bases.get(&key(None))?;
            let iface = self.interfaces.stanzas[any].iface()?;
            iface.family.is_none().then_some(any)
        })
    }
}
