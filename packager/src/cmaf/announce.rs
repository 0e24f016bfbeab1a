//! What may stand between `styp` and `moof` of a segment (ISO/IEC 23000-19 7.3.2.3): when it was made,
//! and events.

use bytes::Bytes;

use crate::{
    PackagerError,
    boxes::{BoxWriter, emsg, prft},
};

/// Bytes of the text and the message of an event, at most.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// What a clock said when a segment was made (`prft`, ISO/IEC 14496-12 8.16.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerTime {
    /// Of which moment.
    pub moment: Moment,
    /// Time of day as NTP has it: seconds from 1900 in the upper 32 bits, a fraction in the lower.
    pub ntp: u64,
    /// When the first picture or frame of the segment is shown, ticks of the track.
    pub media_time: u64,
}

/// The moment that a clock told of; the values are the box's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The first sample went into the encoder.
    EncoderInput = 0,
    /// The first sample came out of the encoder.
    EncoderOutput = 1,
    /// The `moof` was complete.
    Finalized = 2,
    /// The `moof` was written.
    Written = 4,
}

/// An event that players hand to the page (`emsg`, ISO/IEC 23009-1 5.10.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// What kind it is, a URI.
    pub scheme_id_uri: &'a str,
    /// What the scheme makes of it; may be empty.
    pub value: &'a str,
    /// Ticks a second; CMAF wants that of the track.
    pub timescale: u32,
    /// When it begins, ticks from the start of the presentation.
    pub presentation_time: u64,
    /// How long it lasts, ticks; `None` where that is not known.
    pub duration: Option<u32>,
    /// The same in all copies of the event, which may stand in several segments.
    pub id: u32,
    /// What it says.
    pub message: &'a [u8],
}

/// The segment with boxes before its `moof`; nothing in it counts from before that.
///
/// A DASH player looks for events of schemes only that an `InbandEventStream` of the MPD names, which
/// ours do not.
///
/// # Errors
/// When it does not begin with `styp` (as those of [`super::segment`] do), the timescale of an event is 0,
/// or its texts hold NUL or take more than [`MAX_EVENT_BYTES`] with its message.
pub fn announce(
    segment: &[u8],
    produced: Option<ProducerTime>,
    events: &[Event<'_>],
) -> Result<Bytes, PackagerError> {
    events.iter().try_for_each(check)?;
    let head = match segment.first_chunk::<8>() {
        Some([a, b, c, d, b's', b't', b'y', b'p']) => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
        _ => 0,
    };
    let parted = segment.split_at_checked(head).filter(|(styp, _)| styp.len() >= 8);
    let (styp, fragment) = parted.ok_or(PackagerError::NoSegmentType)?;
    let texts: usize = events.iter().map(length).sum();
    let mut w = BoxWriter::with_capacity(segment.len() + 32 * (1 + events.len()) + texts);
    w.bytes(styp);
    if let Some(ProducerTime { moment, ntp, media_time }) = produced {
        prft::write(&mut w, moment as u32, ntp, media_time);
    }
    events.iter().for_each(|event| emsg::write(&mut w, event));
    w.bytes(fragment);
    Ok(w.finish())
}

fn length(event: &Event<'_>) -> usize {
    [event.scheme_id_uri.len(), event.value.len(), event.message.len()]
        .into_iter()
        .fold(0, usize::saturating_add)
}

fn check(event: &Event<'_>) -> Result<(), PackagerError> {
    let out_of_range =
        |property, value, min, max| Err(PackagerError::OutOfRange { property, value, min, max });
    if event.timescale == 0 {
        return out_of_range("timescale of an event", 0, 1, u64::from(u32::MAX));
    }
    if length(event) > MAX_EVENT_BYTES {
        let bytes = length(event) as u64;
        return out_of_range("bytes of an event", bytes, 0, MAX_EVENT_BYTES as u64);
    }
    let has_nul = |text: &str| text.contains('\0');
    if has_nul(event.scheme_id_uri) || has_nul(event.value) {
        return Err(PackagerError::EventText);
    }
    Ok(())
}
