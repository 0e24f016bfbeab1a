//! How things look on a terminal.

pub(crate) mod format;
pub(crate) mod style;
pub(crate) mod table;
