//! What can be wrong with a file.

use std::fmt;

/// Why a file could not be read: which box, where in the file, and what about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}byte {offset}: {problem}", Path(path))]
pub struct ReadError {
    /// The boxes from the top down: `moov/trak/mdia/minf/stbl/stsz`. Empty before the first box.
    pub path: String,
    /// Where in the file, bytes: the box that is wrong, or the field where that is known.
    pub offset: u64,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a box.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It ends before what it says it holds.
    #[error("cut short: {needed} bytes are needed and {left} are left")]
    Cut {
        /// Bytes that the next field or box takes.
        needed: u64,
        /// Bytes there are.
        left: u64,
    },
    /// A size smaller than the box's own header.
    #[error("a box of {0} bytes cannot be")]
    Size(u64),
    /// More of something than is ever needed.
    #[error("{count} {what}, and at most {max} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many may be.
        max: u64,
    },
    /// A box that must be there is not.
    #[error("there is no {0} box")]
    Missing(&'static str),
    /// A value that the standard does not allow.
    #[error("{what} cannot be {value}")]
    Value {
        /// Which field.
        what: &'static str,
        /// What it says.
        value: u64,
    },
    /// Tables that contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// Media that the file does not hold.
    #[error("a sample of {size} bytes lies at byte {offset}, beyond the end of the file")]
    Outside {
        /// Where it would be.
        offset: u64,
        /// Its bytes.
        size: u64,
    },
    /// Something that is not read on purpose.
    #[error("{0} is not read")]
    Unsupported(&'static str),
}

impl ReadError {
    pub(crate) fn new(offset: u64, problem: Problem) -> Self {
        Self { path: String::new(), offset, problem }
    }

    /// The same, inside the box `code`.
    pub(crate) fn within(mut self, code: [u8; 4]) -> Self {
        let slash = if self.path.is_empty() { "" } else { "/" };
        self.path = format!("{}{slash}{}", super::code_text(code), self.path);
        self
    }
}

struct Path<'a>(&'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{} at ", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_path_from_the_top_and_the_place() {
        let error = ReadError::new(40, Problem::Cut { needed: 4, left: 2 });
        assert_eq!(
            error.clone().within(*b"stsz").within(*b"stbl").to_string(),
            "stbl/stsz at byte 40: cut short: 4 bytes are needed and 2 are left"
        );
        assert!(error.to_string().starts_with("byte 40: "));
        assert!(error.within([0, b'a', 0xff, b'b']).path.is_ascii());
    }
}
