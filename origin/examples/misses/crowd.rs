//! Many who ask for the same at once.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};

/// Milliseconds from the first byte of who asked first to that of the others: the median, and the
/// 99th of a hundred. All have asked before the store answers.
pub(crate) fn behind_the_first(address: SocketAddr, path: &str, count: usize) -> (f64, f64) {
    let poll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let mut clients: Vec<_> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (nth, client) in clients.iter_mut().enumerate() {
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&poll, &*client, EventData::new_u64(nth as u64), flags).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    }
    let mut seen: Vec<Option<Instant>> = vec![None; count];
    let mut events = Vec::with_capacity(count);
    while seen.iter().any(Option::is_none) {
        epoll::wait(&poll, spare_capacity(&mut events), None).unwrap();
        let now = Instant::now();
        for event in events.drain(..) {
            seen[event.data.u64() as usize].get_or_insert(now);
        }
    }
    // What is read while others still wait would take the server's time.
    for client in &mut clients {
        let mut start = [0; 12];
        client.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
    }
    let first = seen[0].unwrap();
    let mut after: Vec<_> = seen[1..]
        .iter()
        .map(|at| at.unwrap().saturating_duration_since(first).as_secs_f64() * 1000.0)
        .collect();
    after.sort_by(f64::total_cmp);
    (after[after.len() / 2], after[after.len() * 99 / 100])
}

/// Bytes of the head that `start` begins with, and of the body it tells of.
pub(crate) fn lengths(start: &[u8]) -> (usize, usize) {
    let end = start.windows(4).position(|end| end == b"\r\n\r\n").expect("a head in one piece");
    let head = std::str::from_utf8(&start[..end]).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    (end + 4, length.parse().unwrap())
}
