//! Keeping a stream from its decoder until the source was entered where it is wanted.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use gst::prelude::*;
use gstreamer as gst;

/// Stops a stream before its decoder, so that nothing is decoded that a seek makes worthless: the
/// pictures a decoder holds and those that wait behind it cost a tenth of a short chunk.
#[derive(Clone, Default)]
pub(super) struct Gate {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    probe: Mutex<Option<(gst::Pad, gst::PadProbeId)>>,
    reached: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    /// Closes the gate on a demuxed stream.
    pub(super) fn close(&self, pad: &gst::Pad) {
        let inner = Arc::downgrade(&self.inner);
        let kinds = gst::PadProbeType::BLOCK
            | gst::PadProbeType::BUFFER
            | gst::PadProbeType::BUFFER_LIST
            | gst::PadProbeType::EVENT_DOWNSTREAM;
        let id = pad.add_probe(kinds, move |_, info| {
            if let Some(gst::PadProbeData::Event(event)) = &info.data
                && event.type_() != gst::EventType::Eos
            {
                // What the stream is must be known behind the gate.
                return gst::PadProbeReturn::Pass;
            }
            if let Some(inner) = inner.upgrade() {
                *inner.reached.lock().unwrap_or_else(PoisonError::into_inner) = true;
                inner.changed.notify_all();
            }
            gst::PadProbeReturn::Ok
        });
        let mut probe = self.inner.probe.lock().unwrap_or_else(PoisonError::into_inner);
        *probe = id.map(|id| (pad.clone(), id));
    }

    /// Whether the stream stands at the gate, with its first buffer or at its end; waits for it,
    /// but not longer than `patience`.
    pub(super) fn is_reached(&self, patience: Duration) -> bool {
        let reached = self.inner.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.inner.changed.wait_timeout_while(reached, patience, |reached| !*reached);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Lets the stream through.
    pub(super) fn open(&self) {
        let probe = self.inner.probe.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((pad, id)) = probe {
            pad.remove_probe(id);
        }
    }
}
