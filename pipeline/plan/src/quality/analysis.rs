//! What the child is asked to measure, and what it measured.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Rung, VideoStream};

/// Encode samples of a title and measure them. Answer: [`crate::encoder::Outcome::Analysis`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisSpec {
    /// Bytes of the source.
    pub source_size: u64,
    /// What to decode.
    pub video: VideoStream,
    /// Frames a GOP on the source's grid.
    pub gop_frames: u64,
    /// The ladder as it would be without an analysis, best first. Every rung is encoded once.
    pub rungs: Vec<Rung>,
    /// What the top rung's CRF is raised by besides: ascending, each above 0.
    pub crf_raises: Vec<u32>,
    /// Places to look at, best first: black ones are passed over.
    pub samples: Vec<Sample>,
    /// How many of them are enough.
    pub wanted: u32,
    /// An existing folder for what is thrown away again.
    pub output_dir: PathBuf,
}

/// A stretch of the source's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its first frame.
    pub first_frame: u64,
    /// Frames in it.
    pub frames: u64,
}

/// What samples of a title showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// Each place that was measured.
    pub samples: Vec<SampleAnalysis>,
}

/// What one sample showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleAnalysis {
    /// Where.
    pub sample: Sample,
    /// Sizes of the rungs, in the order asked.
    pub rungs: Vec<Coded>,
    /// The top rung as it is asked for, then with each raise of its CRF.
    pub candidates: Vec<Candidate>,
}

/// The top rung at one CRF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Above the rung's own CRF.
    pub crf_raise: u32,
    /// Its size.
    pub coded: Coded,
    /// SSIMULACRA 2 against the picture that was encoded, thousandths.
    pub score: i32,
}

/// Sizes of coded pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coded {
    /// The key frame, bytes.
    pub key_bytes: u64,
    /// A whole GOP, bytes: the key frame, and as many others as a GOP has, each as large as
    /// those of the sample are on average.
    pub gop_bytes: u64,
}
