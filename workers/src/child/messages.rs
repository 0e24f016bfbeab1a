//! The child's standard output: one message a line, of bounded length.

use kinora_plan::encoder::Message;
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
                let message = serde_json::from_slice(&self.buffer[..end]);
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

#[cfg(test)]
mod tests {
    use kinora_plan::encoder::{Failure, FailureKind};
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn lines_become_messages_however_they_arrive() {
        let text = "{\"type\":\"progress\",\"done\":1,\"total\":2}\n";
        let twice = [text, text, "{\"type\":\"prog"].concat();
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
