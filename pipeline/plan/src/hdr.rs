//! How bright HDR sources are taken to be, settled once a title: chunks that mapped their light
//! differently would not join.

use crate::{VideoStream, Warning};

/// The peak of PQ pictures that do not say how bright they get, cd/m²: what most are graded on.
pub const ASSUMED_PEAK_NITS: u32 = 1000;

/// The stream with its peak settled; a note where it had to be assumed.
pub(crate) fn settle(stream: &VideoStream) -> (VideoStream, Option<Warning>) {
    let mut stream = stream.clone();
    if !stream.hdr || stream.peak_nits.is_some() {
        return (stream, None);
    }
    stream.peak_nits = Some(ASSUMED_PEAK_NITS);
    let message = format!(
        "The file does not say how bright its HDR picture gets; it was brought to SDR as one that \
         reaches {ASSUMED_PEAK_NITS} cd/m²."
    );
    (stream, Some(Warning { code: "hdr_peak_assumed".to_owned(), message }))
}
