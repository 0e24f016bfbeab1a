//! Progress on a terminal: milestones stay, one line below them lives.

use std::time::Duration;

use console::{Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event::{Milestone, Outcome, Progress};
use super::screen::{activity, numbers, place};
use crate::terminal::{format, style};

const STEPS: u64 = 1_000;
const SPIN: Duration = Duration::from_millis(100);
/// Below this a bar says less than the numbers it would push out.
const LEAST_BAR: usize = 12;

#[derive(Default)]
pub(super) struct Live {
    bar: Option<ProgressBar>,
    shape: Shape,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Spinner,
    Bar,
}

impl Live {
    pub(super) fn title(&mut self, name: &str, before: &str, after: &str) {
        let line =
            format!("{}{}  {}", style::quiet(before), style::strong(name), style::quiet(after));
        self.print(&line);
    }

    pub(super) fn progress(&mut self, progress: &Progress) {
        let known =
            progress.percent.is_some() && !matches!(progress.state.as_str(), "queued" | "probing");
        let shape = if known && progress.because.is_none() { Shape::Bar } else { Shape::Spinner };
        let what = activity(&progress.state);
        let message = match (place(progress), &progress.because, shape) {
            (Some(place), _, _) => one_line(&place, what, width()),
            (None, Some(because), _) => one_line(&format::line(because), what, width()),
            (None, None, Shape::Bar) => fitting(numbers(progress), what, width()),
            (None, None, Shape::Spinner) => String::new(),
        };
        let bar = self.bar(shape);
        bar.set_prefix(what);
        bar.set_message(message);
        if let Some(percent) = progress.percent {
            bar.set_position((percent * STEPS as f64 / 100.0) as u64);
        }
    }

    pub(super) fn milestone(&mut self, milestone: Milestone, outcome: &Outcome, detail: &str) {
        let mark = style::good(style::marks().done);
        let elapsed = format::clock(outcome.elapsed_s);
        let head = format!("  {mark} {:<13} {elapsed:>7}", milestone.words());
        match (milestone, &outcome.watch_url) {
            (Milestone::Playable, Some(url)) => self.with_link(&head, url),
            (Milestone::Ready, _) => {
                self.print(&head);
                self.addresses(outcome);
                for warning in &outcome.warnings {
                    self.note(&format!("warning: {}", format::line(warning)));
                }
            }
            _ => self.print(format!("{head}  {}", style::quiet(detail)).trim_end()),
        }
    }

    pub(super) fn failed(&mut self, message: &str, elapsed_s: f64) {
        let mark = style::error(style::marks().failed);
        let elapsed = format::clock(elapsed_s);
        self.print(&format!("  {mark} {:<13} {elapsed:>7}  {message}", "failed"));
    }

    pub(super) fn note(&mut self, text: &str) {
        self.print(&format!("    {}", style::quiet(text)));
    }

    pub(super) fn aside(&mut self, act: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(act),
            None => act(),
        }
    }

    pub(super) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A link goes beside its milestone where it fits, else on a line of its own, unbroken so that
    /// it can be copied.
    fn with_link(&mut self, head: &str, url: &str) {
        let link = style::link(url);
        if measure_text_width(head) + 2 + url.len() <= width() {
            return self.print(&format!("{head}  {link}"));
        }
        self.print(head);
        let indent = if url.len() + 4 > width() { "" } else { "    " };
        self.print(&format!("{indent}{link}"));
    }

    /// Manifests are for players: where their addresses are longer than a line, they are left to
    /// the command that shows them.
    fn addresses(&mut self, outcome: &Outcome) {
        let named = [("HLS ", &outcome.hls_url), ("DASH", &outcome.dash_url)];
        let named = named.iter().filter_map(|(name, url)| Some((*name, url.as_ref()?)));
        let named: Vec<_> = named.collect();
        if named.iter().any(|(_, url)| url.len() + 10 > width()) {
            if let Some(video) = outcome.video {
                self.note(&format!("addresses for players: kinora videos show {video}"));
            }
            return;
        }
        for (name, url) in named {
            self.print(&format!("    {}  {}", style::quiet(name), style::link(url)));
        }
    }

    fn print(&mut self, line: &str) {
        self.aside(|| eprintln!("{line}"));
    }

    fn bar(&mut self, shape: Shape) -> &ProgressBar {
        let changed = self.shape != shape;
        self.shape = shape;
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
            bar.set_style(looks(shape));
            bar.enable_steady_tick(SPIN);
            bar
        });
        if changed {
            bar.set_style(looks(shape));
        }
        bar
    }
}

fn looks(shape: Shape) -> ProgressStyle {
    let template = match shape {
        Shape::Bar => "  {spinner:.cyan} {prefix} {wide_bar:.cyan/dim} {msg}",
        Shape::Spinner => "  {spinner:.cyan} {prefix}  {msg:.dim}",
    };
    let marks = style::marks();
    ProgressStyle::with_template(template)
        .expect("the template is ours")
        .progress_chars(marks.bar)
        .tick_chars(marks.spinner)
}

fn width() -> usize {
    usize::from(Term::stderr().size().1)
}

/// Cut where the line ends: a live line that wraps cannot be redrawn cleanly.
fn one_line(text: &str, what: &str, width: usize) -> String {
    truncate_str(text, width.saturating_sub(what.len() + 7), "…").into_owned()
}

/// As many numbers as leave room for a bar.
fn fitting(numbers: Vec<String>, what: &str, width: usize) -> String {
    let room = width.saturating_sub(what.len() + 6 + LEAST_BAR);
    let mut message = String::new();
    for number in numbers {
        let longer = if message.is_empty() { number } else { format!("{message}  {number}") };
        if measure_text_width(&longer) > room && !message.is_empty() {
            break;
        }
        message = longer;
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_terminals_keep_the_most_important_numbers() {
        let numbers = || ["53.4 %", "48.0 MB/s", "ETA 0:12"].map(str::to_owned).to_vec();
        assert_eq!(fitting(numbers(), "Uploading", 80), "53.4 %  48.0 MB/s  ETA 0:12");
        assert_eq!(fitting(numbers(), "Uploading", 46), "53.4 %  48.0 MB/s");
        assert_eq!(fitting(numbers(), "Uploading", 10), "53.4 %");
    }
}
