//! One stream of the source, decoded on demand.
//!
//! [`Decoding`] decodes one stream, picture or sound, and no other. [`VideoFrames`] puts its
//! pictures on the frame grid.

mod clock;
mod decoders;
mod gate;
mod grid;
mod link;
mod stream;
mod video;

pub use clock::stream_time;
pub(crate) use decoders::preferred;
pub use stream::Decoding;
pub(crate) use video::entry_point;
pub use video::{Accounting, GridFrame, VideoFrames};
