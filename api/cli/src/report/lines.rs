//! Progress without a terminal: a line every ten seconds, and one a milestone.

use std::time::{Duration, Instant};

use super::event::{Milestone, Outcome, Progress};
use super::pace::Every;
use super::screen::{activity, numbers, place};
use crate::terminal::format;

const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Lines {
    name: String,
    pace: Every,
}

impl Lines {
    pub(super) fn new(now: Instant) -> Self {
        Self { name: String::new(), pace: Every::after(EVERY, now) }
    }

    pub(super) fn title(&mut self, name: &str) {
        self.name = name.to_owned();
    }

    pub(super) fn progress(&mut self, progress: &Progress, now: Instant) {
        if self.pace.due(now) {
            self.note(&line(progress));
        }
    }

    pub(super) fn milestone(&self, milestone: Milestone, outcome: &Outcome, detail: &str) {
        let what = milestone.words();
        let after = format::clock(outcome.elapsed_s);
        let more = match (&outcome.watch_url, detail) {
            (Some(url), _) if milestone == Milestone::Playable => format!(": watch at {url}"),
            (_, "") => String::new(),
            (_, detail) => format!(" ({detail})"),
        };
        self.note(&format!("{what} after {after}{more}"));
        if milestone == Milestone::Ready {
            for warning in &outcome.warnings {
                self.note(&format!("warning: {}", format::line(warning)));
            }
            for (what, url) in [("HLS", &outcome.hls_url), ("DASH", &outcome.dash_url)] {
                if let Some(url) = url {
                    self.note(&format!("{what} {url}"));
                }
            }
        }
    }

    pub(super) fn note(&self, text: &str) {
        eprintln!("{}: {text}", self.name);
    }
}

fn line(progress: &Progress) -> String {
    let what = activity(&progress.state).to_lowercase();
    let numbers = numbers(progress);
    let because = progress.because.as_deref().map(format::line);
    let waiting = match (place(progress), because) {
        (Some(place), Some(because)) => Some(format!("{place}. {because}")),
        (place, because) => place.or(because),
    };
    match (waiting, numbers.is_empty()) {
        (Some(waiting), _) => format!("{what}: {waiting}"),
        (None, true) => what,
        (None, false) => {
            let numbers: Vec<_> = numbers.iter().map(|number| number.trim()).collect();
            format!("{what} {}", numbers.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_the_numbers_that_are_known() {
        let mut progress =
            Progress::of_upload(641_200_000, 1_200_000_000, Some(48e6), None, None, 1.0);
        assert_eq!(line(&progress), "uploading 53.4 %, 48.0 MB/s, ETA 0:12, 641.2 MB of 1.2 GB");
        progress = Progress { state: "queued".into(), ..Progress::default() };
        assert_eq!(line(&progress), "waiting");
        progress.because = Some("No worker is running.".into());
        assert_eq!(line(&progress), "waiting: No worker is running.");
        progress.queue_position = Some(12);
        assert_eq!(line(&progress), "waiting: 12th in the queue. No worker is running.");
        (progress.because, progress.queue_wait_s) = (None, Some(224.0));
        assert_eq!(line(&progress), "waiting: 12th in the queue, about 4 min");
    }
}
