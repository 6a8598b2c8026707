//! Lists, dictionaries, and values of no kind in particular.

use super::{Draw, Making};

impl Making {
    pub(super) fn list(&mut self, draw: &mut Draw, depth: usize) -> String {
        match draw.below(10) {
            0 if !self.lists.is_empty() => self.lists[draw.below(self.lists.len())].clone(),
            1 => format!("[{}, {}]", self.piece(draw, depth), self.piece(draw, depth)),
            2 => format!(
                "[ {},\n    {},  # more\n  ]",
                self.piece(draw, depth),
                self.piece(draw, depth)
            ),
            3 => format!(
                "['eth%d' % i for i in {}]",
                self.numbers(draw, depth.min(1))
            ),
            4 => "['%d%s' % (i, c) for i in range(3) if i != 1 for c in 'ab']".to_owned(),
            5 => format!(
                "{}.split({})",
                self.piece(draw, depth),
                draw.one(&["','", "", "' '", "'a'", "',', 1"])
            ),
            6 => format!(
                "sorted([{}, {}])",
                self.piece(draw, depth),
                self.piece(draw, depth)
            ),
            7 => format!(
                "sorted({}, key=lambda s, most={}: len(s) % (most + 1))",
                self.list(draw, depth.saturating_sub(1)),
                draw.below(5)
            ),
            8 => format!(
                "list(map(lambda s: s + {}, {}))",
                self.piece(draw, 0),
                self.list(draw, depth.saturating_sub(1))
            ),
            _ => format!("([{}] + ['x'] * 2)", self.piece(draw, depth)),
        }
    }

    pub(super) fn numbers(&mut self, draw: &mut Draw, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        match draw.below(7) {
            0 if !self.numbers.is_empty() => self.numbers[draw.below(self.numbers.len())].clone(),
            1 => format!("list(range({}))", draw.below(6)),
            2 => format!("[i * {} for i in range(4)]", self.int(draw, depth)),
            3 => format!(
                "sorted([{}, {}, 5], reverse=True)",
                self.int(draw, depth),
                self.int(draw, depth)
            ),
            4 => format!("[len(s) for s in {}]", self.list(draw, depth)),
            5 => format!(
                "list(reversed([{}, {}]))",
                self.int(draw, depth),
                self.int(draw, depth)
            ),
            _ => format!(
                "[{}, {}, 2][0:{}]",
                self.int(draw, depth),
                self.int(draw, depth),
                1 + draw.below(3)
            ),
        }
    }

    pub(super) fn dict(&mut self, draw: &mut Draw) -> String {
        match draw.below(4) {
            0 => format!("{{'a': {}, 'b': 2, 1: 3}}", self.int(draw, 1)),
            1 => "dict(a=1, b='x')".to_owned(),
            2 => format!("dict([('a', {}), ('b', 1)])", self.int(draw, 1)),
            _ => "{}".to_owned(),
        }
    }

    pub(super) fn anything(&mut self, draw: &mut Draw) -> String {
        match draw.below(14) {
            0 => "None".to_owned(),
            1 => self.condition(draw, 2),
            2 => draw
                .one(&[
                    "1.5",
                    "-0.25",
                    "1e3",
                    "1.0 / 4",
                    "2 ** 0.5",
                    "7.0 // 2",
                    "float('1.5') * 3",
                    "1e-5",
                    "1e16",
                    "123456789.0",
                ])
                .to_owned(),
            3 => format!("({}, {})", self.int(draw, 1), self.piece(draw, 1)),
            4 => "()".to_owned(),
            5 => format!("({},)", self.piece(draw, 1)),
            6 => format!("list(zip([1, 2, 3], {}))", self.list(draw, 1)),
            7 => format!("list(enumerate({}))", self.list(draw, 1)),
            8 => format!(
                "[{}, [{}], None, True]",
                self.int(draw, 1),
                self.piece(draw, 1)
            ),
            9 => "sorted({'b': 1, 'a': 2}.items())".to_owned(),
            10 => format!(
                "{{'a': [1, {}]}}.get({}, 'none')",
                self.int(draw, 1),
                draw.one(&["'a'", "'z'"])
            ),
            11 => format!("(lambda_free, {})[0]", self.int(draw, 1)).replace("lambda_free", "1"),
            12 => format!("{}.partition_free", self.piece(draw, 0))
                .replace(".partition_free", ".find('0')"),
            _ => format!("abs({}) % 7 ** 2", self.int(draw, 1)),
        }
    }
}
