//! The element that demuxes a source, and transport streams that are not recognised as such.

use gst::prelude::*;
use gstreamer as gst;

use super::{Source, avi, matroska};
use crate::PipelineError;

/// Media type of transport streams (ISO/IEC 13818-1).
pub(crate) const TRANSPORT_STREAM: &str = "video/mpegts";
/// What every packet begins with (13818-1 2.4.3.2).
const SYNC_BYTE: u8 = 0x47;
/// Bytes from packet to packet: alone, or behind a time stamp of four bytes (Blu-ray, AVCHD).
const PACKET_BYTES: [usize; 2] = [188, 192];
/// Bytes that are looked at.
const HEAD_BYTES: usize = 64 << 10;
/// Packets that must be there, and how many of ten must begin as they should.
const LEAST_PACKETS: usize = 20;
const SOUND_OF_TEN: usize = 9;

impl Source {
    /// A demuxer for an element of [`Self::element`].
    ///
    /// # Errors
    /// [`PipelineError::MissingElement`].
    pub(crate) fn demuxer(&self) -> Result<gst::Element, PipelineError> {
        let demuxer = gst::ElementFactory::make("parsebin")
            .build()
            .map_err(|_| PipelineError::MissingElement("parsebin"))?;
        matroska::keep_times(&demuxer);
        avi::order_pictures(&demuxer);
        if let Some(packet_bytes) = self.transport_packet_bytes() {
            let caps = gst::Caps::builder(TRANSPORT_STREAM)
                .field("systemstream", true)
                .field("packetsize", i32::try_from(packet_bytes).unwrap_or(188))
                .build();
            demuxer.set_property("sink-caps", caps);
        }
        Ok(demuxer)
    }

    /// The length of the packets if this is a transport stream. GStreamer's own finder wants a few
    /// sound packets in a row near the beginning; where some are damaged it takes the file for the
    /// bare pictures that begin somewhere in it, and most of them and all sound are lost.
    pub(crate) fn transport_packet_bytes(&self) -> Option<usize> {
        // A source that cannot be read says so to whoever reads it next.
        let head = self.read(0, HEAD_BYTES).ok()?;
        PACKET_BYTES.into_iter().find(|packet_bytes| is_transport_stream(&head, *packet_bytes))
    }
}

/// Whether nearly every packet begins with the sync byte, wherever the first begins.
fn is_transport_stream(head: &[u8], packet_bytes: usize) -> bool {
    (0..packet_bytes).any(|first| {
        let beginnings = head.iter().skip(first).step_by(packet_bytes);
        let (mut sound, mut all) = (0, 0);
        for byte in beginnings {
            all += 1;
            sound += usize::from(*byte == SYNC_BYTE);
        }
        all >= LEAST_PACKETS && sound * 10 >= all * SOUND_OF_TEN
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(packet_bytes: usize, count: usize, before: usize) -> Vec<u8> {
        let mut bytes = vec![0xff; before];
        for n in 0..count {
            bytes.push(SYNC_BYTE);
            bytes.extend((1..packet_bytes).map(|at| (n * 31 + at * 7) as u8));
        }
        bytes
    }

    #[test]
    fn packets_are_known_by_their_beginnings() {
        for packet_bytes in PACKET_BYTES {
            let mut bytes = packets(packet_bytes, 40, 5);
            assert!(is_transport_stream(&bytes, packet_bytes));
            for n in [0, 2, 4] {
                bytes[5 + n * packet_bytes] ^= 4;
            }
            assert!(is_transport_stream(&bytes, packet_bytes), "three of forty are damaged");
        }
        assert!(!is_transport_stream(&packets(188, 10, 0), 188), "too few to tell");
        assert!(!is_transport_stream(&packets(188, 400, 0), 192));
        assert!(!is_transport_stream(&[0; 60_000], 188));
        assert!(!is_transport_stream(&[], 188));
    }
}
