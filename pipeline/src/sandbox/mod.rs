//! What the kernel keeps a child from that parses hostile bytes.
//!
//! Two mechanisms, each worth something without the other: Landlock says which files may be
//! opened, seccomp which system calls may be made. A child enters in two steps, because both are
//! inherited by threads that are created later and by no other: [`enter`] before there is any
//! other thread, [`Entered::seal`] once GStreamer has loaded what it starts with, for all threads
//! at once. Where the kernel lacks something, the rest is in force and the report says so.

mod calls;
mod check;
mod files;
mod plugins;

use std::path::PathBuf;

pub use check::{CheckArgs, mode, report, run};
use kinora_plan::{
    encoder::EncoderSpec,
    sandbox::{Enforcement, SandboxMode},
};
pub use plugins::disarm;

use crate::{PipelineError, gpu::Device};

/// Files a child may use, beside the system's libraries and GStreamer's plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Files and folders to read.
    pub read: Vec<PathBuf>,
    /// Folders to make files in.
    pub write: Vec<PathBuf>,
    /// Device nodes to talk to.
    pub devices: Vec<PathBuf>,
}

impl Grants {
    /// What a task needs: the folder of its results, and no other.
    pub fn of(spec: &EncoderSpec) -> Self {
        let write = match spec {
            EncoderSpec::Probe(_) => vec![],
            EncoderSpec::Chunk(spec) => vec![spec.output_dir.clone()],
            EncoderSpec::Audio(spec) => vec![spec.output_dir.clone()],
            EncoderSpec::Analyse(spec) => vec![spec.output_dir.clone()],
            EncoderSpec::Pictures(spec) => vec![spec.output_dir.clone()],
            EncoderSpec::Text(spec) => vec![spec.output_dir.clone()],
        };
        let device = match spec {
            EncoderSpec::Chunk(spec) => spec.encoder.device.as_deref().and_then(Device::named),
            _ => None,
        };
        Self { write, ..Self::default() }.with_device(device.as_ref())
    }

    /// And what a device needs, if there is one.
    #[must_use]
    pub fn with_device(mut self, device: Option<&Device>) -> Self {
        if let Some(device) = device {
            self.read.extend(device.facts());
            self.devices.extend(device.nodes());
        }
        self
    }
}

/// A sandbox whose files are fenced; system calls follow with [`Entered::seal`].
#[derive(Debug)]
#[must_use]
pub struct Entered {
    mode: SandboxMode,
    landlock: Enforcement,
    missing: Vec<String>,
}

/// A sandbox in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// How much of Landlock.
    pub landlock: Enforcement,
    /// How much of seccomp.
    pub seccomp: Enforcement,
    /// Why something is missing.
    pub missing: Vec<String>,
}

/// Fences the files of this thread and of every thread it will start. Call it while there is no
/// other thread, and before GStreamer.
///
/// # Errors
/// In mode `required`, when not everything is in force.
pub fn enter(mode: SandboxMode, grants: &Grants) -> Result<Entered, PipelineError> {
    let mut entered = Entered { mode, landlock: Enforcement::None, missing: vec![] };
    if mode == SandboxMode::Off {
        entered.missing.push("the sandbox is switched off".into());
        return Ok(entered);
    }
    match files::restrict(grants) {
        Ok(landlock) => {
            entered.landlock = landlock;
            match landlock {
                Enforcement::Full => {}
                Enforcement::Partial => {
                    entered.missing.push("this kernel knows an older Landlock".into());
                }
                Enforcement::None => entered.missing.push("this kernel has no Landlock".into()),
            }
        }
        Err(error) => entered.missing.push(format!("Landlock: {error}")),
    }
    entered.require()?;
    Ok(entered)
}

impl Entered {
    /// Restricts the system calls of every thread there is and will be.
    ///
    /// # Errors
    /// In mode `required`, when not everything is in force.
    pub fn seal(mut self) -> Result<Sealed, PipelineError> {
        let mut seccomp = Enforcement::None;
        if self.mode != SandboxMode::Off {
            match calls::restrict() {
                Ok(()) => seccomp = Enforcement::Full,
                Err(error) => self.missing.push(format!("seccomp: {error}")),
            }
            self.require()?;
        }
        if !self.missing.is_empty() {
            tracing::debug!(missing = self.missing.join("; "), "the sandbox is not whole");
        }
        Ok(Sealed { landlock: self.landlock, seccomp, missing: self.missing })
    }

    fn require(&self) -> Result<(), PipelineError> {
        if self.mode == SandboxMode::Required && !self.missing.is_empty() {
            return Err(PipelineError::Sandbox(self.missing.join("; ")));
        }
        Ok(())
    }
}
