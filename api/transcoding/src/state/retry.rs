//! What a try that failed leads to.

use kinora_plan::encoder::{Failure, FailureKind, GPU_BUSY, OUT_OF_MEMORY, WAITING_FOR_DISK};

use crate::config::{TranscodingConfig, micros};

/// What workers say of a store that does not do its part.
const STORE: [&str; 3] = ["store_io", "store_full", "source_read"];
/// Further tries of a chunk whose device gave no picture.
const BUSY_TRIES: u32 = 2;

/// Tries of a job that were used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Those that count against the job.
    pub strikes: u32,
    /// Those that count against the host.
    pub setbacks: u32,
}

/// Why a try ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setback<'a> {
    /// The worker said so.
    Reported(&'a Failure),
    /// No sign of life came for a lease.
    LeaseLost,
    /// The queue did not confirm the message.
    NeverSent,
    /// The message lay in the queue too long; no worker had it.
    NeverTaken,
    /// The same, and all the while no worker took anything that is for its graphics processor.
    Unserved,
    /// This process was restarted under it.
    Restarted,
}

/// What is next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Once more.
    Retry {
        /// With so much used up.
        tries: Tries,
        /// After a pause.
        delay_us: i64,
    },
    /// On the CPU from now on.
    Switch,
    /// Never again.
    GiveUp {
        /// A stable word.
        code: String,
        /// A sentence a person understands.
        reason: String,
    },
}

/// Judges a try that ended without a result. `part` says what the job makes: "the part from
/// 0:14 to 0:30".
pub(crate) fn judge(
    config: &TranscodingConfig,
    tries: Tries,
    setback: Setback<'_>,
    part: &str,
) -> Verdict {
    let Tries { strikes, setbacks } = tries;
    match setback {
        Setback::NeverSent | Setback::NeverTaken | Setback::Unserved => {
            Verdict::Retry { tries, delay_us: 0 }
        }
        Setback::Restarted if setbacks + 1 < config.max_setbacks => {
            Verdict::Retry { tries: Tries { strikes, setbacks: setbacks + 1 }, delay_us: 0 }
        }
        Setback::Restarted => give_up(
            "interrupted_too_often",
            format!(
                "Kinora was stopped {} times while it encoded {part}; upload the file again once \
                 the server is stable",
                setbacks + 1
            ),
        ),
        Setback::Reported(failure) => judge_report(config, tries, failure, part),
        Setback::LeaseLost if strikes + 1 < config.max_attempts => {
            strike(config, tries, config.retry_ms)
        }
        Setback::LeaseLost => give_up(
            "worker_lost",
            format!(
                "{} workers in a row disappeared while they encoded {part}; it may need more \
                 memory than they have",
                strikes + 1
            ),
        ),
    }
}

/// Judges a try on a graphics processor: what would end the video, and whatever is neither the host's
/// nor the store's fault, is for the CPU to try. A device that gave no picture may only be short
/// of sessions, so it gets a few more tries; one that no worker has gets none.
pub(crate) fn judge_on_device(
    config: &TranscodingConfig,
    tries: Tries,
    setback: Setback<'_>,
    part: &str,
) -> Verdict {
    let verdict = match setback {
        Setback::Unserved => return Verdict::Switch,
        Setback::Reported(failure) if failure.code == GPU_BUSY => {
            if tries.strikes < BUSY_TRIES {
                return strike(config, tries, config.retry_ms);
            }
            return Verdict::Switch;
        }
        Setback::Reported(failure) if failure.kind != FailureKind::Resource => {
            return Verdict::Switch;
        }
        other => judge(config, tries, other, part),
    };
    match verdict {
        Verdict::GiveUp { .. } => Verdict::Switch,
        other => other,
    }
}

fn judge_report(
    config: &TranscodingConfig,
    tries: Tries,
    failure: &Failure,
    part: &str,
) -> Verdict {
    let Tries { strikes, setbacks } = tries;
    match failure.kind {
        FailureKind::Input => give_up(&failure.code, failure.message.clone()),
        // Nothing was tried: somebody has to make room, however long that takes.
        FailureKind::Resource if failure.code == WAITING_FOR_DISK => {
            Verdict::Retry { tries, delay_us: micros(config.resource_retry_ms) }
        }
        // A limit that was set, not a host that is short for now: it will be met again.
        FailureKind::Resource if failure.code == OUT_OF_MEMORY => {
            if strikes + 1 < config.max_attempts {
                return strike(config, tries, config.retry_ms);
            }
            let said = format!("{} tries of {part} failed. {}", strikes + 1, failure.message);
            give_up(OUT_OF_MEMORY, said)
        }
        FailureKind::Resource if setbacks + 1 < config.max_setbacks => Verdict::Retry {
            tries: Tries { strikes, setbacks: setbacks + 1 },
            delay_us: backoff_us(config, config.resource_retry_ms, setbacks),
        },
        FailureKind::Resource => {
            let (tries, said) = (setbacks + 1, &failure.message);
            let what = match STORE.contains(&failure.code.as_str()) {
                true => "The media store failed",
                false => "The server was short of resources",
            };
            let reason = format!("{what} on each of {tries} tries of {part}. Last: {said}");
            give_up("out_of_resources", reason)
        }
        FailureKind::Internal | FailureKind::Gpu if strikes + 1 < config.max_attempts => {
            strike(config, tries, config.retry_ms)
        }
        FailureKind::Internal | FailureKind::Gpu => give_up(
            "encoding_failed",
            format!("{} tries of {part} failed. Last: {}", strikes + 1, failure.message),
        ),
    }
}

fn strike(config: &TranscodingConfig, tries: Tries, pause_ms: u64) -> Verdict {
    let delay_us = backoff_us(config, pause_ms, tries.strikes);
    Verdict::Retry { tries: Tries { strikes: tries.strikes + 1, ..tries }, delay_us }
}

fn give_up(code: &str, reason: String) -> Verdict {
    Verdict::GiveUp { code: code.to_owned(), reason }
}

fn backoff_us(config: &TranscodingConfig, pause_ms: u64, times: u32) -> i64 {
    let factor = 1_u64.checked_shl(times.min(32)).unwrap_or(u64::MAX);
    micros(pause_ms.saturating_mul(factor).min(config.max_retry_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, code: "decode_error".into(), message: "It is broken.".into() }
    }

    /// Judges the same setback until it is given up; the pauses in seconds, and the code.
    fn until_given_up(setback: Setback<'_>) -> (Vec<i64>, String) {
        let (config, mut tries, mut pauses) =
            (TranscodingConfig::default(), Tries::default(), vec![]);
        for _ in 0..100 {
            match judge(&config, tries, setback, "the part from 0:00 to 0:02") {
                Verdict::Retry { tries: next, delay_us } => {
                    tries = next;
                    pauses.push(delay_us / 1_000_000);
                }
                Verdict::GiveUp { code, .. } => return (pauses, code),
                Verdict::Switch => panic!("nothing is on a device"),
            }
        }
        panic!("never given up");
    }

    #[test]
    fn every_setback_but_an_idle_queue_ends() {
        let internal = failure(FailureKind::Internal);
        assert_eq!(
            until_given_up(Setback::Reported(&internal)),
            (vec![1, 2, 4], "encoding_failed".into())
        );
        assert_eq!(until_given_up(Setback::LeaseLost), (vec![1, 2, 4], "worker_lost".into()));
        let resource = failure(FailureKind::Resource);
        let (pauses, code) = until_given_up(Setback::Reported(&resource));
        assert_eq!((pauses.len(), pauses[0], pauses[18]), (19, 10, 600));
        assert_eq!(code, "out_of_resources");
        let away = Failure { code: "store_io".into(), ..resource };
        let last = Tries { strikes: 0, setbacks: 19 };
        let verdict = judge(&TranscodingConfig::default(), last, Setback::Reported(&away), "it");
        let reason = "The media store failed on each of 20 tries of it. Last: It is broken.";
        assert_eq!(verdict, give_up("out_of_resources", reason.into()));
        let mut starved = failure(FailureKind::Resource);
        starved.code = OUT_OF_MEMORY.into();
        assert_eq!(
            until_given_up(Setback::Reported(&starved)),
            (vec![1, 2, 4], "out_of_memory".into())
        );
        let input = failure(FailureKind::Input);
        assert_eq!(until_given_up(Setback::Reported(&input)), (vec![], "decode_error".into()));
        assert_eq!(until_given_up(Setback::Restarted).0, [0; 19]);
    }

    /// Judges the same setback of a device until the CPU shall do it; after how many tries.
    fn until_switched(setback: Setback<'_>) -> usize {
        let (config, mut tries) = (TranscodingConfig::default(), Tries::default());
        for count in 1..100 {
            match judge_on_device(&config, tries, setback, "the part from 0:00 to 0:02") {
                Verdict::Retry { tries: next, .. } => tries = next,
                Verdict::Switch => return count,
                Verdict::GiveUp { code, .. } => panic!("{code}: nobody tried the CPU"),
            }
        }
        panic!("never switched");
    }

    #[test]
    fn a_device_that_fails_ends_on_the_cpu() {
        for kind in [FailureKind::Gpu, FailureKind::Internal, FailureKind::Input] {
            assert_eq!(until_switched(Setback::Reported(&failure(kind))), 1, "{kind:?}");
        }
        let mut busy = failure(FailureKind::Gpu);
        busy.code = GPU_BUSY.into();
        assert_eq!(until_switched(Setback::Reported(&busy)), 3);
        assert_eq!(until_switched(Setback::LeaseLost), 4);
        assert_eq!(until_switched(Setback::Unserved), 1);
        assert_eq!(until_switched(Setback::Reported(&failure(FailureKind::Resource))), 20);
    }

    #[test]
    fn want_of_disk_is_waited_out() {
        let mut full = failure(FailureKind::Resource);
        full.code = WAITING_FOR_DISK.into();
        let tries = Tries { strikes: 3, setbacks: 19 };
        let verdict =
            judge(&TranscodingConfig::default(), tries, Setback::Reported(&full), "the probe");
        assert_eq!(verdict, Verdict::Retry { tries, delay_us: 10_000_000 });
    }

    #[test]
    fn a_message_nobody_took_costs_nothing() {
        let tries = Tries { strikes: 3, setbacks: 7 };
        for setback in [Setback::NeverTaken, Setback::NeverSent] {
            for judge in [judge, judge_on_device] {
                let verdict = judge(&TranscodingConfig::default(), tries, setback, "the probe");
                assert_eq!(verdict, Verdict::Retry { tries, delay_us: 0 });
            }
        }
    }
}
