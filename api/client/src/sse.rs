//! Server-sent events (WHATWG HTML, 9.2.6): bytes in, events out. No IO, no clock.

use crate::{Error, Result};

/// A progress event is under a kilobyte; whatever is larger is not meant for us.
const MOST_BYTES: usize = 1 << 20;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// `message` unless the stream named it.
    pub(crate) name: String,
    /// The `data` lines, joined by line feeds.
    pub(crate) data: String,
}

/// Collects bytes, however they are cut, into events.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    after_cr: bool,
    began: bool,
    name: String,
    data: Option<String>,
}

impl Decoder {
    /// Takes bytes and gives the events they complete.
    ///
    /// # Errors
    /// [`Error::Protocol`] if a line or an event is beyond all bounds.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > MOST_BYTES {
                return Err(Error::Protocol("an event of more than 1 MiB".into()));
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        let began = std::mem::replace(&mut self.began, true);
        let line = if began { &line[..] } else { line.trim_start_matches('\u{feff}') };
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.to_owned(),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            // Comments, and fields that only matter to a browser's own reconnection.
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        Some(Event { name: if name.is_empty() { "message".into() } else { name }, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: hello\n\nevent: progress\ndata: {\"a\":1}\n\n\
        data:one\r\ndata: two\r\n\r\nid: 7\nretry: 10\ndata\r\revent: empty\n\n\
        event: half\ndata: never finished\n";

    fn expected() -> Vec<Event> {
        [("progress", "{\"a\":1}"), ("message", "one\ntwo"), ("message", "")]
            .map(|(name, data)| Event { name: name.into(), data: data.into() })
            .to_vec()
    }

    #[test]
    fn events_do_not_depend_on_how_the_bytes_are_cut() {
        for size in 1..=STREAM.len() {
            let mut decoder = Decoder::default();
            let mut events = Vec::new();
            for piece in STREAM.as_bytes().chunks(size) {
                events.extend(decoder.push(piece).unwrap());
            }
            assert_eq!(events, expected(), "in pieces of {size}");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::default();
        let line = [b"data: ".as_slice(), &[b'x'; 64 << 10], b"\n"].concat();
        let refused = (0..32).any(|_| decoder.push(&line).is_err());
        assert!(refused);
    }
}
