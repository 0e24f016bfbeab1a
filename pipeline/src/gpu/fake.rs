//! A device of tests: x264 behind the seam of a graphics processor, failing when it is told to.
//!
//! It exists only where the environment variable [`FAKE_GPU`] says so, as words with commas
//! between them:
//!
//! - `sessions=N` encoders beyond the N-th fail with their first frame;
//! - `error@N`, `crash@N`, `hang@N` chunk N fails so once it is half done;
//! - `busy@N` chunk N gives no picture at all;
//! - `dead`, `stuck` no proof succeeds: it fails, or never ends.

use std::{env, thread, time::Duration};

use super::stage::Stage;
use crate::PipelineError;

/// The variable.
pub const FAKE_GPU: &str = "KINORA_FAKE_GPU";

/// How the fake device fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    sessions: Option<usize>,
    chunks: Vec<(Fault, u32)>,
    dead: bool,
    stuck: bool,
    /// The fault of the chunk at work, and how long the chunk is.
    now: Option<(Fault, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Error,
    Crash,
    Hang,
    Busy,
}

impl Faults {
    /// What the environment asks for; `None` if there is no fake device.
    pub(super) fn from_environment() -> Result<Option<Self>, PipelineError> {
        let Some(words) = env::var_os(FAKE_GPU) else { return Ok(None) };
        let words = words.to_string_lossy().into_owned();
        let parsed = Self::parse(&words);
        parsed.map(Some).ok_or_else(|| PipelineError::Spec(format!("{FAKE_GPU}={words}")))
    }

    fn parse(words: &str) -> Option<Self> {
        let mut faults = Self::default();
        for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match (word, word.split_once(['=', '@'])) {
                ("ok", _) => {}
                ("dead", _) => faults.dead = true,
                ("stuck", _) => faults.stuck = true,
                (_, Some(("sessions", count))) => faults.sessions = Some(count.parse().ok()?),
                (_, Some((fault, chunk))) => {
                    let fault = match fault {
                        "error" => Fault::Error,
                        "crash" => Fault::Crash,
                        "hang" => Fault::Hang,
                        "busy" => Fault::Busy,
                        _ => return None,
                    };
                    faults.chunks.push((fault, chunk.parse().ok()?));
                }
                _ => return None,
            }
        }
        Some(faults)
    }

    /// The same at work on a chunk of so many frames.
    #[must_use]
    pub(crate) fn at_chunk(self, index: u32, frames: u64) -> Self {
        let fault = self.chunks.iter().find(|(_, chunk)| *chunk == index).map(|(fault, _)| *fault);
        Self { now: fault.map(|fault| (fault, frames)), ..self }
    }

    /// The same in a proof.
    #[must_use]
    pub(super) fn in_proof(self) -> Self {
        let now = self.dead.then_some((Fault::Busy, 1));
        Self { now, ..self }
    }

    /// What stands before encoder `branch`.
    pub(super) fn stages(&self, branch: usize) -> Vec<Stage> {
        let after = match self.now {
            _ if self.sessions.is_some_and(|sessions| branch >= sessions) => 1,
            Some((Fault::Busy, _)) => 1,
            // With every rung but the first whole, to be sure that nothing of it counts.
            Some((Fault::Error, frames)) if branch == 0 => (frames / 2).max(1),
            _ => return vec![],
        };
        vec![Stage::element("identity").set("error-after", after)]
    }

    /// Called with each frame that goes in.
    pub(crate) fn strike(&self, frames_in: u64) {
        match self.now {
            Some((Fault::Crash, frames)) if frames_in >= frames / 2 => std::process::abort(),
            Some((Fault::Hang, frames)) if frames_in >= frames / 2 => hang(),
            _ => {}
        }
    }

    /// Called before a proof.
    pub(super) fn strike_proof(&self) {
        if self.stuck {
            hang();
        }
    }
}

fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_or_refused() {
        assert_eq!(Faults::parse("ok"), Some(Faults::default()));
        let faults = Faults::parse("sessions=2, error@3,hang@7").unwrap();
        assert_eq!(faults.sessions, Some(2));
        assert_eq!(faults.chunks, [(Fault::Error, 3), (Fault::Hang, 7)]);
        for wrong in ["x", "sessions=", "error@", "error=x", "melt@3"] {
            assert_eq!(Faults::parse(wrong), None, "{wrong}");
        }
    }
}
