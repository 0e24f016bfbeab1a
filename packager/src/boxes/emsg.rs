//! Event message (23009-1 5.10.3.3).

use super::BoxWriter;
use crate::cmaf::Event;

/// A duration that is not known.
const UNKNOWN: u32 = u32::MAX;

/// Version 1: the time is one of the presentation, not of the segment.
pub(crate) fn write(w: &mut BoxWriter, event: &Event<'_>) {
    w.full_box(b"emsg", 1, 0, |w| {
        w.u32(event.timescale);
        w.u64(event.presentation_time);
        w.u32(event.duration.unwrap_or(UNKNOWN));
        w.u32(event.id);
        for text in [event.scheme_id_uri, event.value] {
            w.bytes(text.as_bytes());
            w.u8(0);
        }
        w.bytes(event.message);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_with_nul_and_the_message_with_the_box() {
        let event = Event {
            scheme_id_uri: "urn:x",
            value: "",
            timescale: 1000,
            presentation_time: 7,
            duration: None,
            id: 2,
            message: b"hi",
        };
        assert_eq!(
            crate::boxes::written(|w| write(w, &event)),
            b"\0\0\0\x29emsg\x01\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\0\x07\xff\xff\xff\xff\0\0\0\x02urn:x\0\0hi"
        );
    }
}
