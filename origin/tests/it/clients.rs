//! Clients that take their time, and shutdowns that do not wait for ever.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use kinora_media::{Access, SegmentEntry, Status};
use kinora_origin::{Limits, OriginConfig, OriginError, Timeouts, listen, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::fixture::{LOOPBACK, Origin, PATIENCE, TestStore, Video, path, read_to_end};

const BIG: u64 = 6 << 20;
const SHORT: Duration = Duration::from_millis(500);

/// A video whose first segment fits no socket's buffers.
async fn origin(timeouts: Timeouts) -> Origin {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    let segment = SegmentEntry::new(BIG, 180_000);
    video.list("v360", 0, vec![segment], vec![7; BIG as usize].into()).await;
    video.publish(Status::Complete).await;
    Origin::start_with(&store, OriginConfig { timeouts, ..OriginConfig::default() }).await
}

/// Asks for the big segment with a small receive buffer.
async fn ask_for_big(origin: &Origin) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(origin.address).await.unwrap();
    let request =
        format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path("v360/0.m4s"));
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut() {
    let origin = origin(Timeouts { header: SHORT, ..Timeouts::default() }).await;
    let mut stream = origin.connect().await;
    let began = Instant::now();
    let mut cut = false;
    for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: loris".iter().cycle() {
        cut = stream.write_all(&[*byte]).await.is_err()
            || matches!(stream.try_read(&mut [0; 64]), Ok(0));
        if cut || began.elapsed() > PATIENCE {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(cut, "still open after {:?}", began.elapsed());
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn silent_connections_are_closed() {
    let timeouts = Timeouts { idle: 2 * SHORT, ..Timeouts::default() };
    let origin = origin(timeouts).await;
    let mut silent = origin.connect().await;
    assert!(read_to_end(&mut silent).await.is_empty());

    let mut kept = origin.connect().await;
    for _ in 0..2 {
        kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        sleep(SHORT / 3).await;
    }
    let answers = String::from_utf8(read_to_end(&mut kept).await).unwrap();
    assert_eq!(answers.matches("200 OK").count(), 2, "kept alive in between");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let origin = origin(Timeouts { write_stall: SHORT, ..Timeouts::default() }).await;
    let mut stream = ask_for_big(&origin).await;
    sleep(SHORT * 4).await;
    let read = read_to_end(&mut stream).await;
    assert!((read.len() as u64) < BIG, "got all of it");
}

#[tokio::test]
async fn a_slow_but_steady_client_gets_everything() {
    let short = Timeouts { header: SHORT, idle: SHORT, write_stall: SHORT, drain: SHORT };
    let origin = origin(short).await;
    let mut stream = ask_for_big(&origin).await;
    let began = Instant::now();
    let (mut read, mut buffer) = (0, vec![0; BIG as usize / 12]);
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            n => read += n as u64,
        }
        if began.elapsed() < SHORT * 4 {
            sleep(SHORT / 10).await;
        }
    }
    assert!(began.elapsed() > SHORT * 3, "longer than any of the limits");
    assert!(read > BIG, "{read} bytes with the head");
}

#[tokio::test]
async fn a_shutdown_lets_answers_end_and_takes_no_more() {
    let origin = origin(Timeouts::default()).await;
    let idle = origin.connect().await;
    let mut stream = ask_for_big(&origin).await;
    let mut first = [0; 1000];
    stream.read_exact(&mut first).await.unwrap();
    origin.shutdown.cancel();
    sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(origin.address).await.is_err());
    assert!(read_to_end(&mut stream).await.len() as u64 > BIG - 1000);
    origin.task.await.unwrap().unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let origin = origin(Timeouts { drain: SHORT, ..Timeouts::default() }).await;
    let stream = ask_for_big(&origin).await;
    stream.readable().await.unwrap();
    origin.shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, origin.task).await;
    ended.expect("within the drain time").unwrap().unwrap();
    drop(stream);
}

#[tokio::test]
async fn who_leaves_says_so_with_the_next_answer() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let leaving = CancellationToken::new();
    let config = OriginConfig { leaving: leaving.clone(), ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path("v360/0.m4s"));
    let mut kept = origin.connect().await;
    let mut answer = [0; 8192];
    // From memory the second time.
    for _ in 0..2 {
        kept.write_all(request.as_bytes()).await.unwrap();
        let length = kept.read(&mut answer).await.unwrap();
        assert!(!String::from_utf8_lossy(&answer[..length]).contains("connection: close"));
    }
    leaving.cancel();
    sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(origin.address).await.is_err());
    assert!(!origin.task.is_finished(), "a client is left");
    kept.write_all(request.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut kept).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    origin.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn heads_have_limits() {
    let origin = origin(Timeouts::default()).await;
    let head = |fields: String| format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    let many = "X: y\r\n".repeat(100);
    let large = format!("X: {}\r\n", "y".repeat(20_000));
    for fields in [many, large] {
        let answer = origin.raw(&head(fields)).await;
        assert!(answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    }
    let answer = origin.raw("nonsense\r\n\r\n").await;
    assert!(answer.starts_with(b"HTTP/1.1 400"));
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let store = TestStore::new();
    let limits = Limits { connections: 1, ..Limits::default() };
    let origin =
        Origin::start_with(&store, OriginConfig { limits, ..OriginConfig::default() }).await;
    let first = origin.connect().await;
    sleep(Duration::from_millis(50)).await;
    let mut second = origin.connect().await;
    second
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut byte)).await;
    assert!(early.is_err(), "answered beside the first");
    drop(first);
    assert!(!read_to_end(&mut second).await.is_empty());
}

#[tokio::test]
async fn weak_secrets_are_refused_at_start() {
    let store = TestStore::new();
    let mut key = crate::fixture::key();
    key.secret.truncate(31);
    let config = OriginConfig { token_keys: vec![key].into(), ..Default::default() };
    let listeners = listen(&LOOPBACK.into(), NonZeroUsize::MIN).unwrap();
    let refused = serve(listeners, config, store, CancellationToken::new()).await;
    assert!(matches!(refused, Err(OriginError::Config { setting: "token_keys", .. })));
}
