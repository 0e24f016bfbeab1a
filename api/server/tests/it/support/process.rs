//! What becomes of a server's process.

use std::time::{Duration, Instant};

use super::{POLL, Server};

impl Server {
    /// Waits until it has ended; how it did.
    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                return ended;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "it goes on:\n{}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the log has so many such words.
    pub(crate) async fn until_logged(&self, words: &str, times: usize) {
        let started = Instant::now();
        while self.log().matches(words).count() < times {
            let log = self.log();
            assert!(started.elapsed() < Duration::from_secs(60), "no '{words}' in\n{log}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Takes a setting from the next process; what it was.
    pub(crate) fn take_setting(&mut self, name: &str) -> String {
        let at = self.settings.iter().position(|(known, _)| known == name);
        self.settings.remove(at.unwrap_or_else(|| panic!("{name} is not set"))).1
    }
}
