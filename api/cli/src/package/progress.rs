//! A bar on a terminal; elsewhere nothing, because it takes seconds.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::style;

/// How far the copy is.
#[derive(Debug)]
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn begin(quiet: bool, bytes: u64) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let template = "  Packaging {wide_bar:.cyan/dim} {bytes} of {total_bytes}  {bytes_per_sec}";
        let looks = ProgressStyle::with_template(template).expect("the template is ours");
        bar.set_style(looks.progress_chars(style::marks().bar));
        Self(Some(bar))
    }

    pub(super) fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
