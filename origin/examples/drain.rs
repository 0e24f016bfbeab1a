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

/// `count` answers on one connection; how long each was.
fn drain(address: &str, request: &[u8], count: usize) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(request).unwrap();
    let length = measure(&mut stream);
    let mut buffer = vec![0; 4 << 20];
    for _ in 1..count {
        stream.write_all(request).unwrap();
        let mut left = length;
        while left > 0 {
            let most = left.min(buffer.len());
            let (_, dropped) = recv(&stream, &mut buffer[..most], RecvFlags::TRUNC).unwrap();
            assert!(dropped > 0, "the server closed the connection");
            left -= dropped;
        }
    }
    length
}

/// Reads the first answer; all that follow are as long.
fn measure(stream: &mut TcpStream) -> usize {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let body: usize = length.parse().unwrap();
    stream.read_exact(&mut vec![0; body]).unwrap();
    head.len() + body
}
