//! Canonical WebVTT.

use std::fmt;

use super::{Cue, WebVtt, timestamp::format};

impl fmt::Display for WebVtt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WEBVTT\n")?;
        for style in &self.styles {
            write!(f, "\nSTYLE\n{style}\n")?;
        }
        for region in &self.regions {
            write!(f, "\nREGION\n{region}\n")?;
        }
        self.cues.iter().try_for_each(|cue| write!(f, "\n{cue}"))
    }
}

impl fmt::Display for Cue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = &self.id {
            writeln!(f, "{id}")?;
        }
        write!(f, "{} --> {}", format(self.start_ms), format(self.end_ms))?;
        if !self.settings.is_empty() {
            write!(f, " {}", self.settings)?;
        }
        f.write_str("\n")?;
        if !self.text.is_empty() {
            writeln!(f, "{}", self.text)?;
        }
        Ok(())
    }
}
