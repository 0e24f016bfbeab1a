//! Resumable uploads over tus 1.0.0 (<https://tus.io/protocols/resumable-upload>).
//!
//! The life of an upload: [`crate::Client::create_upload`] reserves it; an [`Uploader`] asks for
//! the offset, sends from there in chunks straight from the file, and after every fault asks
//! again. The server's offset is the only truth, so a new process with the same address goes on
//! where a killed one stopped.

mod body;
mod source;
mod tus;
mod uploader;

pub use tus::{NewUpload, Upload};
pub use uploader::{Transfer, Uploader};
