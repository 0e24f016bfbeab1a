//! What GStreamer says went wrong, as one of our errors.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use gst::prelude::*;
use gstreamer as gst;

use crate::{PipelineError, source::Source};

/// The first error on the bus of a pipeline that reads `source`, if there is one.
///
/// A failed read outranks whatever demuxers make of it.
pub(crate) fn source_error(
    bus: &gst::Bus,
    source: &Source,
    subject: &str,
) -> Option<PipelineError> {
    let message = bus.pop_filtered(&[gst::MessageType::Error])?;
    let gst::MessageView::Error(error) = message.view() else { return None };
    log(error);
    Some(source.failure().unwrap_or_else(|| from_source(error, subject)))
}

/// Errors from before a stream was found.
///
/// Demuxers complain about a stream that is broken, and go on with the others; whether that
/// reaches the bus depends on threads, because `parsebin` swallows errors while it plugs. So such
/// an error counts only if the stream that is wanted never comes. Later ones stay on the bus.
#[derive(Debug, Clone, Default)]
pub(crate) struct Early {
    found: Arc<AtomicBool>,
    held: Arc<Mutex<Option<gst::Message>>>,
}

impl Early {
    /// Holds errors back from this bus until [`Self::found`].
    pub(crate) fn watch(bus: &gst::Bus) -> Self {
        let early = Self::default();
        let Self { found, held } = early.clone();
        // Runs where the error is posted, before what that thread does next.
        bus.set_sync_handler(move |_, message| {
            if message.type_() != gst::MessageType::Error || found.load(Ordering::SeqCst) {
                return gst::BusSyncReply::Pass;
            }
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            held.get_or_insert_with(|| message.clone());
            gst::BusSyncReply::Drop
        });
        early
    }

    /// The stream is there: what goes wrong from now on concerns it.
    pub(crate) fn found(&self) {
        self.found.store(true, Ordering::SeqCst);
    }

    /// What was held back: why nothing was found.
    pub(crate) fn error(&self, source: &Source, subject: &str) -> Option<PipelineError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let gst::MessageView::Error(error) = held.view() else { return None };
        log(error);
        Some(source.failure().unwrap_or_else(|| from_source(error, subject)))
    }
}

/// The first error on the bus of a pipeline that works on our own frames or samples. Discards an
/// end that was posted before it: for pipelines whose end is seen at their sink.
pub(crate) fn internal_error(bus: &gst::Bus) -> Option<PipelineError> {
    let message = bus.pop_filtered(&[gst::MessageType::Error])?;
    let gst::MessageView::Error(error) = message.view() else { return None };
    log(error);
    Some(PipelineError::Internal(describe(error)))
}

/// Waits for the end of a pipeline that works on our own frames; whether it is there.
///
/// Popping discards what it does not look for, so end and errors are looked for together.
pub(crate) fn internal_end(bus: &gst::Bus, wait: gst::ClockTime) -> Result<bool, PipelineError> {
    let looked_for = [gst::MessageType::Error, gst::MessageType::Eos];
    // gstreamer-rs gives up on no time at all before it has looked.
    let message = match wait {
        gst::ClockTime::ZERO => bus.pop_filtered(&looked_for),
        wait => bus.timed_pop_filtered(wait, &looked_for),
    };
    let Some(message) = message else { return Ok(false) };
    match message.view() {
        gst::MessageView::Error(error) => {
            log(error);
            Err(PipelineError::Internal(describe(error)))
        }
        _ => Ok(true),
    }
}

fn log(error: &gst::message::Error) {
    tracing::error!(
        element = error.src().map(|src| src.path_string().to_string()),
        error = %error.error(),
        debug = error.debug().map(|debug| debug.to_string()),
        "pipeline failed"
    );
}

fn from_source(error: &gst::message::Error, subject: &str) -> PipelineError {
    let what = error.error();
    match what.kind::<gst::StreamError>() {
        Some(gst::StreamError::TypeNotFound | gst::StreamError::WrongType) => PipelineError::input(
            "not_media",
            "the file is not a video or sound file that Kinora knows",
        ),
        Some(gst::StreamError::CodecNotFound) => PipelineError::input(
            "unsupported_codec",
            format!("{subject} is in a format that this installation cannot decode"),
        ),
        Some(gst::StreamError::Decrypt | gst::StreamError::DecryptNokey) => PipelineError::input(
            "encrypted",
            format!("{subject} is encrypted: upload a copy without copy protection"),
        ),
        Some(_) => PipelineError::input(
            "decode_error",
            format!("{subject} is damaged and could not be decoded ({})", sentence(&what)),
        ),
        None if what.matches(gst::CoreError::MissingPlugin) => PipelineError::input(
            "unsupported_codec",
            format!("{subject} is in a format that this installation cannot decode"),
        ),
        None => PipelineError::Internal(describe(error)),
    }
}

fn describe(error: &gst::message::Error) -> String {
    let element = error.src().map(|src| src.name().to_string()).unwrap_or_default();
    format!("GStreamer element {element}: {}", sentence(&error.error()))
}

/// GStreamer's sentences end in a full stop; ours go on.
fn sentence(error: &gst::glib::Error) -> String {
    error.message().trim_end_matches('.').to_owned()
}
