//! What people see on stderr: a live line on a terminal, plain lines elsewhere.

use std::time::Instant;

use console::Term;

use super::event::{Milestone, Outcome, Progress};
use super::lines::Lines;
use super::live::Live;
use crate::terminal::{format, style};

pub(super) enum Screen {
    Live(Live),
    Lines(Lines),
    /// The JSON on the same terminal is the progress.
    Quiet,
}

impl Screen {
    pub(super) fn choose(json: bool) -> Self {
        let terminal = Term::stderr().is_term();
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        match terminal {
            true if json && Term::stdout().is_term() => Self::Quiet,
            true if !dumb => Self::Live(Live::default()),
            _ => Self::Lines(Lines::new(Instant::now())),
        }
    }

    pub(super) fn title(&mut self, name: &str, before: &str, after: &str) {
        let name = format::line(name);
        match self {
            Self::Live(live) => live.title(&name, before, after),
            Self::Lines(lines) => lines.title(&name),
            Self::Quiet => {}
        }
    }

    pub(super) fn progress(&mut self, progress: &Progress, now: Instant) {
        match self {
            Self::Live(live) => live.progress(progress),
            Self::Lines(lines) => lines.progress(progress, now),
            Self::Quiet => {}
        }
    }

    /// Nothing new, but time passed.
    pub(super) fn tick(&mut self, last: &Progress, now: Instant) {
        if let Self::Lines(lines) = self {
            lines.progress(last, now);
        }
    }

    pub(super) fn milestone(&mut self, milestone: Milestone, outcome: &Outcome, detail: &str) {
        match self {
            Self::Live(live) => live.milestone(milestone, outcome, detail),
            Self::Lines(lines) => lines.milestone(milestone, outcome, detail),
            Self::Quiet => {}
        }
    }

    pub(super) fn failed(&mut self, outcome: &Outcome) {
        let message = outcome.reason.as_ref().map_or("", |reason| &reason.message);
        let message = format::line(message);
        match self {
            Self::Live(live) => live.failed(&message, outcome.elapsed_s),
            Self::Lines(lines) => lines.note(&format!("failed: {message}")),
            Self::Quiet => {}
        }
    }

    pub(super) fn note(&mut self, text: &str) {
        let text = format::line(text);
        match self {
            Self::Live(live) => live.note(&text),
            Self::Lines(lines) => lines.note(&text),
            Self::Quiet => {}
        }
    }

    /// Does something to the terminal that the live line must not be drawn into.
    pub(super) fn aside(&mut self, act: impl FnOnce()) {
        match self {
            Self::Live(live) => live.aside(act),
            _ => act(),
        }
    }

    pub(super) fn clear(&mut self) {
        if let Self::Live(live) = self {
            live.clear();
        }
    }
}

/// The numbers of a progress, the most important first, padded so that they stand still.
pub(super) fn numbers(progress: &Progress) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(percent) = progress.percent {
        parts.push(format!("{percent:>5.1} %"));
    }
    let eta = progress.eta_s.map(|eta| format!("ETA {:<5}", format::clock(eta)));
    if let (Some(sent), Some(total)) = (progress.bytes_sent, progress.bytes_total) {
        let rate = |rate| format!("{:>8}/s", format::bytes(rate as u64));
        parts.extend(progress.bytes_per_s.map(rate));
        parts.extend(eta);
        parts.push(format!("{:>8} of {}", format::bytes(sent), format::bytes(total)));
        return parts;
    }
    let times = style::marks().times;
    let digits = |speed| if speed < 1.0 { 2 } else { 1 };
    let real_time = |speed| format!("{speed:>4.*}{times} real time", digits(speed));
    parts.extend(progress.speed.map(real_time));
    parts.extend(eta);
    parts.extend(progress.fps.map(|fps| format!("{fps:>4.0} fps")));
    parts
}

/// `12th in the queue, about 4 min`.
pub(super) fn place(progress: &Progress) -> Option<String> {
    let place = format!("{} in the queue", format::ordinal(progress.queue_position?));
    Some(match progress.queue_wait_s {
        Some(wait_s) => format!("{place}, about {}", format::roughly(wait_s)),
        None => place,
    })
}

/// What is being done.
pub(super) fn activity(state: &str) -> &'static str {
    match state {
        "awaiting_upload" => "Awaiting upload",
        "uploading" => "Uploading",
        "probing" => "Looking into it",
        "encoding" | "playable" | "plays_through" => "Encoding",
        "ready" => "Finishing",
        _ => "Waiting",
    }
}
