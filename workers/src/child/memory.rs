//! How much memory a child has: looked at while it lives, because afterwards nobody knows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::task::AbortOnDropHandle;

/// Between two looks. What is read is the peak so far, so nothing between them is missed but the
/// last.
const INTERVAL: Duration = Duration::from_millis(100);

/// Looks at a process as long as this lives.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    _task: AbortOnDropHandle<()>,
    path: String,
    peak_kib: Arc<AtomicU64>,
}

impl MemoryWatch {
    pub(super) fn start(pid: u32) -> Self {
        let peak_kib = Arc::<AtomicU64>::default();
        let seen = Arc::clone(&peak_kib);
        let path = format!("/proc/{pid}/status");
        let looked_at = path.clone();
        let watch = async move {
            let mut looks = tokio::time::interval(INTERVAL);
            loop {
                looks.tick().await;
                let Ok(status) = tokio::fs::read_to_string(&looked_at).await else { return };
                seen.fetch_max(kib(&status, "VmPeak:").unwrap_or(0), Ordering::Relaxed);
            }
        };
        Self { _task: AbortOnDropHandle::new(tokio::spawn(watch)), path, peak_kib }
    }

    /// The most address space it was seen to have, MiB.
    pub(super) fn peak_mib(&self) -> u64 {
        self.peak_kib.load(Ordering::Relaxed) >> 10
    }

    /// What it has in memory now, MiB; `None` when it is gone.
    pub(super) async fn resident_mib(&self) -> Option<u64> {
        let status = tokio::fs::read_to_string(&self.path).await.ok()?;
        kib(&status, "VmRSS:").map(|kib| kib >> 10)
    }
}

/// A size in a process's status (proc_pid_status(5)); a process that has ended has none.
fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_a_dead_process_has_none() {
        let status = "Name:\tx\nVmPeak:\t  150628 kB\nVmSize:\t 1 kB\nVmRSS:\t    900 kB\n";
        assert_eq!(kib(status, "VmPeak:"), Some(150_628));
        assert_eq!(kib(status, "VmRSS:"), Some(900));
        assert_eq!(kib("Name:\tx\nState:\tZ (zombie)\n", "VmPeak:"), None);
    }

    #[tokio::test]
    async fn a_process_is_seen() {
        let watch = MemoryWatch::start(std::process::id());
        tokio::time::timeout(Duration::from_secs(10), async {
            while watch.peak_mib() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        assert!(watch.resident_mib().await.is_some());
    }
}
