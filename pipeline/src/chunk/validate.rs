//! What a spec must hold to be encoded.

use kinora_plan::{
    Chunk, Rung,
    encoder::{ChunkLayout, ChunkSpec},
};

use crate::PipelineError;

/// More rungs than any ladder has.
const MAX_RUNGS: usize = 16;
/// An hour of 120 frames a second: no chunk is that long unless it is the whole film.
const MAX_SEGMENT_FRAMES: u64 = 120 * 3600;
/// The largest picture x264 takes.
const MAX_SIDE: u32 = 16_384;

pub(super) fn spec(spec: &ChunkSpec) -> Result<(), PipelineError> {
    let chunk = &spec.chunk;
    let gop = spec.gop_frames;
    if gop == 0 || chunk.frames == 0 {
        return refuse("no frames");
    }
    let even = chunk.first_frame.is_multiple_of(gop) && chunk.segment_frames.is_multiple_of(gop);
    match &spec.layout {
        Some(layout) => self::layout(chunk, layout)?,
        None if spec.rungs.iter().any(|rung| rung.copy) => {
            return refuse("a rung that is the source as it is, without the source's layout");
        }
        None if !even => return refuse("a chunk or segment that is not whole GOPs"),
        None => {}
    }
    if spec.layout.is_some() && !spec.encoder.is_software() {
        return refuse("a device that is to follow the source's layout");
    }
    if spec.rungs.iter().filter(|rung| rung.copy).count() > 1 {
        return refuse("more than one rung that is the source as it is");
    }
    if chunk.segment_frames == 0 || chunk.segment_frames > MAX_SEGMENT_FRAMES {
        return refuse("a segment without frames, or with too many");
    }
    if chunk.first_frame.checked_add(chunk.frames).is_none_or(|end| end > u64::from(u32::MAX)) {
        return refuse("frames beyond what a track can hold");
    }
    if spec.rungs.is_empty() || spec.rungs.len() > MAX_RUNGS {
        return refuse("no rungs, or too many");
    }
    spec.rungs.iter().try_for_each(|rung| self::rung(spec, rung))
}

/// Key frames and segment ends ascend within the chunk, and segments end on key frames.
fn layout(chunk: &Chunk, layout: &ChunkLayout) -> Result<(), PipelineError> {
    let ascends = |places: &[u64]| places.windows(2).all(|pair| pair[0] < pair[1]);
    let (keys, ends) = (&layout.key_frames, &layout.segment_ends);
    let at_key = |end: &u64| *end == chunk.frames || keys.binary_search(end).is_ok();
    let fits = keys.first() == Some(&0)
        && keys.last().is_some_and(|last| *last < chunk.frames)
        && ends.first().is_some_and(|first| *first > 0)
        && ends.last() == Some(&chunk.frames)
        && ascends(keys)
        && ascends(ends)
        && ends.iter().all(at_key)
        && (1..=MAX_SEGMENT_FRAMES).contains(&layout.longest_gop);
    if fits { Ok(()) } else { refuse("key frames and segments that do not fit the chunk") }
}

fn rung(spec: &ChunkSpec, rung: &Rung) -> Result<(), PipelineError> {
    let side = |pixels: u32| pixels > 0 && pixels <= MAX_SIDE && pixels.is_multiple_of(2);
    if !side(rung.width) || !side(rung.height) {
        return refuse("a rung of odd or impossible size");
    }
    let divides = |frames: &u64| frames.is_multiple_of(rung.rate_divisor.get().into());
    let halves = match &spec.layout {
        None => divides(&spec.gop_frames),
        Some(layout) => divides(&spec.chunk.first_frame) && layout.key_frames.iter().all(divides),
    };
    if !halves || (rung.copy && rung.rate_divisor.get() != 1) {
        return refuse("GOPs that a rung's lower rate does not divide");
    }
    if rung.frame_rate != spec.video.frame_rate.divided(rung.rate_divisor) {
        return refuse("a rung off the source's frame grid");
    }
    Ok(())
}

fn refuse(what: &str) -> Result<(), PipelineError> {
    Err(PipelineError::Spec(what.to_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use std::num::NonZeroU32;

    use kinora_media::{FrameRate, TrackId};
    use kinora_plan::{Chunk, Orientation, VideoStream};

    use super::*;

    /// Two seconds of 30 frames a second in two rungs, the smaller of half the rate.
    pub(in crate::chunk) fn spec() -> ChunkSpec {
        let rate = FrameRate::new(30, 1).unwrap();
        let rung = |height: u32, divisor: u32| Rung {
            track: TrackId::new(format!("v{height}")).unwrap(),
            width: height * 16 / 9 / 2 * 2,
            height,
            rate_divisor: NonZeroU32::new(divisor).unwrap(),
            frame_rate: rate.divided(NonZeroU32::new(divisor).unwrap()),
            crf: 23,
            max_kbps: 1000,
            preset: "ultrafast".into(),
            level: 31,
            tune: None,
            x264: Default::default(),
            copy: false,
        };
        ChunkSpec {
            source_size: 1,
            video: VideoStream {
                stream_id: "s".into(),
                codec: "video/x-h264".into(),
                width: 1280,
                height: 720,
                pixel_aspect: (1, 1),
                orientation: Orientation::Rotate0,
                frame_rate: rate,
                variable_rate: false,
                interlaced: false,
                colorimetry: None,
                hdr: false,
                peak_nits: None,
                bit_depth: 8,
                first_pts_ns: 0,
                end_pts_ns: 2_000_000_000,
                frames: 60,
                key_frames_ns: vec![],
                coded: None,
            },
            chunk: Chunk { index: 0, first_frame: 0, frames: 60, segment_frames: 60 },
            last: true,
            sequential: false,
            gop_frames: 60,
            rungs: vec![rung(720, 1), rung(360, 2)],
            layout: None,
            encoder: Default::default(),
            generation: 0,
            output_dir: "/nowhere".into(),
        }
    }

    #[test]
    fn a_spec_that_would_break_a_promise_is_refused() {
        assert!(super::spec(&spec()).is_ok());
        let breaks: [fn(&mut ChunkSpec); 7] = [
            |s| s.rungs.clear(),
            |s| s.rungs[0].width = 641,
            |s| s.gop_frames = 0,
            |s| s.gop_frames = 15,
            |s| s.chunk.first_frame = 30,
            |s| s.chunk.segment_frames = 0,
            |s| s.chunk.frames = u64::MAX,
        ];
        for (index, spoil) in breaks.iter().enumerate() {
            let mut spec = spec();
            spoil(&mut spec);
            assert!(super::spec(&spec).is_err(), "{index}");
        }
    }
}
