//! What a source holds.

use kinora_plan::{ProbeReport, encoder::ProbeSpec};

use crate::{PipelineError, child::Reporter, source::Source};

/// Says what the source holds.
pub fn run(
    _spec: &ProbeSpec,
    _source: &Source,
    _reporter: &mut Reporter,
) -> Result<ProbeReport, PipelineError> {
    Err(PipelineError::Internal("probing is being written".into()))
}
