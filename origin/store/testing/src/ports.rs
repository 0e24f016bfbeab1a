//! Ports for servers that cannot say which one they took.

use std::{
    fs::{File, OpenOptions},
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

use rustix::fs::{FlockOperation, flock};

/// Those of this process.
static OURS: Mutex<Option<Ours>> = Mutex::new(None);

/// A hundred ports that no other process of ours gets any of.
struct Ours {
    first: u16,
    /// The next one to try: what was given out a moment ago may not be in use yet.
    next: u16,
    _locked: File,
}

const MANY: u16 = 100;

/// Ports below those that the system gives to clients, so that nobody gets them in between, from a
/// hundred of this process's own.
///
/// # Panics
/// When there are not as many.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = ours.get_or_insert_with(Ours::take);
    std::array::from_fn(|_| ours.free())
}

impl Ours {
    /// The first hundred that nobody has, from a place that depends on the process.
    fn take() -> Self {
        let begin = u16::try_from(std::process::id() % 100).expect("less than a hundred");
        let taken = (0..100).find_map(|step| {
            let first = 20_000 + (begin + step) % 100 * MANY;
            let name = std::env::temp_dir().join(format!("kinora-ports-{first}"));
            let file =
                OpenOptions::new().create(true).truncate(false).write(true).open(name).ok()?;
            // It is let go with the process.
            flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
            Some(Self { first, next: 0, _locked: file })
        });
        taken.expect("not a hundred processes test at once")
    }

    fn free(&mut self) -> u16 {
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let mut all = (0..MANY).map(|step| self.first + (self.next + step) % MANY);
        let port = all.find(free).expect("some of a hundred ports are free");
        self.next = port - self.first + 1;
        port
    }
}
