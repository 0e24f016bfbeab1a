//! Noticing that a pipeline has stopped without saying so.

use std::time::{Duration, Instant};

use gst::prelude::*;
use gstreamer as gst;

/// How long no thread of a pipeline may move buffers before it counts as stopped: longer than
/// any moment between two of its threads, and than the way of a message to the bus.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches whether any thread of a pipeline still moves buffers.
///
/// `parsebin` swallows errors of demuxers that fail while it plugs them, and posts no end when the
/// stream that was waited for never comes. Such a pipeline is silent for ever, but not slow: its
/// threads do not wait for the source, they are paused.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    since: Option<Instant>,
}

impl Idle {
    /// Whether nothing has moved for a while. To be asked again and again.
    pub(crate) fn is_final(&mut self, pipeline: &gst::Pipeline) -> bool {
        if is_active(pipeline) {
            self.since = None;
            return false;
        }
        self.since.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    }
}

fn is_active(pipeline: &gst::Pipeline) -> bool {
    let mut elements = pipeline.iterate_recurse();
    loop {
        match elements.next() {
            Ok(Some(element)) => {
                if element.pads().iter().any(|pad| pad.task_state() == gst::TaskState::Started) {
                    return true;
                }
            }
            Ok(None) => return false,
            // Elements come and go: that is activity.
            Err(_) => return true,
        }
    }
}
