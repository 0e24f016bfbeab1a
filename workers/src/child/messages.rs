//! The child's standard output: one message a line, of bounded length.

use std::fmt;

use kinora_plan::encoder::{Failure, Message};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line, bytes: a probe of a long film whose every frame is a key frame.
const MAX_LINE: usize = 32 << 20;
/// Bytes asked for at a time.
const PIECE: usize = 16 << 10;

/// Why a line is no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum MessageError {
    #[error("a message of more than {MAX_LINE} bytes")]
    TooLong,
    #[error("a line that is no message: {0}")]
    NotAMessage(#[from] serde_json::Error),
    #[error("its output cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

/// Reads messages.
#[derive(Debug)]
pub(super) struct Messages<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that hold no line end.
    searched: usize,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), searched: 0 }
    }

    /// The next message; `None` at the end. A last line without an end is that of a child that
    /// died over it, and does not count. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, MessageError> {
        loop {
            let fresh = &self.buffer[self.searched..];
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let end = self.searched + at;
                let message = parse(&self.buffer[..end]);
                self.buffer.drain(..=end);
                self.searched = 0;
                return Ok(Some(message?));
            }
            self.searched = self.buffer.len();
            if self.searched > MAX_LINE {
                return Err(MessageError::TooLong);
            }
            self.buffer.reserve(PIECE);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// A line as a message. A failure's line names two things `message`, the kind of message and then
/// the failure's sentence, which derived reading refuses.
fn parse(line: &[u8]) -> Result<Message, serde_json::Error> {
    serde_json::from_slice(line).or_else(|error| match serde_json::from_slice(line) {
        Ok(FailedLine(failure)) => Ok(Message::Failed(failure)),
        Err(_) => Err(error),
    })
}

/// `{"message":"failed", "kind":…, "code":…, "message":…}`.
struct FailedLine(Failure);

impl<'de> Deserialize<'de> for FailedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FailedLineVisitor)
    }
}

struct FailedLineVisitor;

impl<'de> Visitor<'de> for FailedLineVisitor {
    type Value = FailedLine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a failure")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FailedLine, A::Error> {
        if map.next_entry::<String, String>()? != Some(("message".into(), "failed".into())) {
            return Err(A::Error::custom("not a failure"));
        }
        Failure::deserialize(MapAccessDeserializer::new(map)).map(FailedLine)
    }
}

#[cfg(test)]
mod tests {
    use kinora_plan::encoder::FailureKind;
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn lines_become_messages_however_they_arrive() {
        let text = "{\"message\":\"progress\",\"done\":1,\"total\":2}\n";
        let twice = [text, text, "{\"message\":\"prog"].concat();
        let (mut sender, receiver) = tokio::io::duplex(7);
        tokio::spawn(async move { sender.write_all(twice.as_bytes()).await });
        let mut messages = Messages::new(receiver);
        for _ in 0..2 {
            let message = messages.next().await.unwrap();
            assert_eq!(message, Some(Message::Progress { done: 1, total: 2 }));
        }
        assert!(messages.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_failure_survives_the_wire() {
        let failure = Failure {
            kind: FailureKind::Input,
            code: "not_media".into(),
            message: "This is not media.".into(),
        };
        let message = Message::Failed(failure);
        let line = serde_json::to_string(&message).unwrap() + "\n";
        let read = Messages::new(line.as_bytes()).next().await.unwrap();
        assert_eq!(read, Some(message), "{line}");
    }

    #[tokio::test]
    async fn what_is_no_message_or_has_no_end_is_an_error() {
        let error = Messages::new(&b"hello\n"[..]).next().await.unwrap_err();
        assert!(matches!(error, MessageError::NotAMessage(_)), "{error}");
        let error = Messages::new(tokio::io::repeat(b'x')).next().await.unwrap_err();
        assert!(matches!(error, MessageError::TooLong), "{error}");
    }
}
