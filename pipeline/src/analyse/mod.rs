//! Samples of a title, encoded as its chunks will be and judged: what its quality costs.
//!
//! `sample` encodes one place, listening to the encoders with `taps`; `replay` decodes what they
//! gave, and `judge` compares it with what went in.

mod judge;
mod replay;
mod sample;
mod taps;

use kinora_plan::quality::{Analysis, AnalysisSpec};

use crate::{PipelineError, child::Reporter, source::Source};

/// More samples than anybody needs.
const MOST_SAMPLES: usize = 64;
/// Longer than any sample.
const MOST_FRAMES: u64 = 10_000;

/// Encodes and judges samples until as many as wanted are measured. Black ones, and those that
/// cannot be decoded, are passed over; there may be none in the end.
///
/// # Errors
/// [`PipelineError::SourceRead`] and [`PipelineError::Write`] for the host's troubles, and whatever
/// encoders and decoders do that they must not.
pub fn run(
    spec: &AnalysisSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<Analysis, PipelineError> {
    validate(spec)?;
    let wanted = spec.wanted as usize;
    let mut samples = Vec::with_capacity(wanted);
    for place in &spec.samples {
        if samples.len() == wanted {
            break;
        }
        let span = tracing::info_span!("sample", sample.first_frame = place.first_frame);
        let _entered = span.enter();
        match sample::measure(spec, *place, source) {
            Ok(Some(measured)) => samples.push(measured),
            Ok(None) => tracing::debug!("nothing to measure"),
            // Whether it is too damaged to encode is for the chunks to say.
            Err(error @ PipelineError::Input { .. }) => {
                tracing::warn!(%error, "the sample cannot be decoded");
            }
            Err(error) => return Err(error),
        }
        reporter.progress(samples.len() as u64, spec.wanted.into());
    }
    Ok(Analysis { samples })
}

fn validate(spec: &AnalysisSpec) -> Result<(), PipelineError> {
    let refuse = |what: &str| Err(PipelineError::Spec(what.to_owned()));
    if spec.rungs.is_empty() {
        return refuse("no rungs");
    }
    if spec.samples.len() > MOST_SAMPLES {
        return refuse("too many samples");
    }
    let fits = |frames: u64| (1..=MOST_FRAMES).contains(&frames);
    if !spec.samples.iter().all(|place| fits(place.frames)) {
        return refuse("a sample without frames, or with too many");
    }
    let divides = |divisor: u32| spec.gop_frames.is_multiple_of(divisor.into());
    if spec.gop_frames == 0 || !spec.rungs.iter().all(|rung| divides(rung.rate_divisor.get())) {
        return refuse("GOPs that a rung's rate does not divide");
    }
    Ok(())
}
