//! Many who ask for the same at once, on one thread that looks what has come every tenth of a
//! millisecond: were it woken for each, it would take the server's time and have it pay for that.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};

/// From one look to the next.
const LOOK: Duration = Duration::from_micros(100);
/// Until the server has read what was asked, and until it has sent what is left.
const ASKED: Duration = Duration::from_millis(300);
const SENT: Duration = Duration::from_millis(300);

/// How a crowd fared.
pub(crate) struct Fared {
    /// Milliseconds from the first byte that came to anyone to the others' first: the median, and the
    /// 99th of a hundred.
    pub(crate) median_ms: f64,
    pub(crate) late_ms: f64,
    /// Microseconds of the server's time for each answer, from when the store answers.
    pub(crate) cost_us: f64,
}

/// All have asked before the store answers.
pub(crate) fn ask_at_once(address: SocketAddr, path: &str, count: usize) -> Fared {
    let poll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let mut clients: Vec<_> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (nth, client) in clients.iter_mut().enumerate() {
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&poll, &*client, EventData::new_u64(nth as u64), flags).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    }
    thread::sleep(ASKED);
    let before = server_time();
    let mut seen: Vec<Option<Instant>> = vec![None; count];
    let mut events = Vec::with_capacity(count);
    while seen.iter().any(Option::is_none) {
        epoll::wait(&poll, spare_capacity(&mut events), None).unwrap();
        let now = Instant::now();
        for event in events.drain(..) {
            seen[event.data.u64() as usize].get_or_insert(now);
        }
        thread::sleep(LOOK);
    }
    thread::sleep(SENT);
    let cost_us = (server_time() - before).as_secs_f64() * 1e6 / count as f64;
    // What is read while others still wait would take the server's time.
    for client in &mut clients {
        let mut start = [0; 12];
        client.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
    }
    let mut seen: Vec<_> = seen.into_iter().flatten().collect();
    seen.sort();
    let after = |nth: usize| (seen[nth] - seen[0]).as_secs_f64() * 1000.0;
    Fared { median_ms: after(count / 2), late_ms: after(count * 99 / 100), cost_us }
}

/// What the origin's threads have had of a processor.
pub(crate) fn server_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let ours = tasks.filter(|task| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("origin-"))
    });
    let nanoseconds = ours.map(|task| {
        let spent = fs::read_to_string(task.join("schedstat")).unwrap();
        spent.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Bytes of the head that `start` begins with, and of the body it tells of.
pub(crate) fn lengths(start: &[u8]) -> (usize, usize) {
    let end = start.windows(4).position(|end| end == b"\r\n\r\n").expect("a head in one piece");
    let head = std::str::from_utf8(&start[..end]).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    (end + 4, length.parse().unwrap())
}
