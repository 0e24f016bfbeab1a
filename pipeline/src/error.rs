//! Why a task could not be done, and what its worker should make of it.

use std::{io, path::PathBuf};

use kinora_plan::encoder::{Failure, FailureKind, GPU_BUSY};

/// Why a task could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The source is at fault.
    #[error("{message}")]
    Input {
        /// The stable word of [`Failure::code`].
        code: &'static str,
        /// A sentence for people.
        message: String,
    },
    /// The source could not be read.
    #[error("the source could not be read: {0}")]
    SourceRead(String),
    /// A result could not be written.
    #[error("{} could not be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A GStreamer element this task needs is not installed.
    #[error("the GStreamer element '{0}' is not installed on this host")]
    MissingElement(&'static str),
    /// A graphics processor, or what drives it, did not do its work.
    #[error("the graphics processor failed: {message}")]
    Device {
        /// The stable word of [`Failure::code`].
        code: &'static str,
        /// What went wrong.
        message: String,
    },
    /// The sandbox that is required cannot be had.
    #[error(
        "the sandbox this installation requires is not whole on this host: {0}; use a kernel with \
         Landlock and seccomp, or set worker.sandbox to auto"
    )]
    Sandbox(String),
    /// The spec asks for what cannot be.
    #[error("the task makes no sense: {0}")]
    Spec(String),
    /// GStreamer or an encoder did what it must not.
    #[error("{0}")]
    Internal(String),
}

impl PipelineError {
    /// The source is at fault: `code` is a stable word, `message` a sentence for people.
    pub fn input(code: &'static str, message: impl Into<String>) -> Self {
        Self::Input { code, message: message.into() }
    }

    /// A graphics processor did not do its work.
    pub(crate) fn device(message: impl Into<String>) -> Self {
        Self::Device { code: "gpu_error", message: message.into() }
    }

    /// What this is where a device was at work: whatever is not the host's or the worker's fault
    /// the processor shall try. `begun` says whether each of its
    /// encoders gave a picture.
    pub(crate) fn on_device(self, begun: bool) -> Self {
        let code = if begun { "gpu_error" } else { GPU_BUSY };
        match self {
            Self::Device { message, .. } => Self::Device { code, message },
            Self::Input { .. } | Self::Internal(_) | Self::MissingElement(_) => {
                Self::Device { code, message: self.to_string() }
            }
            other => other,
        }
    }

    /// What the worker is told.
    pub fn failure(&self) -> Failure {
        let (kind, code) = match self {
            Self::Input { code, .. } => (FailureKind::Input, *code),
            Self::SourceRead(_) => (FailureKind::Resource, "source_read"),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                (FailureKind::Resource, "out_of_disk")
            }
            Self::Write { .. } => (FailureKind::Resource, "write_failed"),
            Self::MissingElement(_) => (FailureKind::Resource, "missing_element"),
            Self::Device { code, .. } => (FailureKind::Gpu, *code),
            Self::Sandbox(_) => (FailureKind::Resource, "sandbox_missing"),
            Self::Spec(_) => (FailureKind::Internal, "bad_spec"),
            Self::Internal(_) => (FailureKind::Internal, "pipeline_error"),
        };
        let message = match self {
            // People read it: where the host keeps its scratch is none of theirs.
            Self::Write { source, .. } => format!("what was encoded cannot be stored: {source}"),
            other => other.to_string(),
        };
        Failure { kind, code: code.to_owned(), message }
    }
}

impl From<gstreamer::glib::BoolError> for PipelineError {
    fn from(error: gstreamer::glib::BoolError) -> Self {
        Self::Internal(error.to_string())
    }
}
