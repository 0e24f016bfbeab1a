//! What is not in memory, and what is not asked of the store: `misses [--check]` measures, before a
//! store that takes its time, how soon up to 1 000 who miss the same segment at once have its first
//! bytes, how much later than the store a cold segment begins, and what manifests of a film of ten
//! minutes and of ten hours cost once they are kept. `--check` fails where an aim is missed.

#![allow(clippy::unwrap_used)] // a tool for developers may stop where it stumbles

#[path = "misses/crowd.rs"]
mod crowd;
#[path = "support/head.rs"]
mod head;
#[path = "misses/store.rs"]
mod store;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use kinora_media::{VideoId, playback};
use kinora_origin::{ListenAddress, Listener, Metrics, OriginConfig, listen, serve};
use tokio_util::sync::CancellationToken;

use store::{FILMS, SlowStore};

/// How many ask at once: each answer takes its time, so the more there are the longer the last waits.
const CROWDS: [usize; 3] = [10, 100, 1000];
/// Cold segments, one after the other.
const COLD: u64 = 200;
/// Manifests of each film that are asked for.
const MANIFESTS: u32 = 4000;

#[tokio::main]
async fn main() {
    let check = std::env::args().any(|argument| argument == "--check");
    let folder = std::env::temp_dir().join(format!("kinora-misses-{}", std::process::id()));
    let store = SlowStore::create(folder.clone()).await;
    let anywhere = ListenAddress::from(SocketAddr::from(([127, 0, 0, 1], 0)));
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let listeners = listen(&anywhere, threads).unwrap();
    let (address, stop) = (tcp(&listeners[0]), CancellationToken::new());
    let metrics = Metrics::default();
    let config = OriginConfig { metrics: metrics.clone(), ..OriginConfig::default() };
    tokio::spawn(serve(listeners, config, store.clone(), stop.clone()));
    let measured = tokio::task::spawn_blocking(move || measure(&store, &metrics, address)).await;
    stop.cancel();
    let _ = std::fs::remove_dir_all(folder);
    let missed = measured.unwrap();
    if check && !missed.is_empty() {
        eprintln!("short of its aim: {}", missed.join(", "));
        std::process::exit(1);
    }
}

/// Prints what is seen; the names of aims that are missed.
fn measure(store: &SlowStore, metrics: &Metrics, address: SocketAddr) -> Vec<&'static str> {
    let path = |film: usize, file: &str| {
        playback::path(None, FILMS[film].0.parse::<VideoId>().unwrap(), 1, file)
    };
    let mut missed = Vec::new();
    let mut judge = |name, held: bool| missed.extend((!held).then_some(name));

    let mut client = Client::connect(address);
    client.first_byte(&path(0, "v360.m3u8"));
    store.take(Duration::from_secs(2));
    for (nth, count) in CROWDS.into_iter().enumerate() {
        let before = store.reads.load(Ordering::SeqCst);
        let file = path(0, &format!("v360/{}.m4s", COLD + 1 + nth as u64));
        let crowd::Fared { median_ms, late_ms, cost_us } =
            crowd::ask_at_once(address, &file, count);
        let reads = store.reads.load(Ordering::SeqCst) - before;
        println!(
            "{count} misses at once: {reads} read of the store; others' first byte after the \
             first's: median {median_ms:.2} ms, 99th of a hundred {late_ms:.2} ms (≤ 2); \
             {cost_us:.1} us of the server's time each"
        );
        judge("one read", reads == 1);
        judge("first byte of the median", median_ms <= 2.0);
        judge("first byte of the 99th", late_ms <= 2.0);
    }

    store.take(Duration::from_millis(5));
    let mut over = Vec::new();
    for nth in 1..=COLD {
        let took = client.first_byte(&path(0, &format!("v360/{nth}.m4s")));
        over.push((took.saturating_sub(store.last_read())).as_secs_f64() * 1000.0);
    }
    over.sort_by(f64::total_cmp);
    let (median, late) = (over[over.len() / 2], over[over.len() * 99 / 100]);
    println!(
        "first byte of a cold segment after the store's: median {median:.2} ms, 99th of a hundred \
         {late:.2} ms (≤ 5)"
    );
    judge("first byte of a cold segment", late <= 5.0);

    for file in ["hls.m3u8", "dash.mpd", "v360.m3u8"] {
        // Without the body, whose bytes are what they are.
        let before = answered_hot(metrics);
        let [short, long] = [0, 1].map(|film| client.cost_of_head(&path(film, file)));
        let hot = answered_hot(metrics) - before;
        println!(
            "{file}, kept: {short:.1} us of the server's time for ten minutes, {long:.1} us for ten \
             hours (≤ 1.5 times); {hot} of {} by the fast path",
            2 * MANIFESTS
        );
        judge("manifests", long <= 1.5 * short);
        // A head is looked at every half minute, by whoever comes first.
        judge("fast path", hot + 2 >= u64::from(2 * MANIFESTS));
    }
    missed
}

/// One connection.
struct Client {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { address, stream, buffer: vec![0; 1 << 20] }
    }

    /// From asking to the first byte; reads the rest.
    fn first_byte(&mut self, path: &str) -> Duration {
        let began = Instant::now();
        write!(self.stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut read = self.stream.read(&mut self.buffer).unwrap();
        let took = began.elapsed();
        assert!(self.buffer.starts_with(b"HTTP/1.1 200"), "{path}");
        let (head, length) = crowd::lengths(&self.buffer[..read]);
        while read < head + length {
            read += self.stream.read(&mut self.buffer).unwrap();
        }
        took
    }

    /// Microseconds of the server's time that one HEAD takes once it is kept: the least of ten batches.
    /// The client does not sleep: to wake it on another processor would cost the server more than the
    /// answer.
    fn cost_of_head(&mut self, path: &str) -> f64 {
        self.first_byte(path);
        self.stream.set_nonblocking(true).unwrap();
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        let batch = |client: &mut Self| {
            let before = crowd::server_time();
            for _ in 0..MANIFESTS / 10 {
                client.stream.write_all(request.as_bytes()).unwrap();
                let read = client.read_awake();
                assert!(client.buffer[..read].ends_with(b"\r\n\r\n"), "a head in one piece");
            }
            (crowd::server_time() - before).as_secs_f64() * 1e6 / f64::from(MANIFESTS / 10)
        };
        let least = (0..10).map(|_| batch(self)).min_by(f64::total_cmp).unwrap();
        self.stream.set_nonblocking(false).unwrap();
        least
    }

    fn read_awake(&mut self) -> usize {
        loop {
            match self.stream.read(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                read => return read.unwrap(),
            }
        }
    }
}

/// Manifests that hyper never heard of.
fn answered_hot(metrics: &Metrics) -> u64 {
    let line = "kinora_origin_answers_total{class=\"Manifest\",status=\"200\",cache=\"Hot\"} ";
    let text = metrics.render();
    text.lines().find_map(|it| it.strip_prefix(line)).map_or(0, |count| count.parse().unwrap())
}

fn tcp(listener: &Listener) -> SocketAddr {
    match listener.address().unwrap() {
        ListenAddress::Tcp(address) => address,
        ListenAddress::Unix(_) => unreachable!(),
    }
}
