//! Colours and marks. `console` leaves colours out where there is no terminal, under `NO_COLOR`
//! and on dumb terminals.

use console::{Style, StyledObject, style};

pub(crate) fn error(text: &str) -> StyledObject<&str> {
    style(text).for_stderr().red().bold()
}

pub(crate) fn quiet(text: &str) -> StyledObject<&str> {
    style(text).for_stderr().dim()
}

pub(crate) fn strong(text: &str) -> StyledObject<&str> {
    style(text).for_stderr().bold()
}

pub(crate) fn good(text: &str) -> StyledObject<&str> {
    style(text).for_stderr().green()
}

pub(crate) fn link(text: &str) -> StyledObject<&str> {
    style(text).for_stderr().cyan()
}

/// How a state of a video or a job looks in a table on stdout.
pub(crate) fn state(word: &str) -> Style {
    match word {
        "ready" | "done" => Style::new().green(),
        "playable" | "plays_through" | "running" => Style::new().cyan(),
        "failed" => Style::new().red(),
        "uploading" | "encoding" | "probing" => Style::new().yellow(),
        _ => Style::new().dim(),
    }
}

/// The signs progress is drawn with.
pub(crate) struct Marks {
    pub(crate) done: &'static str,
    pub(crate) failed: &'static str,
    /// Filled, head, empty.
    pub(crate) bar: &'static str,
    /// Frames of the spinner; the last one stands still.
    pub(crate) spinner: &'static str,
    pub(crate) times: &'static str,
}

const UNICODE: Marks =
    Marks {
        done: "✓", failed: "✗", bar: "━╸─", spinner: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", times: "×"
    };
const ASCII: Marks = Marks { done: "+", failed: "!", bar: "=>-", spinner: "|/-\\ ", times: "x" };

/// What this locale can show.
pub(crate) fn marks() -> &'static Marks {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let unicode = locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if unicode { &UNICODE } else { &ASCII }
}
