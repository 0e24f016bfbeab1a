//! Whether a task failed for want of memory: decoders and GStreamer take an allocation that failed
//! for a broken file, and the file must not be blamed for that.

use std::{fs::File, io, os::unix::fs::FileExt, sync::OnceLock};

use kinora_plan::encoder::{Failure, FailureKind, OUT_OF_MEMORY};

/// `/proc/self/status` is smaller.
const MAX_STATUS_BYTES: usize = 16 << 10;
/// Of eight parts of the limit so many are close: what was asked for last is among what is
/// missing, and pictures come in large pieces.
const CLOSE_EIGHTHS: u64 = 7;

/// That of this process, for whoever waits in it.
static OF_PROCESS: OnceLock<Memory> = OnceLock::new();

/// What this process may have and has had.
#[derive(Debug)]
pub struct Memory {
    limit_mib: u64,
    status: File,
}

impl Memory {
    /// That of this process, which [`Self::is_close_to_limit`] asks from now on; `None` when there is
    /// no `/proc`. To be opened before the sandbox, which does not let it be.
    pub fn of_process(limit_mib: u64) -> Option<&'static Self> {
        let memory = Self::within(limit_mib).ok()?;
        Some(OF_PROCESS.get_or_init(|| memory))
    }

    /// Whether this process has had nearly all it may have: what does not get on may then wait for a
    /// thread that could not be made.
    pub fn is_close_to_limit() -> bool {
        OF_PROCESS.get().is_some_and(|memory| is_close(memory.peak_mib(), memory.limit_mib))
    }

    /// # Errors
    /// When there is no `/proc`.
    fn within(limit_mib: u64) -> io::Result<Self> {
        Ok(Self { limit_mib, status: File::open("/proc/self/status")? })
    }

    /// The failure as it is, or as want of memory if it may be just that.
    pub fn judge(&self, failure: Failure) -> Failure {
        blamed(failure, self.peak_mib(), self.limit_mib)
    }

    fn peak_mib(&self) -> u64 {
        let mut bytes = vec![0; MAX_STATUS_BYTES];
        let length = self.status.read_at(&mut bytes, 0).unwrap_or(0);
        let status = String::from_utf8_lossy(&bytes[..length]);
        peak_kib(&status).unwrap_or(0) >> 10
    }
}

fn blamed(failure: Failure, peak_mib: u64, limit_mib: u64) -> Failure {
    let doubtful = matches!(failure.kind, FailureKind::Input | FailureKind::Internal);
    if !doubtful || !is_close(peak_mib, limit_mib) {
        return failure;
    }
    Failure {
        kind: FailureKind::Resource,
        code: OUT_OF_MEMORY.to_owned(),
        message: format!(
            "The encoder came to its memory limit of {limit_mib} MiB (it had {peak_mib} MiB), and \
             then: {}; raise worker.memory_limit_mib, or choose smaller renditions.",
            failure.message
        ),
    }
}

fn is_close(peak_mib: u64, limit_mib: u64) -> bool {
    peak_mib.saturating_mul(8) >= limit_mib.saturating_mul(CLOSE_EIGHTHS)
}

/// `VmPeak` of a process's status, KiB (proc_pid_status(5)).
fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_close_to_the_limit_is_the_file_not_believed_to_be_broken() {
        let failure = |kind| Failure { kind, code: "decode_error".into(), message: "Bad.".into() };
        let code = |kind, peak_mib| blamed(failure(kind), peak_mib, 800).code;
        assert_eq!(code(FailureKind::Input, 699), "decode_error");
        assert_eq!(code(FailureKind::Input, 700), "out_of_memory");
        assert_eq!(code(FailureKind::Internal, 800), "out_of_memory");
        assert_eq!(code(FailureKind::Resource, 800), "decode_error", "it has a reason of its own");
        let said = blamed(failure(FailureKind::Input), 790, 800);
        assert_eq!(said.kind, FailureKind::Resource);
        assert!(said.message.contains("memory limit of 800 MiB") && said.message.contains("Bad."));
    }

    #[test]
    fn this_process_has_had_memory() {
        let memory = Memory::within(1).unwrap();
        let failure = Failure {
            kind: FailureKind::Input,
            code: "decode_error".into(),
            message: "Bad.".into(),
        };
        assert_eq!(memory.judge(failure).code, "out_of_memory");
    }
}
