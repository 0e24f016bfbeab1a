//! Aligned columns without lines, as `ps` and `gh` print them. On a terminal one column gives way
//! so that rows stay on one line; elsewhere nothing is cut.

use std::io::{self, Write};

use console::{Alignment, Style, Term, measure_text_width, pad_str, truncate_str};

use super::format;

const GAP: usize = 2;
/// What is left of the column that gives way.
const LEAST: usize = 8;

/// One field of a row.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: format::line(text.as_ref()), style: Style::new() }
    }

    pub(crate) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    pub(crate) fn dim(text: impl AsRef<str>) -> Self {
        Self::new(text).styled(Style::new().dim())
    }
}

/// Rows under a heading.
pub(crate) struct Table {
    heads: &'static [&'static str],
    gives_way: usize,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// `gives_way` is the column that is cut where the terminal is too narrow.
    pub(crate) fn new(heads: &'static [&'static str], gives_way: usize) -> Self {
        Self { heads, gives_way, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.heads.len());
        self.rows.push(cells);
    }

    pub(crate) fn print(&self) -> io::Result<()> {
        let term = Term::stdout();
        let width = term.is_term().then(|| usize::from(term.size().1));
        write!(io::stdout().lock(), "{}", self.render(width))
    }

    fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let heading = Style::new().dim();
        let heads = self.heads.iter().map(|head| (*head, &heading));
        let mut text = line(heads, &widths);
        for row in &self.rows {
            text += &line(row.iter().map(|cell| (cell.text.as_str(), &cell.style)), &widths);
        }
        text
    }

    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let column = |index: usize| {
            let cells = self.rows.iter().map(|row| measure_text_width(&row[index].text));
            cells.chain([self.heads[index].len()]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.heads.len()).map(column).collect();
        let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
        if let Some(excess) = width.and_then(|width| total.checked_sub(width)) {
            let flexible = &mut widths[self.gives_way];
            *flexible = flexible.saturating_sub(excess).max(LEAST.min(*flexible));
        }
        widths
    }
}

fn line<'c>(cells: impl Iterator<Item = (&'c str, &'c Style)>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (index, ((text, style), width)) in cells.zip(widths).enumerate() {
        let text = truncate_str(text, *width, "…");
        let last = index + 1 == widths.len();
        let padding = if last { 0 } else { width + GAP - measure_text_width(&text) };
        line += &style.apply_to(&text).to_string();
        line += &pad_str("", padding, Alignment::Left, None);
    }
    format!("{}\n", line.trim_end())
}

/// Names and values, one a line; values that are empty are left out.
pub(crate) fn print_fields(title: &str, fields: &[(&str, Cell)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", Style::new().bold().apply_to(format::line(title)))?;
    let shown = || fields.iter().filter(|(_, cell)| !cell.text.is_empty());
    let width = shown().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, cell) in shown() {
        let name = Style::new().dim().apply_to(format!("{name:<width$}"));
        writeln!(out, "  {name}  {}", cell.style.apply_to(&cell.text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["ID", "TITLE", "STATE"], 1);
        table.row(vec![Cell::new("1"), Cell::new("A film with a long title"), Cell::new("ready")]);
        table.row(vec![Cell::new("22"), Cell::new("映画"), Cell::new("failed")]);
        table
    }

    #[test]
    fn columns_line_up() {
        let expected = "ID  TITLE                     STATE\n\
                        1   A film with a long title  ready\n\
                        22  映画                      failed\n";
        assert_eq!(table().render(None), expected);
    }

    #[test]
    fn one_column_gives_way_to_the_terminal() {
        let text = table().render(Some(24));
        assert_eq!(text.lines().nth(1), Some("1   A film with…  ready"));
        assert!(text.lines().all(|line| measure_text_width(line) <= 24), "{text}");
    }
}
