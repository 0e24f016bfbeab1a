//! One chunk of the picture: decoded once, scaled in cascade, encoded into every rung, packaged.
//!
//! Frames are pulled from the decoder one by one and pushed into a second pipeline under times
//! made from their grid positions, so nothing downstream ever sees the source's clock.

mod cascade;
pub(crate) mod colour;
mod copy;
mod encode;
mod encoder;
mod graph;
mod keys;
mod layout;
mod losses;
mod rendition;
mod scale;
mod thin;
mod tuning;
mod validate;

use kinora_plan::encoder::{ChunkOutcome, ChunkSpec};

pub use self::encoder::Vbv;
pub(crate) use self::{
    encode::{Encoding, Place},
    graph::make,
};
use crate::{
    PipelineError,
    child::Reporter,
    decode::VideoFrames,
    gpu::{self, Device},
    source::Source,
};

/// Encodes one chunk into `{track}/init.mp4` and `{track}/chunk.m4s` of every rung.
///
/// # Errors
/// [`PipelineError::Input`] when the source cannot be decoded or more than a tenth of the chunk
/// is missing, [`PipelineError::SourceRead`] and [`PipelineError::Write`] for the host's troubles,
/// [`PipelineError::Device`] for whatever else goes wrong where a device encodes.
pub fn run(
    spec: &ChunkSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<ChunkOutcome, PipelineError> {
    let span = tracing::info_span!("chunk", chunk.index = spec.chunk.index);
    let _entered = span.enter();
    validate::spec(spec)?;
    let Some((index, layout)) =
        spec.rungs.iter().position(|rung| rung.copy).zip(spec.layout.as_ref())
    else {
        return match Device::of(&spec.encoder)? {
            None => encode(spec, source, reporter),
            Some(device) => encode_on(device, spec, source, reporter),
        };
    };
    let copied = copy::run(spec, layout, &spec.rungs[index], source)?;
    let mut others = spec.clone();
    others.rungs.remove(index);
    // All rungs are as long as the one that is copied.
    others.last = false;
    let mut outcome = match others.rungs.is_empty() {
        true => ChunkOutcome { frames: spec.chunk.frames, renditions: vec![], warnings: vec![] },
        false => encode(&others, source, reporter)?,
    };
    outcome.renditions.insert(index, copied);
    Ok(outcome)
}

/// Decodes the chunk and encodes it into every rung.
fn encode(
    spec: &ChunkSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<ChunkOutcome, PipelineError> {
    let frames = VideoFrames::open(source, &spec.video, range(spec), spec.sequential, !spec.last)?;
    through(spec, frames, None, reporter, &mut false)
}

/// The same on a device. Whatever goes wrong there is the device's: the processor tells whether the
/// source was to blame.
fn encode_on(
    device: Device,
    spec: &ChunkSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<ChunkOutcome, PipelineError> {
    let device = device.at_chunk(spec.chunk.index, spec.chunk.frames);
    let mut begun = false;
    let decodes =
        gpu::describe::decodes(&device, &spec.video) && device.decoder(&spec.video.codec).is_some();
    let decoder = decodes.then_some(&device);
    VideoFrames::open_on(decoder, source, &spec.video, range(spec), spec.sequential, !spec.last)
        .and_then(|frames| through(spec, frames, Some(&device), reporter, &mut begun))
        .map_err(|error| error.on_device(begun))
}

fn range(spec: &ChunkSpec) -> std::ops::Range<u64> {
    spec.chunk.first_frame..spec.chunk.first_frame + spec.chunk.frames
}

/// Leads the frames through the encoders; `begun` says whether each of them gave a picture.
fn through(
    spec: &ChunkSpec,
    mut frames: VideoFrames,
    device: Option<&Device>,
    reporter: &mut Reporter,
    begun: &mut bool,
) -> Result<ChunkOutcome, PipelineError> {
    let Some(first) = frames.pull()? else {
        return Err(losses::nothing(spec));
    };
    let place = device.map(|device| Place { device, contexts: frames.contexts() });
    let mut encoding = Encoding::start(spec, &first.caps, place)?;
    let mut next = Some(first);
    while let Some(frame) = next {
        if let Some(device) = device {
            device.faults().strike(frame.position - spec.chunk.first_frame);
        }
        let pushed = encoding.push(frame);
        *begun = *begun || encoding.has_begun();
        pushed?;
        reporter.progress(encoding.frames_done(), spec.chunk.frames);
        next = frames.pull()?;
    }
    let accounting = frames.accounting();
    // The decoder's memory is not needed while the encoders drain.
    drop(frames);
    let warnings = losses::judge(spec, accounting)?;
    let renditions = encoding.finish(accounting.placed, |done| {
        reporter.progress(done, spec.chunk.frames);
    })?;
    Ok(ChunkOutcome { frames: accounting.placed, renditions, warnings })
}
