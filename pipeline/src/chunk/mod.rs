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
mod thin;
mod tuning;
mod validate;

use kinora_plan::encoder::{ChunkOutcome, ChunkSpec};

pub(crate) use self::{encode::Encoding, graph::make};
use crate::{PipelineError, child::Reporter, decode::VideoFrames, source::Source};

/// Encodes one chunk into `{track}/init.mp4` and `{track}/chunk.m4s` of every rung.
///
/// # Errors
/// [`PipelineError::Input`] when the source cannot be decoded or more than a tenth of the chunk
/// is missing, [`PipelineError::SourceRead`] and [`PipelineError::Write`] for the host's troubles.
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
        return encode(spec, source, reporter);
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
    let range = spec.chunk.first_frame..spec.chunk.first_frame + spec.chunk.frames;
    let mut frames = VideoFrames::open(source, &spec.video, range, spec.sequential, !spec.last)?;
    let Some(first) = frames.pull()? else {
        return Err(losses::nothing(spec));
    };
    let mut encoding = Encoding::start(spec, &first.caps)?;
    let mut next = Some(first);
    while let Some(frame) = next {
        encoding.push(frame)?;
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
