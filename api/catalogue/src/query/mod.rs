//! What can be asked of the catalogue. Nothing here writes.

pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod playback;
pub(crate) mod video;
pub(crate) mod view;
