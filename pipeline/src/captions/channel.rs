//! One channel of captions, shown as a television shows it (47 CFR 15.119 (f)): pop-on, roll-up,
//! paint-on.

use cea608_types::{Cea608, Mode, tables::PreambleAddressCode};
use kinora_packager::text::{MAX_BYTES, MAX_CUES};

use super::{
    Shown,
    screen::{COLUMNS, ROWS, Screen, Style},
};

/// What stood on the screen for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caption {
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    /// Lines, with `<i>`, `<u>` and entities.
    pub(crate) text: String,
    /// A cue's settings.
    pub(crate) settings: String,
}

/// A caption on the screen.
#[derive(Debug, Clone)]
struct Standing {
    since_ns: i64,
    /// What it says, once it is written to its end.
    said: Option<(String, String)>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Channel {
    mode: Option<Mode>,
    displayed: Screen,
    hidden: Screen,
    row: usize,
    column: usize,
    style: Style,
    standing: Option<Standing>,
    captions: Vec<Caption>,
    bytes: usize,
    truncated: bool,
}

impl Channel {
    pub(super) fn obey(&mut self, now_ns: i64, command: Cea608) {
        match command {
            Cea608::NewMode(_, mode) => self.enter(now_ns, mode),
            Cea608::EndOfCaption(_) => {
                self.end(now_ns);
                std::mem::swap(&mut self.displayed, &mut self.hidden);
                self.mode = Some(Mode::PopOn);
                let said = self.displayed.text();
                self.standing = said.map(|text| Standing { since_ns: now_ns, said: Some(text) });
            }
            Cea608::EraseDisplay(_) => self.erase(now_ns),
            Cea608::EraseNonDisplay(_) => self.hidden = Screen::default(),
            Cea608::CarriageReturn(_) => {
                if let Some(depth) = self.depth() {
                    self.settle();
                    self.displayed.roll(self.row, depth);
                    self.column = 0;
                }
            }
            Cea608::Preamble(_, code) => self.address(code),
            Cea608::TabOffset(_, columns) => self.advance(columns.into()),
            Cea608::MidRowChange(_, change) => {
                self.write(now_ns, ' ');
                self.style = Style { italic: change.italics(), underline: change.underline() };
            }
            Cea608::Backspace(_) => {
                self.column = self.column.saturating_sub(1);
                let (row, column) = (self.row, self.column);
                self.written().erase(row, column);
            }
            Cea608::DeleteToEndOfRow(_) => {
                let (row, column) = (self.row, self.column);
                self.written().clear_row(row, column);
            }
            Cea608::Text(text) => {
                if text.needs_backspace {
                    self.column = self.column.saturating_sub(1);
                }
                let characters = [text.char1, text.char2];
                characters.into_iter().flatten().for_each(|c| self.write(now_ns, c));
            }
        }
    }

    /// Takes everything off the screen, and waits for a mode.
    pub(super) fn clear(&mut self, now_ns: i64) {
        self.erase(now_ns);
        self.hidden = Screen::default();
        self.mode = None;
    }

    pub(super) fn finish(self) -> Shown {
        Shown { captions: self.captions, truncated: self.truncated }
    }

    fn enter(&mut self, now_ns: i64, mode: Mode) {
        self.settle();
        let rolling = self.depth().is_some();
        self.mode = Some(mode);
        if mode.is_rollup() && !rolling {
            self.erase(now_ns);
            self.hidden = Screen::default();
            (self.row, self.column) = (ROWS - 1, 0);
        }
    }

    /// Rows of a roll-up window.
    fn depth(&self) -> Option<usize> {
        self.mode.and_then(|mode| mode.rollup_rows()).map(usize::from)
    }

    fn address(&mut self, code: PreambleAddressCode) {
        let row = usize::from(code.row()).min(ROWS - 1);
        if let Some(depth) = self.depth().filter(|_| row != self.row) {
            self.displayed.move_window(self.row, row, depth);
        }
        self.row = row;
        self.column = usize::from(code.column()).min(COLUMNS - 1);
        self.style = Style { italic: code.italics(), underline: code.underline() };
    }

    /// The memory that text goes into.
    fn written(&mut self) -> &mut Screen {
        match self.mode {
            Some(Mode::PopOn) | None => &mut self.hidden,
            Some(_) => &mut self.displayed,
        }
    }

    fn write(&mut self, now_ns: i64, c: char) {
        match self.mode {
            // A channel entered in the middle says nothing before it says how.
            None => return,
            Some(Mode::PopOn) => {}
            Some(_) => self.begin(now_ns),
        }
        let (row, column, style) = (self.row, self.column, self.style);
        self.written().write(row, column, c, style);
        self.advance(1);
    }

    fn advance(&mut self, columns: usize) {
        self.column = (self.column + columns).min(COLUMNS - 1);
    }

    /// Text is written where people see it: a caption stands from its first character on.
    fn begin(&mut self, now_ns: i64) {
        if self.standing.as_ref().is_some_and(|standing| standing.said.is_none()) {
            return;
        }
        self.end(now_ns);
        self.standing = Some(Standing { since_ns: now_ns, said: None });
    }

    /// What is written is complete. It stands until something else does.
    fn settle(&mut self) {
        let Some(standing) = self.standing.as_mut().filter(|standing| standing.said.is_none())
        else {
            return;
        };
        standing.said = self.displayed.text();
        if standing.said.is_none() {
            self.standing = None;
        }
    }

    fn erase(&mut self, now_ns: i64) {
        self.end(now_ns);
        self.displayed = Screen::default();
    }

    fn end(&mut self, now_ns: i64) {
        self.settle();
        let Some(Standing { since_ns, said: Some((text, settings)) }) = self.standing.take() else {
            return;
        };
        self.bytes += text.len();
        if self.captions.len() >= MAX_CUES || self.bytes > MAX_BYTES / 2 {
            self.truncated = true;
        } else if since_ns < now_ns {
            self.captions.push(Caption { start_ns: since_ns, end_ns: now_ns, text, settings });
        }
    }
}
