//! Messages to the worker: JSON lines on standard output.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kinora_plan::encoder::{AudioPart, Failure, Message, Outcome};

/// Progress is told at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Writes [`Message`]s, one a line, each flushed. Clones write to the same place.
///
/// After `done` or `failed` nothing more is written, whichever thread says it. A worker that no
/// longer listens is noticed by its closing the source, not here: failed writes are ignored.
#[derive(Clone)]
pub struct Reporter {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    out: Box<dyn Write + Send>,
    finished: bool,
    told: Option<Instant>,
}

impl Reporter {
    /// A reporter on standard output.
    pub fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }

    /// A reporter that writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { out, finished: false, told: None })) }
    }

    /// Says how far the task is; swallowed when the last such message is too recent.
    pub fn progress(&self, done: u64, total: u64) {
        {
            let mut shared = self.lock();
            if shared.told.is_some_and(|told| told.elapsed() < PROGRESS_INTERVAL) {
                return;
            }
            shared.told = Some(Instant::now());
        }
        self.send(&Message::Progress { done, total });
    }

    /// Says that a part of an audio track is in its file.
    pub fn audio_part(&self, part: AudioPart) {
        self.send(&Message::AudioPart(part));
    }

    /// Says what was made. The last message.
    pub fn done(&self, outcome: Outcome) {
        self.send(&Message::Done(outcome));
    }

    /// Goes on with another task, whose last word is still to come.
    pub fn next_task(&self) {
        let mut shared = self.lock();
        (shared.finished, shared.told) = (false, None);
    }

    /// Says why nothing was made. The last message.
    pub fn failed(&self, failure: Failure) {
        self.send(&Message::Failed(failure));
    }

    fn send(&self, message: &Message) {
        let mut line = serde_json::to_vec(message).expect("messages have only text keys");
        line.push(b'\n');
        let mut shared = self.lock();
        if shared.finished {
            return;
        }
        shared.finished = matches!(message, Message::Done(_) | Message::Failed(_));
        let _ = shared.out.write_all(&line).and_then(|()| shared.out.flush());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use kinora_plan::encoder::{AudioOutcome, FailureKind};

    use super::*;

    struct Lines(mpsc::Sender<Vec<u8>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn progress_is_throttled_and_the_last_word_is_last() {
        let (sender, receiver) = mpsc::channel();
        let reporter = Reporter::new(Box::new(Lines(sender)));
        reporter.progress(1, 10);
        reporter.progress(2, 10);
        let outcome = AudioOutcome { parts: 0, duration: 0, loudness: None, warnings: vec![] };
        reporter.clone().done(Outcome::Audio(outcome));
        reporter.failed(Failure {
            kind: FailureKind::Internal,
            code: "late".into(),
            message: String::new(),
        });
        drop(reporter);
        let lines: Vec<Message> =
            receiver.iter().map(|line| serde_json::from_slice(&line).unwrap()).collect();
        assert!(matches!(
            lines[..],
            [Message::Progress { done: 1, total: 10 }, Message::Done(Outcome::Audio(_))]
        ));
    }
}
