//! Connections on which something live is waited for.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::{
    fixture::read_to_end,
    live::{Stream, live},
};

async fn until_parked(stream: &Stream, count: usize) {
    let parked = format!("kinora_origin_parked_requests {count}\n");
    while !stream.metrics.render().contains(&parked) {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Reads one head, and as much of a body as it says.
async fn answer(client: &mut TcpStream, has_body: bool) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = vec![0; if has_body { length.parse().unwrap() } else { 0 }];
    client.read_exact(&mut body).await.unwrap();
    (head, body)
}

/// Answers keep their order whoever gives them, and say what hyper says.
#[tokio::test]
async fn what_is_asked_behind_a_reload_waits_for_it() {
    let stream = Stream::new().await;
    stream.part(0, 0).await;
    let mut client = stream.origin.connect().await;
    let reload = live("v360.m3u8?_HLS_msn=0&_HLS_part=1");
    let usual = "Connection: te\r\n";
    for (method, path, field) in [
        ("HEAD", reload.as_str(), ""),
        ("GET", reload.as_str(), ""),
        ("GET", reload.as_str(), usual),
        ("GET", "/healthz", ""),
        ("GET", &live("v360.m3u8?_HLS_part=1"), ""),
        ("GET", &live("v360/0.1.m4s"), ""),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{field}\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
    }
    until_parked(&stream, 1).await;
    stream.part(0, 1).await;
    let (head, _) = answer(&mut client, false).await;
    let (first, playlist) = answer(&mut client, true).await;
    let (by_hyper, same) = answer(&mut client, true).await;
    let fields = |head: &str| {
        let fields = head.lines().filter(|line| {
            !["date: ", "server-timing: "].iter().any(|name| line.starts_with(name))
        });
        let mut fields: Vec<_> = fields.map(str::to_owned).collect();
        fields.sort();
        fields
    };
    assert_eq!(fields(&head), fields(&first));
    assert_eq!(fields(&by_hyper), fields(&first));
    assert_eq!(playlist, same);
    assert!(String::from_utf8(playlist).unwrap().contains("#EXT-X-PART:"));
    let (health, _) = answer(&mut client, true).await;
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    let (refused, problem) = answer(&mut client, true).await;
    assert!(refused.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{refused}");
    assert!(String::from_utf8(problem).unwrap().contains("_HLS_msn"));
    let (part, _) = answer(&mut client, true).await;
    assert!(part.contains("content-type: video/mp4\r\n"), "{part}");
}

#[tokio::test]
async fn who_hangs_up_waits_no_more() {
    let stream = Stream::new().await;
    stream.part(0, 0).await;
    let mut client = stream.origin.connect().await;
    let reload = live("v360.m3u8?_HLS_msn=0&_HLS_part=1");
    let request = format!("GET {reload} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    until_parked(&stream, 1).await;
    drop(client);
    until_parked(&stream, 0).await;
}

/// Who waits is told that it was in vain, and nothing else.
#[tokio::test]
async fn a_shutdown_lets_who_waits_have_an_answer() {
    let stream = Stream::new().await;
    stream.part(0, 0).await;
    let mut client = stream.origin.connect().await;
    let reload = live("v360.m3u8?_HLS_msn=0&_HLS_part=1");
    let request = format!("GET {reload} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_all(request.repeat(2).as_bytes()).await.unwrap();
    until_parked(&stream, 1).await;
    stream.origin.shutdown.cancel();
    let said = String::from_utf8(read_to_end(&mut client).await).unwrap();
    assert!(said.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{said}");
    assert!(said.contains("connection: close\r\n"), "{said}");
    assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
}
