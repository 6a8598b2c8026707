//! Texts: written, joined, formatted, cut.

use super::{Draw, Making};

impl Making {
    /// A text as it could be written.
    pub(super) fn literal(&mut self, draw: &mut Draw) -> String {
        draw.one(&[
            "'br0'",
            "\"xenbr0\"",
            "''",
            "'a b'",
            "'mac=' 'x'",
            "('one '\n    \"two\")",
            "r'\\d+\\n'",
            "'\\x41\\t\\\\'",
            "u'text'",
            "\"it's\"",
            "'say \"x\"'",
            "'''three\nlines'''",
            "'été'",
            "\"\"\"a 'b' \"c\" d\"\"\"",
            "'100%'",
            "'{}'",
            "'\\101\\0'",
            "'\\q'",
            "'long \\\nline'",
            "R'x'",
            "' padded '",
            "'A,b,,c'",
            "'\\'both\\\"'",
        ])
        .to_owned()
    }

    pub(super) fn piece(&mut self, draw: &mut Draw, depth: usize) -> String {
        if depth == 0 {
            return match draw.below(3) {
                0 if !self.texts.is_empty() => self.texts[draw.below(self.texts.len())].clone(),
                _ => self.literal(draw),
            };
        }
        let depth = depth - 1;
        let made = self.composed(draw, depth);
        match made.contains(" % ") {
            true => format!("({made})"),
            false => made,
        }
    }

    pub(super) fn composed(&mut self, draw: &mut Draw, depth: usize) -> String {
        match draw.below(25) {
            0..=2 => self.literal(draw),
            3 | 4 => format!(
                "({} + {})",
                self.piece(draw, depth),
                self.piece(draw, depth)
            ),
            5 => format!(
                "'{}' % {}",
                draw.one(&[
                    "%d", "%02x", "%5d|", "%-5d|", "%+d", "%X", "%#x", "%05i", "%s", "%r", "%o",
                    "%.3d", "% d"
                ]),
                self.int(draw, 0)
            ),
            6 => format!(
                "'%s{}%s' % ({}, {})",
                draw.one(&["", "-", "%%"]),
                self.piece(draw, depth),
                self.int(draw, depth)
            ),
            7 => format!(
                "'%{}' % {}",
                draw.one(&["s", "r", "10s", "-10s|", ".2s"]),
                self.piece(draw, 0)
            ),
            8 => format!(
                "'%(a)s:%(b)03d' % {{'a': {}, 'b': {}}}",
                self.piece(draw, depth),
                self.int(draw, depth)
            ),
            9 => format!(
                "'{{}}-{{}}'.format({}, {})",
                self.int(draw, depth),
                self.piece(draw, depth)
            ),
            10 => format!(
                "'{{1:{}}}{{0:{}}}'.format({}, {})",
                draw.one(&["02x", "d", "5", "<5", "^7", "*>6", "+d", "#x", "04X", "b"]),
                draw.one(&["s", "", ">8", "^9", "-<6", ".3"]),
                self.piece(draw, depth),
                self.int(draw, depth)
            ),
            11 => format!(
                "'{{x}}{{y!r}}{{{{}}}}'.format(x={}, y={})",
                self.int(draw, depth),
                self.piece(draw, depth)
            ),
            12 => format!("str({})", self.int(draw, depth)),
            13 => format!(
                "{}[{}:{}]",
                self.piece(draw, depth),
                draw.below(4),
                draw.one(&["", "3", "-1", "9"])
            ),
            14 => format!(
                "{}[::{}]",
                self.piece(draw, depth),
                draw.one(&["-1", "2", "-2"])
            ),
            15 => format!(
                "{}.join({})",
                draw.one(&["','", "''", "' - '"]),
                self.list(draw, depth)
            ),
            16 => format!(
                "{}.{}()",
                self.piece(draw, depth),
                draw.one(&["strip", "upper", "lower", "lstrip", "rstrip"])
            ),
            17 => format!(
                "{}.replace({}, {})",
                self.piece(draw, depth),
                draw.one(&["'a'", "'br'", "' '"]),
                self.literal(draw)
            ),
            18 => format!(
                "{}.{}({})",
                self.piece(draw, depth),
                draw.one(&["zfill", "rjust", "ljust"]),
                draw.below(12)
            ),
            19 => format!("({} * {})", self.piece(draw, depth), draw.below(3)),
            20 if !self.functions.is_empty() => {
                let name = self.functions[draw.below(self.functions.len())].clone();
                match draw.below(2) {
                    0 => format!("{name}({})", self.int(draw, depth)),
                    _ => format!(
                        "{name}({}, prefix={})",
                        self.int(draw, depth),
                        self.piece(draw, depth)
                    ),
                }
            }
            21 => format!(
                "{}({})",
                draw.one(&["hex", "repr", "str"]),
                self.int(draw, 0)
            ),
            22 => format!(
                "({} if {} else {})",
                self.piece(draw, depth),
                self.condition(draw, depth),
                self.piece(draw, depth)
            ),
            23 => format!(
                "('%s' % ({},) or {})",
                self.piece(draw, depth),
                self.piece(draw, depth)
            ),
            _ => format!(
                "'{}' % {}",
                draw.one(&["%.2f", "%f", "%e", "%g", "%6.1f", "%s", "%r", "%d"]),
                draw.one(&["1.5", "0.1", "100.0", "1e20", "2.5e-7", "3.0", "123456.789"])
            ),
        }
    }
}
