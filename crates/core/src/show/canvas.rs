//! Paper of a fixed width to draw on. Nothing drawn outside of it stays, so no line can be wider
//! than was asked for, whatever the coordinates.

/// A grid of ASCII characters that grows downwards as it is drawn on.
pub(super) struct Canvas {
    width: usize,
    rows: Vec<Vec<char>>,
}

impl Canvas {
    /// Empty paper, `width` columns wide.
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            rows: Vec::new(),
        }
    }

    /// Draws one character; what was there is covered.
    pub(super) fn put(&mut self, x: usize, y: usize, c: char) {
        if x >= self.width {
            return;
        }
        while self.rows.len() <= y {
            self.rows.push(vec![' '; self.width]);
        }
        self.rows[y][x] = c;
    }

    /// What is drawn there; a blank where nothing is.
    pub(super) fn at(&self, x: usize, y: usize) -> char {
        self.rows
            .get(y)
            .and_then(|row| row.get(x))
            .copied()
            .unwrap_or(' ')
    }

    /// Writes a text from `x` on.
    pub(super) fn text(&mut self, x: usize, y: usize, text: &str) {
        for (i, c) in text.chars().enumerate() {
            self.put(x + i, y, c);
        }
    }

    /// Writes a text in the middle between two walls, with a blank at each.
    pub(super) fn centred(&mut self, left: usize, right: usize, y: usize, text: &str) {
        let room = right.saturating_sub(left + 3);
        let text = cut(text, room);
        self.text(left + 2 + (room - text.len()) / 2, y, &text);
    }

    /// A horizontal line of dashes with the given ends.
    pub(super) fn line(&mut self, left: usize, right: usize, y: usize, ends: char) {
        for x in left..=right {
            self.put(x, y, if x == left || x == right { ends } else { '-' });
        }
    }

    /// The outline of a box; what is inside of it stays.
    pub(super) fn outline(&mut self, left: usize, top: usize, right: usize, bottom: usize) {
        self.line(left, right, top, '.');
        for y in top + 1..bottom {
            self.put(left, y, '|');
            self.put(right, y, '|');
        }
        self.line(left, right, bottom, '\'');
    }

    /// A box with one name in each of its rows, `width` columns wide; covers what was there.
    pub(super) fn plate(&mut self, x: usize, y: usize, width: usize, names: &[String]) {
        for (i, name) in names.iter().enumerate() {
            let room = width.saturating_sub(4);
            let name = cut(name, room);
            self.text(x, y + 1 + i, &format!("| {name:<room$} |"));
        }
        self.outline(x, y, x + width - 1, y + 1 + names.len());
    }

    /// The drawing: no blanks at the ends of lines, one newline after each.
    pub(super) fn finish(self) -> String {
        let mut out = String::new();
        for row in self.rows {
            let line: String = row.into_iter().collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A name as it can be drawn: visible ASCII stays, all else becomes `?`. Guests and their owners
/// choose names, and no name may move a terminal's cursor.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect()
}

/// The text, or as much of it as fits with a `~` for the rest. Takes plain text.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(1)).collect();
    if room > 0 {
        short.push('~');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_past_the_edge() {
        let mut canvas = Canvas::new(6);
        canvas.plate(2, 0, 9, &["eth0".into()]);
        assert_eq!(canvas.finish(), "  .---\n  | et\n  '---\n");
    }

    #[test]
    fn names_are_cut_and_made_plain() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde~");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(plain("a\x1b[2Jb\u{e9}"), "a?[2Jb?");
    }
}
