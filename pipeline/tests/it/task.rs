//! Specs for clips, and running them chunk by chunk.

use std::{num::NonZeroU32, path::Path};

use kinora_media::TrackId;
use kinora_pipeline::{PipelineError, child::Reporter, chunk, source::Source};
use kinora_plan::{
    Chunk, Rung,
    encoder::{ChunkOutcome, ChunkSpec},
};

use crate::clip::Clip;

/// A rung of a clip: height (or the shorter side), rate divisor.
pub(crate) fn rung(clip: &Clip, height: u32, divisor: u32, max_kbps: u32) -> Rung {
    let divisor = NonZeroU32::new(divisor).unwrap();
    let (width, source_height) = match clip.stream.orientation.swaps_sides() {
        true => (clip.stream.height, clip.stream.width),
        false => (clip.stream.width, clip.stream.height),
    };
    Rung {
        track: TrackId::new(format!("v{height}")).unwrap(),
        width: (width * height / source_height).div_ceil(2) * 2,
        height,
        rate_divisor: divisor,
        frame_rate: clip.stream.frame_rate.divided(divisor),
        crf: 23,
        max_kbps,
        preset: "veryfast".into(),
        level: 40,
        tune: None,
        x264: Default::default(),
        copy: false,
    }
}

/// The chunks of a clip that begin at `starts` (frames of the grid), and end at `end`.
pub(crate) fn specs(
    clip: &Clip,
    rungs: &[Rung],
    gop_frames: u64,
    starts: &[u64],
    end: u64,
    output: &Path,
) -> Vec<ChunkSpec> {
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(index, (start, chunk_end))| ChunkSpec {
            source_size: std::fs::metadata(&clip.path).unwrap().len(),
            video: clip.stream.clone(),
            chunk: Chunk {
                index: index as u32,
                first_frame: *start,
                frames: chunk_end - start,
                segment_frames: gop_frames,
            },
            last: chunk_end == end,
            sequential: false,
            gop_frames,
            rungs: rungs.to_vec(),
            layout: None,
            encoder: Default::default(),
            generation: 0,
            output_dir: output.join(format!("{index}")),
        })
        .collect()
}

pub(crate) fn encode(clip: &Clip, spec: &ChunkSpec) -> Result<ChunkOutcome, PipelineError> {
    let source = Source::file(&clip.path).unwrap();
    std::fs::create_dir_all(&spec.output_dir).unwrap();
    chunk::run(spec, &source, &mut Reporter::new(Box::new(std::io::sink())))
}
