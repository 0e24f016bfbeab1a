//! Several ranges in one answer (RFC 9110 14.6).

use std::{fmt::Write as _, ops::Range};

use bytes::Bytes;

/// The text around the parts of a `multipart/byteranges`.
#[derive(Debug)]
pub(crate) struct Multipart {
    boundary: String,
    /// Before each part.
    pub(crate) heads: Vec<Bytes>,
    /// After the last.
    pub(crate) tail: Bytes,
}

impl Multipart {
    /// For `parts` of a representation of `size` bytes of `content_type`. `boundary` must not
    /// occur in it: it is random.
    pub(crate) fn new(
        parts: &[Range<u64>],
        size: u64,
        content_type: &str,
        boundary: String,
    ) -> Self {
        let heads = parts.iter().enumerate().map(|(nth, part)| {
            let mut head = if nth == 0 { String::new() } else { "\r\n".to_owned() };
            let _ = write!(
                head,
                "--{boundary}\r\nContent-Type: {content_type}\r\n\
                 Content-Range: {}\r\n\r\n",
                content_range(part, size)
            );
            head.into()
        });
        let heads = heads.collect();
        Self { heads, tail: format!("\r\n--{boundary}--\r\n").into(), boundary }
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Bytes besides those of the parts.
    pub(crate) fn overhead(&self) -> u64 {
        self.heads.iter().chain([&self.tail]).map(|text| text.len() as u64).sum()
    }
}

/// The value of Content-Range; `part` is not empty.
pub(crate) fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end - 1)
}
