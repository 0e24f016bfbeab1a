//! Asks for one file again and again and throws the answers away in the kernel, so that a
//! comparison measures the server: `drain ADDRESS PATH CONNECTIONS REQUESTS [FIELD]`. `FIELD` is
//! a header field to send, such as `Connection: te`, with which our origin leaves the fast path.
//! Prints how many requests a second it was, and how many bytes each answer had.
//!
//! One thread waits for all connections at once. A thread each would sleep between answers, and
//! waking it is paid for by the server: the same for every server, and on a virtual machine more
//! than the answer.

#![allow(clippy::unwrap_used)] // a tool for developers may stop where it stumbles

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    os::fd::OwnedFd,
    time::Instant,
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    net::{RecvFlags, recv},
};

/// Room for a head, or for what is thrown away at once.
const BUFFER: usize = 4 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, connections, requests, rest @ ..] = &arguments[..] else {
        panic!("usage: drain ADDRESS PATH CONNECTIONS REQUESTS [FIELD]");
    };
    let field = rest.first().map(|field| format!("{field}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{field}\r\n");
    let connections: usize = connections.parse().unwrap();
    let each = requests.parse::<usize>().unwrap() / connections;
    let poll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let began = Instant::now();
    let clients = (0..connections as u64).map(|nth| Client::connect(&poll, nth, address, each));
    let mut clients: Vec<_> = clients.collect();
    for client in &mut clients {
        client.ask(request.as_bytes());
    }
    let (mut buffer, mut open) = (vec![0; BUFFER], connections);
    let mut events = Vec::with_capacity(connections);
    while open > 0 {
        epoll::wait(&poll, spare_capacity(&mut events), None).unwrap();
        for event in events.drain(..) {
            let client = &mut clients[event.data.u64() as usize];
            if client.advance(&mut buffer, request.as_bytes()) {
                open -= 1;
            }
        }
    }
    let rate = (each * connections) as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} requests/s of {} bytes", clients[0].length);
}

/// A connection.
struct Client {
    stream: TcpStream,
    /// Answers that are still to be had.
    left: usize,
    /// Of the present answer, how long it is and how much of it is missing; 0 before its head.
    length: usize,
    missing: usize,
}

impl Client {
    fn connect(poll: &OwnedFd, nth: u64, address: &str, left: usize) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(poll, &stream, EventData::new_u64(nth), flags).unwrap();
        Self { stream, left, length: 0, missing: 0 }
    }

    fn ask(&mut self, request: &[u8]) {
        // A request is short, and the one before was read.
        self.stream.write_all(request).unwrap();
    }

    /// Takes what has come, and asks again; true once all is had.
    fn advance(&mut self, buffer: &mut [u8], request: &[u8]) -> bool {
        loop {
            let (arrived, room) = if self.missing == 0 {
                match self.stream.read(&mut buffer[..2048]) {
                    Ok(read) => {
                        self.length = whole(&buffer[..read]);
                        self.missing = self.length;
                        (read, 2048)
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                    Err(error) => panic!("{error}"),
                }
            } else {
                let room = self.missing.min(buffer.len());
                match recv(&self.stream, &mut buffer[..room], RecvFlags::TRUNC) {
                    Ok((_, dropped)) => (dropped, room),
                    Err(rustix::io::Errno::AGAIN) => return false,
                    Err(error) => panic!("{error}"),
                }
            };
            assert!(arrived > 0, "the server closed the connection");
            self.missing -= arrived;
            if self.missing == 0 {
                self.left -= 1;
                if self.left == 0 {
                    return true;
                }
                self.ask(request);
                return false;
            }
            if arrived < room {
                // Nothing more is there; what comes is told.
                return false;
            }
        }
    }
}

/// Bytes of an answer that begins with `start`, in which its whole head is.
fn whole(start: &[u8]) -> usize {
    let end = start.windows(4).position(|end| end == b"\r\n\r\n").expect("a head in one piece");
    let head = std::str::from_utf8(&start[..end]).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    end + 4 + length.parse::<usize>().unwrap()
}
