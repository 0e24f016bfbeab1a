//! The bytes of one field as commands to its two channels, without what else shares the line: text
//! services and extended data (47 CFR 15.119, CTA-608).

use cea608_types::{Cea608, Cea608State};

/// One field.
#[derive(Debug, Clone, Default)]
pub(super) struct Line21 {
    state: State,
    /// What comes belongs to a text service, until a caption command.
    text: bool,
    /// What comes is extended data, until its end or a control code.
    extended: bool,
}

/// The crate's decoder has no `Clone`; one that begins anew misses a repetition at most.
#[derive(Debug, Default)]
struct State(Cea608State);

impl Clone for State {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Line21 {
    /// What a pair commands, if it does; pairs with wrong parity are passed over.
    pub(super) fn decode(&mut self, pair: [u8; 2]) -> Option<Cea608> {
        let command = self.state.0.decode(pair).ok().flatten();
        let [first, second] = pair.map(|byte| byte & 0x7f);
        match first {
            0x01..=0x0e => self.extended = true,
            0x0f => {
                self.extended = false;
                return None;
            }
            0x10..=0x1f => {
                self.extended = false;
                if matches!(first, 0x14 | 0x15 | 0x1c | 0x1d) {
                    self.service(second);
                }
            }
            _ => {}
        }
        // Memories are erased whichever service is on.
        let erased = matches!(command, Some(Cea608::EraseDisplay(_) | Cea608::EraseNonDisplay(_)));
        command.filter(|_| erased || !self.extended && !self.text)
    }

    /// Whose what follows is.
    fn service(&mut self, code: u8) {
        match code {
            // Text Restart, Resume Text Display.
            0x2a | 0x2b => self.text = true,
            // Resume Caption Loading, Roll-Up 2 to 4, Resume Direct Captioning, End Of Caption.
            0x20 | 0x25..=0x27 | 0x29 | 0x2f => self.text = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captions::tests::pair;

    fn heard(pairs: &[[u8; 2]]) -> String {
        let mut line = Line21::default();
        let commands = pairs.iter().filter_map(|bytes| line.decode(pair(*bytes)));
        let said = commands.filter_map(|command| match command {
            Cea608::Text(text) => Some([text.char1, text.char2]),
            _ => None,
        });
        said.flatten().flatten().collect()
    }

    #[test]
    fn extended_data_and_text_services_are_not_captions() {
        let roll = [0x14, 0x25];
        assert_eq!(
            heard(&[roll, roll, *b"on", [0x01, 0x03], *b"XX", [0x0f, 0x1d], *b"e!"]),
            "one!"
        );
        // A caption command interrupts extended data, which may go on later.
        assert_eq!(heard(&[[0x01, 0x03], *b"XX", roll, *b"ab", [0x02, 0x03], *b"YY"]), "ab");
        assert_eq!(
            heard(&[roll, *b"ab", [0x14, 0x2b], *b"TT", [0x14, 0x2d], roll, *b"cd"]),
            "abcd"
        );
    }

    #[test]
    fn wrong_parity_is_passed_over() {
        let mut line = Line21::default();
        assert!(line.decode(pair([0x14, 0x25])).is_some());
        assert!(line.decode(*b"ac").is_none());
    }
}
