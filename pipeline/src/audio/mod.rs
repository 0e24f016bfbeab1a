//! One soundtrack, from end to end.

use kinora_plan::encoder::{AudioOutcome, AudioSpec};

use crate::{PipelineError, child::Reporter, source::Source};

/// Encodes one soundtrack.
pub fn run(
    _spec: &AudioSpec,
    _source: &Source,
    _reporter: &mut Reporter,
) -> Result<AudioOutcome, PipelineError> {
    Err(PipelineError::Internal("audio is being written".into()))
}
