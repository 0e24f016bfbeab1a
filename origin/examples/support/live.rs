//! A live stream of a few bytes, sent to the listener that media comes in by.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use kinora_origin::{ListenAddress, Listener};

pub(crate) const STREAM: &str = "01890a5d-ac96-774b-bcce-b302099a8059";
const DESCRIPTION: &str = r#"{"access":"public","timescale":1000,"target_duration_s":10,
"part_target":250,"independent":true,"codec":"avc1.4d401e","bandwidth":900000,
"media":{"kind":"video","width":640,"height":360,"frame_rate":{"num":30,"den":1}}}"#;

/// Where a TCP listener listens.
pub(crate) fn at(listener: &Listener) -> SocketAddr {
    match listener.address().unwrap() {
        ListenAddress::Tcp(address) => address,
        ListenAddress::Unix(_) => unreachable!(),
    }
}

/// Begins the stream with one part of a segment.
pub(crate) fn begin(ingest: SocketAddr) {
    put(ingest, "/v360", DESCRIPTION);
    put(ingest, "/v360/init.mp4", &"init".repeat(100));
    put(ingest, "/v360/0.0?duration=250&independent", "part");
}

pub(crate) fn put(ingest: SocketAddr, path: &str, body: &str) {
    let mut stream = TcpStream::connect(ingest).unwrap();
    let length = body.len();
    let head = format!("PUT /internal/live/{STREAM}{path} HTTP/1.1\r\nHost: x\r\n");
    write!(stream, "{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}
