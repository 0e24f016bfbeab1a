//! What workers said lately. Lost with the process, and nothing depends on it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use kinora_media::{JobId, VideoId};
use kinora_plan::job::{JobClass, JobReport, Report};

use crate::repository::{Job, backlog::SignOfLife};

/// Work of this age counts for the speed that is shown.
const WINDOW_US: i64 = 10_000_000;
/// A job that was silent for this long is forgotten.
const SILENT_US: i64 = 300_000_000;

/// Signs of life by job, and recent work by video.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<JobId, LiveJob>,
    videos: HashMap<(VideoId, JobClass), Recent>,
}

#[derive(Debug)]
struct LiveJob {
    sign: SignOfLife,
    heard_at_us: i64,
    renewed_at_us: Option<i64>,
    /// Known once the lease was renewed.
    of: Option<(VideoId, JobClass)>,
}

/// Work done lately on one class of a video's jobs: frames, or milliseconds of sound.
#[derive(Debug, Default)]
struct Recent {
    since_us: Option<i64>,
    steps: VecDeque<(i64, u64)>,
}

impl Live {
    /// Notes a sign of life; whose video it is about, if that is known.
    pub(crate) fn heard(&self, sign: SignOfLife, now_us: i64) -> Option<VideoId> {
        let mut state = self.lock();
        state.jobs.retain(|_, job| now_us - job.heard_at_us < SILENT_US);
        let fresh = match state.jobs.get(&sign.job) {
            Some(known) if known.sign.attempt > sign.attempt => return None,
            Some(known) if known.sign.attempt == sign.attempt => {
                (known.renewed_at_us, known.of, sign.done.saturating_sub(known.sign.done))
            }
            _ => (None, None, sign.done),
        };
        let (renewed_at_us, of, gained) = fresh;
        let job = LiveJob { heard_at_us: now_us, renewed_at_us, of, sign };
        state.jobs.insert(job.sign.job, job);
        if let Some(of) = of {
            state.worked(of, gained, now_us);
        }
        of.map(|(video, _)| video)
    }

    /// What should be written down: first signs at once, later ones every `renew_us`.
    pub(crate) fn due(&self, now_us: i64, renew_us: i64) -> Vec<SignOfLife> {
        let state = self.lock();
        let due = state.jobs.values().filter(|job| match job.renewed_at_us {
            None => true,
            Some(at_us) => job.heard_at_us > at_us && now_us - at_us >= renew_us,
        });
        due.map(|job| job.sign.clone()).collect()
    }

    /// Notes that a sign of life was written down.
    pub(crate) fn renewed(&self, sign: &SignOfLife, of: (VideoId, JobClass), now_us: i64) {
        let mut state = self.lock();
        let Some(job) = state.jobs.get_mut(&sign.job) else { return };
        if job.sign.attempt != sign.attempt {
            return;
        }
        job.renewed_at_us = Some(now_us);
        if job.of.replace(of).is_none() {
            let gained = job.sign.done;
            state.worked(of, gained, now_us);
        }
    }

    /// Notes a result: the rest of its work is done.
    pub(crate) fn reported(&self, report: &JobReport, job: &Job, now_us: i64) {
        let mut state = self.lock();
        if let Report::AudioPartEncoded { .. } = report.report {
            return;
        }
        let known = state.jobs.remove(&job.id);
        if !matches!(report.report, Report::ChunkEncoded { .. } | Report::AudioEncoded { .. }) {
            return;
        }
        let counted = known.filter(|known| known.of.is_some()).map_or(0, |known| known.sign.done);
        let work = if job.class == JobClass::EncodeChunk { job.work } else { counted };
        state.worked((job.video, job.class), work.saturating_sub(counted), now_us);
    }

    /// Forgets a job whose attempt was taken away.
    pub(crate) fn lost(&self, job: JobId) {
        self.lock().jobs.remove(&job);
    }

    /// Forgets a job if that is its attempt.
    pub(crate) fn forget(&self, job: JobId, attempt: u32) {
        let mut state = self.lock();
        if state.jobs.get(&job).is_some_and(|known| known.sign.attempt == attempt) {
            state.jobs.remove(&job);
        }
    }

    /// How far a job is, if its attempt said so.
    pub(crate) fn progress_of(&self, job: &Job) -> Option<(u64, u64)> {
        let state = self.lock();
        let known = state.jobs.get(&job.id).filter(|known| known.sign.attempt == job.attempt)?;
        Some((known.sign.done, known.sign.total))
    }

    /// Work a second on these jobs of a video, lately.
    pub(crate) fn rate(&self, of: (VideoId, JobClass), now_us: i64) -> Option<f64> {
        let mut state = self.lock();
        let recent = state.videos.get_mut(&of)?;
        recent.fade(now_us);
        let span_us = (now_us - recent.since_us?).clamp(0, WINDOW_US);
        // The first second says nothing.
        if recent.steps.is_empty() || span_us < 1_000_000 {
            return None;
        }
        let work: u64 = recent.steps.iter().map(|(_, work)| work).sum();
        Some(work as f64 * 1e6 / span_us as f64)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn worked(&mut self, of: (VideoId, JobClass), work: u64, now_us: i64) {
        // Videos that nobody works on any more are forgotten.
        self.videos.retain(|_, recent| {
            recent.steps.back().is_none_or(|(at_us, _)| now_us - at_us < SILENT_US)
        });
        let recent = self.videos.entry(of).or_default();
        recent.fade(now_us);
        recent.since_us.get_or_insert(now_us);
        if work > 0 {
            recent.steps.push_back((now_us, work));
        }
    }
}

impl Recent {
    fn fade(&mut self, now_us: i64) {
        while self.steps.front().is_some_and(|(at_us, _)| now_us - at_us >= WINDOW_US) {
            self.steps.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn sign(job: JobId, attempt: u32, done: u64) -> SignOfLife {
        SignOfLife { job, attempt, worker: "w".into(), done, total: 100 }
    }

    #[test]
    fn leases_are_renewed_at_once_and_then_now_and_then() {
        let (live, job, video) =
            (Live::default(), kinora_db::new_job_id(), kinora_db::new_video_id());
        live.heard(sign(job, 1, 0), 0);
        assert_eq!(live.due(0, 5 * SECOND).len(), 1);
        live.renewed(&sign(job, 1, 0), (video, JobClass::EncodeChunk), 0);
        assert_eq!(live.heard(sign(job, 1, 10), SECOND), Some(video));
        assert_eq!(live.due(SECOND, 5 * SECOND), []);
        assert_eq!(live.due(5 * SECOND, 5 * SECOND), [sign(job, 1, 10)]);
        live.renewed(&sign(job, 1, 10), (video, JobClass::EncodeChunk), 5 * SECOND);
        assert_eq!(live.due(60 * SECOND, 5 * SECOND), [], "silence renews nothing");
        live.heard(sign(job, 2, 0), 61 * SECOND);
        live.heard(sign(job, 1, 50), 61 * SECOND);
        assert_eq!(live.due(61 * SECOND, 5 * SECOND), [sign(job, 2, 0)], "a zombie is not heard");
    }

    #[test]
    fn speed_is_that_of_the_last_seconds() {
        let (live, job, video) =
            (Live::default(), kinora_db::new_job_id(), kinora_db::new_video_id());
        live.heard(sign(job, 1, 0), 0);
        live.renewed(&sign(job, 1, 0), (video, JobClass::EncodeChunk), 0);
        assert_eq!(live.rate((video, JobClass::EncodeChunk), SECOND / 2), None);
        for n in 1..=20 {
            live.heard(sign(job, 1, if n > 10 { n * 30 } else { n }), n as i64 * SECOND);
        }
        assert_eq!(
            live.rate((video, JobClass::EncodeChunk), 20 * SECOND),
            Some((600.0 - 10.0) / 10.0)
        );
        assert_eq!(live.rate((video, JobClass::EncodeChunk), 60 * SECOND), None);
    }
}
