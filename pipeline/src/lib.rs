//! The media child: everything that touches GStreamer.
//!
//! `kinora-encoder` is started by a worker for one task, reads its source through the socket the
//! worker gave it, writes its files and reports in JSON lines. Media is hostile input, so all of
//! it is parsed here, in a process with limits, and nowhere else.
//!
//! - [`source`] reads ranges of the source and shows them to GStreamer as a seekable element.
//! - [`decode`] turns one stream of it into frames on the frame grid.
//! - [`chunk`] scales and encodes those frames into every rung and packages the result.
//! - [`gpu`] finds graphics processors, proves them, and says what a pipeline on one is made of.
//! - [`audio`] encodes one soundtrack from end to end.
//! - [`pictures`] makes the poster and the storyboard.
//! - [`text`] makes WebVTT of embedded subtitles.
//! - [`probe`] says what a source holds.
//! - `captions` reads the CEA-608 captions that pictures carry, for both.
//! - `tone` makes SDR of HDR, on the way from decoders to all of these.
//! - [`analyse`] encodes samples and judges them, where quality sets the bits.
//! - [`sample`] generates a clip to try things with, [`live`] a live stream.
//! - [`sandbox`] is what the kernel keeps the process from.
//! - [`child`] is the process's side: messages on standard output, limits.

pub mod analyse;
pub mod audio;
mod avc;
mod bus;
mod captions;
pub mod child;
pub mod chunk;
mod coded;
pub mod decode;
mod error;
pub mod gpu;
pub mod live;
pub mod pictures;
pub mod probe;
pub mod sample;
pub mod sandbox;
pub mod source;
pub mod text;
mod tone;

pub use error::PipelineError;
