//! The rung that is the source's own coded pictures.

use bytes::Bytes;
use gstreamer as gst;
use kinora_plan::{
    Rung,
    encoder::{ChunkLayout, ChunkSpec, EncodedTrack},
};

use super::{colour, rendition::Rendition};
use crate::{
    PipelineError,
    avc::{self, Avcc},
    decode::{Decoding, entry_point, stream_time},
    source::Source,
};

/// Packets that wait: few, and mostly small.
const AHEAD: u32 = 16;

/// Puts the chunk's packets on the grid and packages them, decoding nothing.
///
/// # Errors
/// [`PipelineError::Input`] when the packets are not what the probe saw.
pub(super) fn run(
    spec: &ChunkSpec,
    layout: &ChunkLayout,
    rung: &Rung,
    source: &Source,
) -> Result<EncodedTrack, PipelineError> {
    let (stream, chunk) = (&spec.video, &spec.chunk);
    let seek_to = (chunk.first_frame > 0).then(|| entry_point(stream, chunk.first_frame));
    let mut packets = Decoding::open_coded(source, &stream.stream_id, seek_to, AHEAD)?;
    let mut rendition = Rendition::create(spec, rung, colour::assumed(stream)?)?;
    let mut record: Option<(gst::Caps, Avcc)> = None;
    let mut taken = 0;
    while taken < chunk.frames {
        let Some(sample) = packets.pull()? else { return Err(changed("ends early")) };
        let caps = sample.caps_owned().ok_or_else(|| changed("has no caps"))?;
        if record.as_ref().is_none_or(|(known, _)| *known != caps) {
            let avcc = Avcc::of_caps(&caps).filter(|avcc| avcc.to_hex() == layout.avcc);
            let avcc = avcc.ok_or_else(|| changed("has other parameter sets"))?;
            rendition.configure(avcc.bytes())?;
            record = Some((caps, avcc));
        }
        let Some((_, avcc)) = &record else { continue };
        let Some(position) = position(spec, &sample) else { return Err(changed("has no times")) };
        let buffer = sample.buffer_owned().ok_or_else(|| changed("is empty"))?;
        // The sample shares the buffer.
        drop(sample);
        let data = buffer.into_mapped_buffer_readable().map_err(|_| changed("is unreadable"))?;
        let picture = avcc.picture(&data).ok_or_else(|| changed("is damaged"))?;
        if picture.other_parameter_sets {
            return Err(changed("has other parameter sets"));
        }
        // A demuxer may enter at a key frame before the chunk's.
        if taken == 0 && !(picture.idr && position == chunk.first_frame) {
            continue;
        }
        let position = position.checked_sub(chunk.first_frame);
        let position = position.ok_or_else(|| changed("is in another order"))?;
        let data = match picture.parameter_sets {
            true => avc::without_parameter_sets(&data),
            false => Bytes::from_owner(data),
        };
        rendition.push(position, picture.idr, data)?;
        taken += 1;
    }
    rendition.finish(chunk.frames)
}

fn position(spec: &ChunkSpec, sample: &gst::Sample) -> Option<u64> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let time = stream_time(segment, sample.buffer()?.pts()?)?;
    let after = time.checked_sub_unsigned(spec.video.first_pts_ns)?;
    Some(spec.video.frame_rate.nearest_frame(after))
}

/// The bytes are the same, so a demuxer read them differently this time.
fn changed(what: &str) -> PipelineError {
    PipelineError::input(
        "decode_error",
        format!("the coded picture {what}, unlike when the file was looked through"),
    )
}
