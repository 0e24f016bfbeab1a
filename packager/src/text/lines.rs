//! Numbered lines and the blocks that empty lines part.

use super::{TextError, error::excerpt};

/// What stands between the times of a cue.
pub(super) const ARROW: &str = "-->";

/// A line and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Without its end.
    pub(super) text: &'a str,
}

impl Line<'_> {
    pub(super) fn is_timing(self) -> bool {
        self.text.contains(ARROW)
    }
}

/// The lines of a text; they end with LF, CR LF or CR.
pub(super) fn numbered(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        lines.push(Line { number: lines.len() + 1, text: &rest[..end] });
        let after = &rest[end..];
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    lines
}

/// A block: lines without an empty one between, its timing if it is a cue.
#[derive(Debug)]
pub(super) struct Block<'l, 'a> {
    /// What stands before the timing, at most one line.
    pub(super) id: Option<Line<'a>>,
    /// Present in cues.
    pub(super) timing: Option<Line<'a>>,
    /// All lines after the timing, or all.
    pub(super) body: &'l [Line<'a>],
}

/// Splits lines at those that `parts`: empty ones in WebVTT, in SubRip those of blanks too.
///
/// # Errors
/// When a timing stands where no cue can begin.
pub(super) fn blocks<'l, 'a>(
    lines: &'l [Line<'a>],
    parts: impl Fn(&Line<'_>) -> bool,
) -> Result<Vec<Block<'l, 'a>>, TextError> {
    lines
        .split(parts)
        .filter(|lines| !lines.is_empty())
        .map(|lines| {
            let block = match lines {
                [timing, body @ ..] if timing.is_timing() => {
                    Block { id: None, timing: Some(*timing), body }
                }
                [id, timing, body @ ..] if timing.is_timing() => {
                    Block { id: Some(*id), timing: Some(*timing), body }
                }
                body => Block { id: None, timing: None, body },
            };
            match block.body.iter().find(|line| line.is_timing()) {
                Some(line) => Err(TextError::NotSeparated { line: line.number }),
                None => Ok(block),
            }
        })
        .collect()
}

/// The error for a block that should have been a cue.
pub(super) fn no_timing(block: &Block<'_, '_>) -> TextError {
    let (line, found) = block.body.first().map_or((1, ""), |line| (line.number, line.text));
    TextError::NoTiming { line, found: excerpt(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_three_ways() {
        let texts: Vec<_> =
            numbered("a\nb\r\nc\rd\n\n").iter().map(|l| (l.number, l.text)).collect();
        assert_eq!(texts, [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "")]);
    }

    #[test]
    fn empty_lines_part_blocks() {
        let lines = numbered("note\n\n \n7\n0 --> 1\ntext\n\n0 --> 2");
        let blocks = blocks(&lines, |line| line.text.trim().is_empty()).unwrap();
        assert_eq!(blocks.len(), 3);
        assert_eq!(blocks[1].id.unwrap().text, "7");
        assert_eq!(blocks[1].body.len(), 1);
        assert_eq!(blocks[2].timing.unwrap().number, 8);
    }
}
