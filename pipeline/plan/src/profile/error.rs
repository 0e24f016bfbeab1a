//! What is wrong with a profile, said so that it can be mended.

use std::fmt;
use std::ops::Range;

/// A profile that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// What its file is called.
    pub file: String,
    /// In the order of the file; never empty.
    pub faults: Vec<ProfileFault>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    /// Counts from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The key's path, `video.steps[1].crf`; empty where it is not about one.
    pub key: String,
    /// What was wrong, and what is expected.
    pub message: String,
    /// The line itself.
    pub excerpt: String,
    /// How many characters from the column on are meant.
    pub length: usize,
}

impl ProfileFault {
    pub(super) fn new(text: &str, span: Range<usize>, key: String, message: String) -> Self {
        let start = (0..=span.start.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
        let start = start.unwrap_or(0);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let excerpt = text[line_start..].lines().next().unwrap_or_default();
        let column = text[line_start..start].chars().count() + 1;
        let meant = text.get(start..span.end.min(text.len())).unwrap_or_default();
        let left = (excerpt.chars().count() + 1).saturating_sub(column).max(1);
        Self {
            line: text[..line_start].matches('\n').count() + 1,
            column,
            key,
            message,
            length: meant.lines().next().unwrap_or_default().chars().count().clamp(1, left),
            excerpt: excerpt.to_owned(),
        }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let ProfileFault { line, column, key, message, excerpt, length } = fault;
            write!(f, "{}:{line}:{column}: ", self.file)?;
            if !key.is_empty() {
                write!(f, "{key}: ")?;
            }
            let margin = " ".repeat(line.to_string().len());
            // Tabs stay tabs, so that the caret stands where the terminal puts the text.
            let before = excerpt.chars().take(column - 1);
            let indent: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
            let carets = "^".repeat(*length);
            write!(f, "{message}\n {margin} |\n {line} | {excerpt}\n {margin} | {indent}{carets}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileError {}
