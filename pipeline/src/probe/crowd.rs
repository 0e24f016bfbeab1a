//! How many streams a file may have.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use gst::prelude::*;
use gstreamer as gst;

use crate::PipelineError;

/// Elements a stream is read by: a parser, a queue, a filter, the sink, and something to spare.
const ELEMENTS_A_STREAM: u32 = 6;
/// Elements a file is read by whatever it holds.
const ELEMENTS: u32 = 16;

/// Counts what a demuxer makes, because it makes all of it before it shows any.
pub(super) struct Crowd {
    max_tracks: u32,
    elements: Arc<AtomicU32>,
}

impl Crowd {
    pub(super) fn new(max_tracks: u32) -> Self {
        Self { max_tracks, elements: Arc::default() }
    }

    /// Counts the elements that are added to the pipeline from now on.
    pub(super) fn watch(&self, pipeline: &gst::Pipeline) {
        let elements = self.elements.clone();
        pipeline.connect_deep_element_added(move |_, _, _| {
            elements.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// Refuses a file of too many streams, of which `shown` are known to be streams.
    pub(super) fn check(&self, shown: u16) -> Result<(), PipelineError> {
        let most = self.max_tracks.saturating_mul(ELEMENTS_A_STREAM).saturating_add(ELEMENTS);
        if u32::from(shown) <= self.max_tracks && self.elements.load(Ordering::Relaxed) <= most {
            return Ok(());
        }
        Err(PipelineError::input(
            "too_many_tracks",
            format!("the file has more than {} tracks; no more are allowed", self.max_tracks),
        ))
    }
}
