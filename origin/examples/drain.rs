//! Asks for one file again and again and throws the answers away in the kernel, so that a
//! comparison measures the server: `drain ADDRESS PATH CONNECTIONS REQUESTS [FIELD]`. `FIELD` is
//! a header field to send, such as `CMCD-Object: ot=v`, with which our origin leaves the fast path.
//! Prints how many requests a second it was, and how many bytes each answer had.

#![allow(clippy::unwrap_used)] // a tool for developers may stop where it stumbles

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Instant,
};

use rustix::net::{RecvFlags, recv};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, connections, requests, rest @ ..] = &arguments[..] else {
        panic!("usage: drain ADDRESS PATH CONNECTIONS REQUESTS [FIELD]");
    };
    let field = rest.first().map(|field| format!("{field}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{field}\r\n");
    let connections: usize = connections.parse().unwrap();
    let each = requests.parse::<usize>().unwrap() / connections;
    let began = Instant::now();
    let clients = (0..connections).map(|_| {
        let (address, request) = (address.clone(), request.clone());
        thread::spawn(move || drain(&address, request.as_bytes(), each))
    });
    let clients: Vec<_> = clients.collect();
    let lengths: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let rate = (each * connections) as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} requests/s of {} bytes", lengths[0]);
}

/// `count` answers on one connection; how long the last was.
fn drain(address: &str, request: &[u8], count: usize) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 4 << 20];
    let mut length = 0;
    for _ in 0..count {
        stream.write_all(request).unwrap();
        let (read, whole) = head(&mut stream, &mut buffer);
        length = whole;
        let mut left = whole - read;
        while left > 0 {
            let most = left.min(buffer.len());
            let (_, dropped) = recv(&stream, &mut buffer[..most], RecvFlags::TRUNC).unwrap();
            assert!(dropped > 0, "the server closed the connection");
            left -= dropped;
        }
    }
    length
}

/// Reads until the head is there; bytes that were read, and those of the whole answer.
fn head(stream: &mut TcpStream, buffer: &mut [u8]) -> (usize, usize) {
    let mut read = 0;
    loop {
        let more = stream.read(&mut buffer[read..2048]).unwrap();
        assert!(more > 0, "the server closed the connection, or its head is long");
        read += more;
        let Some(end) = buffer[..read].windows(4).position(|end| end == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&buffer[..end]).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        return (read, end + 4 + length.parse::<usize>().unwrap());
    }
}
