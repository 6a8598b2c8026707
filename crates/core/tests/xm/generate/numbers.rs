//! Whole numbers and conditions.

use super::{Draw, Making};

impl Making {
    pub(super) fn condition(&mut self, draw: &mut Draw, depth: usize) -> String {
        if depth == 0 {
            return draw
                .one(&["True", "vmid", "vmid == 3", "0", "''", "not vmid", "None"])
                .to_owned();
        }
        match draw.below(8) {
            0 => format!(
                "{} {} {}",
                self.int(draw, 1),
                draw.one(&["<", "<=", "==", "!=", ">", ">="]),
                self.int(draw, 1)
            ),
            1 => format!("{} in {}", self.piece(draw, 1), self.piece(draw, 1)),
            2 => format!("{} not in {}", self.piece(draw, 1), self.list(draw, 1)),
            3 => format!(
                "({}) and {}",
                self.condition(draw, depth - 1),
                self.condition(draw, depth - 1)
            ),
            4 => format!(
                "{} or not ({})",
                self.condition(draw, depth - 1),
                self.condition(draw, depth - 1)
            ),
            5 => format!("0 < {} < 200", self.int(draw, 1)),
            6 => format!(
                "{}.startswith({})",
                self.piece(draw, 1),
                self.piece(draw, 1)
            ),
            _ => self.condition(draw, depth - 1),
        }
    }

    pub(super) fn int(&mut self, draw: &mut Draw, depth: usize) -> String {
        let simple = draw.below(300).to_string();
        if depth == 0 {
            return match draw.below(5) {
                0 => draw.one(&["0x1F", "0o17", "0b101", "0", "7"]).to_owned(),
                1 | 2 => self.ints[draw.below(self.ints.len())].clone(),
                _ => simple,
            };
        }
        let depth = depth - 1;
        match draw.below(15) {
            0..=2 => simple,
            3..=5 => {
                let sign = draw.one(&["+", "-", "*", "|", "&", "^"]);
                format!(
                    "({} {sign} {})",
                    self.int(draw, depth),
                    self.int(draw, depth)
                )
            }
            6 => format!(
                "{} {} {}",
                self.int(draw, 0),
                draw.one(&["//", "%", ">>", "<<"]),
                1 + draw.below(9)
            ),
            7 => format!("len({})", self.piece(draw, depth)),
            8 => format!("-{}", self.int(draw, 0)),
            9 => format!(
                "int('{}', {})",
                draw.below(20),
                draw.one(&["10", "16", "8 + 4"])
            ),
            10 => format!(
                "({} if {} else {})",
                self.int(draw, depth),
                self.condition(draw, depth),
                self.int(draw, depth)
            ),
            11 => format!(
                "{}({})",
                draw.one(&["max", "min"]),
                format_args!("{}, {}", self.int(draw, depth), self.int(draw, depth))
            ),
            12 => format!("sum({})", self.numbers(draw, depth)),
            13 => format!(
                "{}.count('{}')",
                self.piece(draw, depth),
                draw.one(&["a", "0", "br"])
            ),
            _ => format!("ord({})", draw.one(&["'a'", "chr(98)", "'é'", "'abc'[1]"])),
        }
    }
}
