//! The limits a child puts on itself before it touches the source.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    process, thread,
    time::Duration,
};

use anyhow::Context;
use kinora_plan::encoder::{Failure, FailureKind};
use rustix::{
    net::{RecvFlags, recv},
    process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit},
    thread::set_no_new_privs,
};

use super::Reporter;

/// Open files a child needs at most: plugins, scratch files, pipes.
const MAX_OPEN_FILES: u64 = 256;
/// How long the watcher lets an answer it peeked at be read.
const PEEK_PAUSE: Duration = Duration::from_millis(50);

/// What a child may use.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Address space, MiB; unlimited if absent.
    pub memory_mib: Option<u64>,
}

impl Limits {
    /// Puts the limits on this process: address space, no core files, few open files, no new
    /// privileges, and death with the parent.
    pub fn apply(self) -> anyhow::Result<()> {
        set_no_new_privs(true).context("no_new_privs")?;
        set_parent_process_death_signal(Some(Signal::KILL)).context("parent-death signal")?;
        lower(Resource::Core, 0).context("core size limit")?;
        lower(Resource::Nofile, MAX_OPEN_FILES).context("open files limit")?;
        if let Some(mib) = self.memory_mib {
            lower(Resource::As, mib.saturating_mul(1 << 20)).context("memory limit")?;
        }
        Ok(())
    }
}

fn lower(resource: Resource, limit: u64) -> rustix::io::Result<()> {
    let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
    setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
}

/// Ends the process when the worker closes the source socket, even while nothing reads from it.
pub fn watch_source(socket: &OwnedFd, reporter: Reporter) -> anyhow::Result<()> {
    let socket = UnixStream::from(socket.try_clone().context("source socket")?);
    thread::Builder::new()
        .name("source-watch".into())
        .spawn(move || {
            wait_for_close(&socket);
            reporter.failed(Failure {
                kind: FailureKind::Resource,
                code: "source_read".into(),
                message: "the worker took the source away".into(),
            });
            process::exit(1);
        })
        .context("source watcher")?;
    Ok(())
}

/// Peeks without taking: bytes that are there belong to the reader of an answer.
fn wait_for_close(socket: &UnixStream) {
    let mut byte = [0_u8; 1];
    loop {
        match recv(socket, &mut byte[..], RecvFlags::PEEK) {
            Ok((0, _)) => return,
            Ok(_) => thread::sleep(PEEK_PAUSE),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Instant};

    use super::*;

    #[test]
    fn only_a_closed_socket_ends_the_watch() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let watcher = thread::spawn(move || wait_for_close(&ours));
        thread::sleep(Duration::from_millis(20));
        assert!(!watcher.is_finished(), "an idle socket is not a closed one");
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let started = Instant::now();
        watcher.join().unwrap();
        assert!(started.elapsed() < Duration::from_secs(2));

        let (ours, mut busy) = UnixStream::pair().unwrap();
        busy.write_all(b"answer").unwrap();
        let watcher = thread::spawn(move || wait_for_close(&ours));
        thread::sleep(Duration::from_millis(80));
        assert!(!watcher.is_finished(), "bytes in flight are not an end");
        drop(busy);
        // Unread bytes hide the end of the stream: the reader finds it once it has taken them.
        drop(watcher);
        let _ = theirs.flush();
    }
}
