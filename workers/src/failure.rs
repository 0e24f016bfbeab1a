//! How a job ends when it does not end well, and the failures the worker itself finds.

use std::{io, os::unix::process::ExitStatusExt, process::ExitStatus};

use kinora_plan::encoder::{Failure, FailureKind, OUT_OF_MEMORY};
use kinora_store::StoreError;

/// What failed where a device was at work: unless the host lacks something or the store is away, it
/// is the device's, and the processor shall try. A driver may crash, hang or eat the memory of its
/// process, and blame the file.
pub(crate) fn on_device(failure: Failure) -> Failure {
    const DRIVER: [&str; 3] = [OUT_OF_MEMORY, "encoder_killed", "missing_element"];
    const OURS: [&str; 1] = ["store_corrupt"];
    let kind = match failure.kind {
        FailureKind::Resource if !DRIVER.contains(&failure.code.as_str()) => failure.kind,
        FailureKind::Internal if OURS.contains(&failure.code.as_str()) => failure.kind,
        _ => FailureKind::Gpu,
    };
    Failure { kind, ..failure }
}

/// Longest texts taken from a child, characters.
const MAX_CODE: usize = 64;
const MAX_MESSAGE: usize = 1000;

/// Why a job stopped without a result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It did not work; the orchestrator hears why.
    Failed(Failure),
    /// Nobody wants the result.
    Cancelled,
    /// The worker is going away; somebody else shall do it.
    Shutdown,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub(crate) fn internal(code: &str, message: impl Into<String>) -> Failure {
    Failure { kind: FailureKind::Internal, code: code.into(), message: message.into() }
}

pub(crate) fn resource(code: &str, message: impl Into<String>) -> Failure {
    Failure { kind: FailureKind::Resource, code: code.into(), message: message.into() }
}

/// Scratch did not work.
pub(crate) fn scratch(action: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        return resource("out_of_disk", "The worker's scratch disk is full; make room there.");
    }
    resource("scratch_io", format!("The worker's scratch folder failed: {action}: {error}."))
}

/// The store did not take a result.
pub(crate) fn store(error: &StoreError) -> Failure {
    match error {
        StoreError::Full { .. } => {
            resource("store_full", "The media store is full; make room there.")
        }
        StoreError::Io { .. } => {
            resource("store_io", format!("The media store could not be reached: {error}."))
        }
        StoreError::Corrupt { .. } => {
            internal("store_corrupt", format!("The media store returned damaged bytes: {error}."))
        }
    }
}

/// What C libraries and ours say when they get no memory.
const STARVED: [&str; 5] = [
    "memory allocation of",
    "failed to allocate",
    "Cannot allocate memory",
    "malloc of size",
    "Out of memory",
];
/// Signals by which a process ends that did not look whether it got memory.
const UNCHECKED: [i32; 4] = [5, 6, 7, 11];

/// A child that ended without saying why. `last_words` is the end of its standard error, `peak_mib`
/// the most address space it was seen to have.
///
/// Codecs written in C often do not check what they allocate, and say nothing before they die of it.
/// So a crash of a process that had come close to its limit counts as want of memory: what it
/// asked for last is part of what it lacked, and frames and lookahead come in large pieces.
pub(crate) fn crash(
    status: ExitStatus,
    last_words: &str,
    peak_mib: u64,
    limit_mib: u64,
) -> Failure {
    let said = STARVED.iter().any(|words| last_words.contains(words));
    let close = peak_mib >= limit_mib / 4 * 3
        && status.signal().is_some_and(|signal| UNCHECKED.contains(&signal));
    if !status.success() && (said || close) {
        return resource(
            OUT_OF_MEMORY,
            format!(
                "The encoder reached its memory limit of {limit_mib} MiB (it had {peak_mib} MiB \
                 shortly before); raise worker.memory_limit_mib, or choose smaller renditions."
            ),
        );
    }
    match (status.signal(), status.code()) {
        (Some(9), _) => resource(
            "encoder_killed",
            "The encoder was killed (SIGKILL), most often because the host ran out of memory.",
        ),
        (Some(signal), _) => internal(
            "encoder_crashed",
            format!("The encoder crashed with {} while working on this file.", name(signal)),
        ),
        (None, Some(0)) => internal(
            "encoder_incomplete",
            "The encoder ended without an error but also without a result.",
        ),
        (None, code) => internal(
            "encoder_failed",
            format!("The encoder gave up with exit code {} and no reason.", code.unwrap_or(-1)),
        ),
    }
}

/// A failure as the child put it, in the bounds of what people and tables can take.
pub(crate) fn from_child(failure: Failure) -> Failure {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let fits = (1..=MAX_CODE).contains(&failure.code.len()) && failure.code.chars().all(word);
    let code = if fits { failure.code } else { "encoder_failed".into() };
    let message = failure.message.chars().take(MAX_MESSAGE).collect();
    Failure { kind: failure.kind, code, message }
}

fn name(signal: i32) -> String {
    match signal {
        4 => "an illegal instruction (SIGILL)".into(),
        6 => "an abort (SIGABRT)".into(),
        7 => "a bus error (SIGBUS)".into(),
        8 => "an arithmetic error (SIGFPE)".into(),
        11 => "a memory access error (SIGSEGV)".into(),
        24 => "its processor time limit (SIGXCPU)".into(),
        25 => "its file size limit (SIGXFSZ)".into(),
        31 => "a forbidden system call (SIGSYS)".into(),
        other => format!("signal {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_classified_by_how_the_child_ended() {
        let check = |status, last_words, kind, code: &str, words: &str| {
            let failure = crash(ExitStatus::from_raw(status), last_words, 700, 1000);
            assert_eq!((failure.kind, failure.code.as_str()), (kind, code));
            assert!(failure.message.contains(words), "{}", failure.message);
        };
        check(11, "", FailureKind::Internal, "encoder_crashed", "SIGSEGV");
        check(9, "", FailureKind::Resource, "encoder_killed", "SIGKILL");
        check(6, "memory allocation of 9 bytes failed", FailureKind::Resource, "out_of_memory", "");
        let close = crash(ExitStatus::from_raw(11), "", 751, 1000);
        assert_eq!((close.kind, close.code.as_str()), (FailureKind::Resource, "out_of_memory"));
        let killed = crash(ExitStatus::from_raw(9), "", 999, 1000);
        assert_eq!(killed.code, "encoder_killed", "a limit of address space does not kill");
        check(6, "assertion failed", FailureKind::Internal, "encoder_crashed", "SIGABRT");
        check(3 << 8, "", FailureKind::Internal, "encoder_failed", "exit code 3");
        check(0, "", FailureKind::Internal, "encoder_incomplete", "without a result");
    }

    #[test]
    fn what_fails_on_a_device_is_the_devices_but_for_disk_and_store() {
        let kind = |failure| on_device(failure).kind;
        for code in ["encoder_crashed", "no_progress", "parameter_sets_differ"] {
            assert_eq!(kind(internal(code, "")), FailureKind::Gpu, "{code}");
        }
        for code in ["out_of_memory", "encoder_killed"] {
            assert_eq!(kind(resource(code, "")), FailureKind::Gpu, "{code}");
        }
        for code in ["source_read", "out_of_disk", "store_io"] {
            assert_eq!(kind(resource(code, "")), FailureKind::Resource, "{code}");
        }
        assert_eq!(kind(internal("store_corrupt", "")), FailureKind::Internal);
        let input = Failure { kind: FailureKind::Input, ..internal("decode_error", "") };
        assert_eq!(kind(input), FailureKind::Gpu);
    }

    #[test]
    fn a_childs_words_are_bounded() {
        let failure = from_child(Failure {
            kind: FailureKind::Input,
            code: "Not A Word".into(),
            message: "ü".repeat(5000),
        });
        assert_eq!(failure.code, "encoder_failed");
        assert_eq!(failure.message.chars().count(), MAX_MESSAGE);
    }
}
