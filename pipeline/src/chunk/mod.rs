//! Encodes one chunk into every rung.

use kinora_plan::encoder::{ChunkOutcome, ChunkSpec};

use crate::{PipelineError, child::Reporter, source::Source};

/// Encodes one chunk.
pub fn run(
    _spec: &ChunkSpec,
    _source: &Source,
    _reporter: &mut Reporter,
) -> Result<ChunkOutcome, PipelineError> {
    Err(PipelineError::Internal("chunks are being written".into()))
}
