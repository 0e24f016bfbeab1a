//! The memory of one channel's screen, and what of it WebVTT can say.

use std::fmt::Write as _;

pub(super) const ROWS: usize = 15;
pub(super) const COLUMNS: usize = 32;
/// Captions that end above this row are placed; others are at the bottom, where players put text.
const BOTTOM_ROW: usize = 11;

/// How characters look, of what WebVTT keeps without a style sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) italic: bool,
    pub(super) underline: bool,
}

type Row = [Option<(char, Style)>; COLUMNS];

/// Characters in their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Screen {
    rows: [Row; ROWS],
}

impl Default for Screen {
    fn default() -> Self {
        Self { rows: [[None; COLUMNS]; ROWS] }
    }
}

impl Screen {
    /// Writes into a place, which is on the screen.
    pub(super) fn write(&mut self, row: usize, column: usize, c: char, style: Style) {
        self.rows[row][column] = Some((c, style));
    }

    /// Clears a row from this column on.
    pub(super) fn clear_row(&mut self, row: usize, column: usize) {
        self.rows[row][column..].fill(None);
    }

    /// Clears one place.
    pub(super) fn erase(&mut self, row: usize, column: usize) {
        self.rows[row][column] = None;
    }

    /// Moves up a window of `depth` rows that ends with `base`; what was above it is gone.
    pub(super) fn roll(&mut self, base: usize, depth: usize) {
        let top = (base + 1).saturating_sub(depth);
        self.rows[..top].fill([None; COLUMNS]);
        self.rows[top..=base].rotate_left(1);
        self.rows[base] = [None; COLUMNS];
    }

    /// Moves a window of `depth` rows so that it ends with `base`.
    pub(super) fn move_window(&mut self, from: usize, base: usize, depth: usize) {
        let old = std::mem::take(self);
        for up in 0..depth.min(from + 1).min(base + 1) {
            self.rows[base - up] = old.rows[from - up];
        }
    }

    /// Lines with markup, and a cue's settings that place them; `None` if nothing is shown.
    pub(super) fn text(&self) -> Option<(String, String)> {
        let written = |row: &Row| row.iter().flatten().any(|(c, _)| !c.is_whitespace());
        let first = self.rows.iter().position(written)?;
        let last = self.rows.iter().rposition(written)?;
        let rows = self.rows[first..=last].iter().filter(|row| written(row));
        let text = rows.map(line).collect::<Vec<_>>().join("\n");
        // Rows lie in the middle four fifths of the picture.
        let percent = 10 + first * 80 / ROWS;
        let settings = if last < BOTTOM_ROW { format!("line:{percent}%") } else { String::new() };
        Some((text, settings))
    }
}

fn line(row: &Row) -> String {
    let visible = |place: &Option<(char, Style)>| place.is_some_and(|(c, _)| !c.is_whitespace());
    let first = row.iter().position(visible).unwrap_or_default();
    let last = row.iter().rposition(visible).unwrap_or_default();
    let (mut line, mut now) = (String::new(), Style::default());
    for place in &row[first..=last] {
        // Between words a place nobody wrote into is a space, and looks like what is around it.
        let (c, style) = place.unwrap_or((' ', now));
        if style != now {
            close(&mut line, now);
            line.push_str(if style.italic { "<i>" } else { "" });
            line.push_str(if style.underline { "<u>" } else { "" });
            now = style;
        }
        match c {
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '&' => line.push_str("&amp;"),
            c => write!(line, "{c}").expect("a string takes what it is given"),
        }
    }
    close(&mut line, now);
    line
}

fn close(line: &mut String, style: Style) {
    line.push_str(if style.underline { "</u>" } else { "" });
    line.push_str(if style.italic { "</i>" } else { "" });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(screen: &mut Screen, row: usize, column: usize, text: &str, style: Style) {
        for (at, c) in text.chars().enumerate() {
            screen.write(row, column + at, c, style);
        }
    }

    #[test]
    fn looks_and_place_are_kept() {
        let mut screen = Screen::default();
        assert_eq!(screen.text(), None);
        let italic = Style { italic: true, underline: false };
        put(&mut screen, 3, 4, "a < b ", Style::default());
        put(&mut screen, 3, 11, "then ", italic);
        put(&mut screen, 4, 8, "c", Style { italic: true, underline: true });
        let text = "a &lt; b  <i>then</i>\n<i><u>c</u></i>".to_owned();
        assert_eq!(screen.text(), Some((text, "line:26%".to_owned())));
        screen.write(14, 0, 'x', italic);
        assert_eq!(screen.text().map(|(_, settings)| settings), Some(String::new()));
    }

    #[test]
    fn windows_roll_and_move() {
        let mut screen = Screen::default();
        for (row, text) in ["old", "one", "two"].into_iter().enumerate() {
            put(&mut screen, 12 + row, 0, text, Style::default());
        }
        screen.roll(14, 2);
        assert_eq!(screen.text().unwrap().0, "two");
        put(&mut screen, 14, 0, "three", Style::default());
        screen.move_window(14, 1, 2);
        assert_eq!(screen.text().unwrap(), ("two\nthree".to_owned(), "line:10%".to_owned()));
        // A window that does not fit above its base shows what fits.
        screen.move_window(1, 0, 4);
        assert_eq!(screen.text().unwrap().0, "three");
        screen.roll(0, 4);
        assert_eq!(screen.text(), None);
    }
}
