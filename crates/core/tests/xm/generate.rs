//! Files in Python as people wrote them for xm, drawn from a seed: every construct that is read,
//! composed at random. Invariant: equal seeds give equal files.

mod lists;
mod numbers;
mod texts;

use std::fmt::Write;

use crate::seed::Draws;

/// A drawer of numbers.
pub struct Draw(Draws);

impl Draw {
    fn next(&mut self) -> u64 {
        u64::from_le_bytes(self.0.next().expect("it never ends"))
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// A file in the making, and the names it has so far, by what they are.
#[derive(Default)]
struct Making {
    text: String,
    ints: Vec<String>,
    texts: Vec<String>,
    lists: Vec<String>,
    numbers: Vec<String>,
    dicts: Vec<String>,
    functions: Vec<String>,
    count: usize,
}

/// A whole file.
pub fn file(seed: u64) -> String {
    let mut draw = Draw(Draws::of_seed(seed));
    let mut making = Making::default();
    if draw.below(3) == 0 {
        making.text.push_str("import os, re\n");
    }
    making.text.push_str("# a guest\nvmid = 3\n");
    making.ints.push("vmid".to_owned());
    for _ in 0..4 + draw.below(12) {
        making.statement(&mut draw, 0);
    }
    let vif = format!(
        "vif = [ 'mac=00:16:3e:00:00:%02x,bridge=%s' % ({}, {}), {} ]\n",
        making.int(&mut draw, 2),
        making.piece(&mut draw, 2),
        making.piece(&mut draw, 2)
    );
    making.text.push_str(&vif);
    making.text
}

impl Making {
    fn fresh(&mut self) -> String {
        self.count += 1;
        format!("v{}", self.count)
    }

    fn line(&mut self, indent: usize, line: &str) {
        writeln!(self.text, "{}{line}", "    ".repeat(indent)).unwrap();
    }

    fn set(&mut self, draw: &mut Draw, indent: usize) {
        let name = self.fresh();
        match draw.below(9) {
            0 | 1 => {
                let value = self.int(draw, 3);
                self.line(indent, &format!("{name} = {value}"));
                self.ints.push(name);
            }
            2..=4 => {
                let value = self.piece(draw, 3);
                self.line(indent, &format!("{name} = {value}"));
                self.texts.push(name);
            }
            5 => {
                let value = self.list(draw, 2);
                self.line(indent, &format!("{name} = {value}"));
                self.lists.push(name);
            }
            6 => {
                let value = self.numbers(draw, 2);
                self.line(indent, &format!("{name} = {value}"));
                self.numbers.push(name);
            }
            7 => {
                let value = self.dict(draw);
                self.line(indent, &format!("{name} = {value}"));
                self.dicts.push(name);
            }
            _ => {
                let value = self.anything(draw);
                self.line(indent, &format!("{name} = {value}"));
            }
        }
    }

    fn statement(&mut self, draw: &mut Draw, indent: usize) {
        let before = (
            self.ints.len(),
            self.texts.len(),
            self.lists.len(),
            self.numbers.len(),
            self.dicts.len(),
            self.functions.len(),
        );
        match draw.below(if indent > 1 { 9 } else { 16 }) {
            0..=4 => self.set(draw, indent),
            5 => {
                let (one, two) = (self.fresh(), self.fresh());
                let (value, text) = (self.int(draw, 2), self.piece(draw, 2));
                let line = match draw.below(3) {
                    0 => format!("{one}, {two} = {value}, {text}"),
                    1 => format!("({one}, {two}) = [{value}, {text}]"),
                    _ => format!("{one}, {two} = ({value}, {text},)"),
                };
                self.line(indent, &line);
                self.ints.push(one);
                self.texts.push(two);
            }
            6 => {
                let (one, two) = (self.fresh(), self.fresh());
                let value = self.int(draw, 2);
                self.line(indent, &format!("{one} = {two} = {value}; pass"));
                self.ints.extend([one, two]);
            }
            7 => self.change(draw, indent),
            8 => self.line(
                indent,
                draw.one(&["# nothing", "pass", "\t# a comment", ""]),
            ),
            9 | 10 => {
                let condition = self.condition(draw, 2);
                self.line(indent, &format!("if {condition}:"));
                self.block(draw, indent + 1, before);
                if draw.below(2) == 0 {
                    let condition = self.condition(draw, 2);
                    self.line(indent, &format!("elif {condition}:"));
                    self.block(draw, indent + 1, before);
                }
                if draw.below(2) == 0 {
                    self.line(indent, "else:");
                    self.block(draw, indent + 1, before);
                }
            }
            11 | 12 => {
                let name = self.fresh();
                let over = match draw.below(4) {
                    0 => format!("range({})", draw.below(5)),
                    1 => format!("range(1, {}, 2)", draw.below(9)),
                    _ => self.numbers(draw, 1),
                };
                self.line(indent, &format!("for {name} in {over}:"));
                self.ints.push(name.clone());
                self.block(draw, indent + 1, before);
                self.ints.retain(|other| *other != name);
                if draw.below(3) == 0 {
                    self.line(
                        indent + 1,
                        &format!("if {name} > 1: {}", draw.one(&["break", "continue"])),
                    );
                }
            }
            13 => {
                let name = self.fresh();
                self.line(indent, &format!("{name} = {}", draw.below(4)));
                self.line(indent, &format!("while {name} < 4:"));
                self.line(indent + 1, &format!("{name} += 1"));
                if draw.below(2) == 0 {
                    let condition = self.condition(draw, 1);
                    self.line(indent + 1, &format!("if {condition}: break"));
                    self.line(indent, "else:");
                    self.line(indent + 1, &format!("{name} = -{name}"));
                }
                self.ints.push(name);
            }
            _ => self.def(draw, indent),
        }
    }

    /// A block's names may not be there afterwards.
    fn block(
        &mut self,
        draw: &mut Draw,
        indent: usize,
        (ints, texts, lists, numbers, dicts, functions): (usize, usize, usize, usize, usize, usize),
    ) {
        self.line(indent, "pass");
        for _ in 0..1 + draw.below(2) {
            self.statement(draw, indent);
        }
        self.ints.truncate(ints.max(1));
        self.texts.truncate(texts);
        self.lists.truncate(lists);
        self.numbers.truncate(numbers);
        self.dicts.truncate(dicts);
        self.functions.truncate(functions);
    }

    fn def(&mut self, draw: &mut Draw, indent: usize) {
        let name = self.fresh();
        let body = match draw.below(4) {
            0 => "return 'br%d' % (i % 4)".to_owned(),
            1 => "return '%s-%x' % (prefix, i)".to_owned(),
            2 => "return prefix + str(i) * 2".to_owned(),
            _ => "return '{0}.{1:03d}'.format(prefix, i)".to_owned(),
        };
        if draw.below(2) == 0 {
            self.line(indent, &format!("def {name}(i, prefix='vm'): {body}"));
        } else {
            let default = self.piece(draw, 1);
            self.line(indent, &format!("def {name}(i, prefix={default}):"));
            self.line(indent + 1, "\"what it is for\"");
            self.line(indent + 1, "if i < 0:\n".trim_end());
            self.line(indent + 2, "i = -i");
            self.line(indent + 1, "j = i // 2");
            self.line(indent + 1, "if j > 100: return 'many'");
            self.line(indent + 1, &body);
        }
        self.functions.push(name);
    }

    fn change(&mut self, draw: &mut Draw, indent: usize) {
        let line = match draw.below(7) {
            0 if !self.lists.is_empty() => {
                let list = self.lists[draw.below(self.lists.len())].clone();
                let text = self.piece(draw, 2);
                match draw.below(4) {
                    0 => format!("{list}.append({text})"),
                    1 => format!("{list}.extend([{text}])"),
                    2 => format!("{list}.insert({}, {text})", draw.below(3)),
                    _ => format!("{list} += [{text}]"),
                }
            }
            1 if !self.dicts.is_empty() => {
                let dict = self.dicts[draw.below(self.dicts.len())].clone();
                let key = draw.one(&["'a'", "'b'", "1", "(1, 2)", "'c'"]).to_owned();
                let value = self.int(draw, 2);
                format!("{dict}[{key}] = {value}")
            }
            2 if !self.texts.is_empty() => {
                let name = self.texts[draw.below(self.texts.len())].clone();
                let value = self.piece(draw, 2);
                format!("{name} += {value}")
            }
            3 if !self.numbers.is_empty() => {
                let name = self.numbers[draw.below(self.numbers.len())].clone();
                format!("{name}.sort()")
            }
            _ => {
                let name = self.ints[draw.below(self.ints.len())].clone();
                let sign = draw.one(&["+", "-", "*", "//", "%", "|", "&", "^"]);
                format!("{name} {sign}= {}", 1 + draw.below(9))
            }
        };
        self.line(indent, &line);
    }
}

/// The file with a few characters gone, doubled or put elsewhere.
pub fn damaged(seed: u64) -> String {
    let mut draw = Draw(Draws::of_seed(seed ^ 0xdead_beef));
    let mut text: Vec<char> = file(seed).chars().collect();
    for _ in 0..=draw.below(2) {
        let at = draw.below(text.len());
        match draw.below(4) {
            0 => drop(text.remove(at)),
            1 => text.insert(at, text[at]),
            2 => {
                let other = text[draw.below(text.len())];
                text[at] = other;
            }
            _ => {
                let signs: Vec<char> = "()[]{}'\",:=+%\n\t #\\".chars().collect();
                text.insert(at, signs[draw.below(signs.len())]);
            }
        }
    }
    text.into_iter().collect()
}
