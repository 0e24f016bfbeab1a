//! How far encodes are: what is known only in memory, and what people are shown.

mod live;
mod place;
pub(crate) mod view;

pub(crate) use live::Live;
