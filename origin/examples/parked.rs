//! What requests cost that wait for live media: `parked [N]` parks N blocked reloads, lets them go,
//! and says how much memory and how much of the server's time each took.

#![allow(clippy::unwrap_used)] // a tool for developers may stop where it stumbles

#[path = "support/live.rs"]
mod live;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use kinora_origin::{
    Limits, ListenAddress, Live, Metrics, OriginConfig, Timeouts, listen, serve, serve_ingest,
};
use kinora_store::FsStore;
use tokio_util::sync::CancellationToken;

const ROUNDS: u32 = 5;

#[tokio::main]
async fn main() {
    let count: usize = std::env::args().nth(1).map_or(10_000, |n| n.parse().expect("a number"));
    let folder = std::env::temp_dir().join(format!("kinora-parked-{}", std::process::id()));
    let store = Arc::new(FsStore::open(folder.clone()).unwrap());
    let (live, metrics, stop) = (Live::default(), Metrics::default(), CancellationToken::new());
    let anywhere = ListenAddress::from(SocketAddr::from(([127, 0, 0, 1], 0)));
    let listeners = listen(&anywhere, NonZeroUsize::MIN).unwrap();
    let ingest = listen(&anywhere, NonZeroUsize::MIN).unwrap().pop().unwrap();
    let (address, ingest_at) = (live::at(&listeners[0]), live::at(&ingest));
    let config = OriginConfig {
        live: live.clone(),
        metrics: metrics.clone(),
        limits: Limits { connections: count + 10, ..Limits::default() },
        timeouts: Timeouts { idle: Duration::from_secs(600), ..Timeouts::default() },
        ..OriginConfig::default()
    };
    tokio::spawn(serve(listeners, config, store, stop.clone()));
    tokio::spawn(serve_ingest(ingest, live, stop.clone()));
    tokio::task::spawn_blocking(move || measure(count, address, ingest_at, &metrics))
        .await
        .unwrap();
    stop.cancel();
    let _ = fs::remove_dir_all(folder);
}

fn measure(count: usize, address: SocketAddr, ingest: SocketAddr, metrics: &Metrics) {
    live::begin(ingest);
    let before_kib = resident_kib();
    let mut clients: Vec<_> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    for round in 1..=ROUNDS {
        for client in &mut clients {
            let path = format!("/live/{}/v360.m3u8?_HLS_msn=0&_HLS_part={round}", live::STREAM);
            write!(client, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        }
        let parked = format!("kinora_origin_parked_requests {count}\n");
        while !metrics.render().contains(&parked) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if round == 1 {
            let each = (resident_kib() - before_kib) as f64 / count as f64;
            println!("memory of a parked request: {each:.1} KiB");
        }
        let before = server_ticks();
        live::put(ingest, &format!("/v360/0.{round}?duration=250"), "part");
        while !metrics.render().contains("kinora_origin_parked_requests 0\n") {
            std::thread::sleep(Duration::from_millis(20));
        }
        for client in &mut clients {
            let mut answer = [0; 4096];
            assert!(client.read(&mut answer).unwrap() > 0);
            assert!(answer.starts_with(b"HTTP/1.1 200"));
        }
        // Clock ticks are hundredths of a second.
        let each = (server_ticks() - before) as f64 * 10_000.0 / count as f64;
        println!("round {round}: {each:.1} us of the server's time to answer each");
    }
}

fn resident_kib() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Of the origin's threads, in user and kernel mode.
fn server_ticks() -> u64 {
    let mut ticks = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        let (name, rest) = stat.split_once(')').unwrap();
        if name.ends_with("(origin-0") {
            let fields: Vec<_> = rest.split_whitespace().collect();
            ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    ticks
}
