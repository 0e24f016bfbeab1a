//! Clients that are slow on purpose, and how long others wait beside them. slowhttptest is the judge.

use std::{
    net::SocketAddr,
    process::Stdio,
    time::{Duration, Instant},
};

use kinora_media::{
    Access, Encryption, SegmentEntry, Status,
    playback::{self, mint_token},
};
use kinora_origin::{Metrics, OriginConfig};
use kinora_packager::crypt::IndexKey;
use kinora_store::keys;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    task::JoinSet,
    time::{interval, sleep},
};
use zeroize::Zeroizing;

use crate::fixture::{Origin, PATIENCE, TestStore, VIDEO, Video, key, path};

/// Fits no socket's buffers.
const BIG: usize = 8 << 20;
/// How many attack at once.
const ATTACKERS: usize = 400;
/// As many stand at least for an attack to be one.
const ENOUGH: usize = ATTACKERS * 3 / 4;
/// Answers of each origin that are timed before it is judged, and how far apart they are asked for: who
/// waited for one before he asked for the next would not see how long a pause was.
const ANSWERS: usize = 1000;
const EVERY: Duration = Duration::from_millis(3);
/// So often, at most, for the noise of a busy machine to go.
const ROUNDS: usize = 4;

/// An origin before an encrypted video: of all bodies it reads those alone that ask for licences.
struct Attacked {
    origin: Origin,
    metrics: Metrics,
}

impl Attacked {
    async fn start() -> Self {
        let store = TestStore::new();
        let mut video = Video::new(&store, Access::Public).await;
        video.head.encryption = Encryption::Aes128;
        let key = IndexKey::of_random(&Zeroizing::new([7; 48])).to_text().as_bytes().to_vec();
        video.create(keys::secret(video.head.video, 1), key.into()).await;
        video.append(2).await;
        let segment = SegmentEntry::new(BIG as u64, 96_000);
        video.list("a-en", 2 * 96_000, vec![segment], vec![7; BIG].into()).await;
        video.publish(Status::Complete).await;
        let metrics = Metrics::default();
        let config = OriginConfig { metrics: metrics.clone(), ..OriginConfig::default() };
        Self { origin: Origin::start_with(&store, config).await, metrics }
    }

    fn connections(&self) -> usize {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix("kinora_origin_connections "));
        line.unwrap().parse().unwrap()
    }

    /// Waits until so many stand.
    async fn until(&self, stand: impl Fn(usize) -> bool) {
        let since = Instant::now();
        while !stand(self.connections()) {
            assert!(since.elapsed() < PATIENCE, "{} connections", self.connections());
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn attack(&self, mode: &[&str], path: &str) -> Child {
        let url = format!("http://{}{path}", self.origin.address);
        let count = ATTACKERS.to_string();
        Command::new("slowhttptest")
            .args(mode)
            // All in a second; -l is longer than any round takes.
            .args(["-c", &count, "-r", &count, "-l", "600", "-p", "600", "-u", &url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("slowhttptest is installed")
    }
}

/// The time of one answer on a connection of its own.
async fn time_of(address: SocketAddr) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path("v360/0.m4s"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    began.elapsed()
}

/// Times of both, asked at the same moments, so that what else the machine does slows down both; and how
/// many attackers stood at most.
async fn times(attacked: &Attacked, quiet: &Attacked) -> ([Vec<Duration>; 2], usize) {
    let (mut clock, mut asked, mut stood) = (interval(EVERY), JoinSet::new(), 0);
    let mut times = [Vec::new(), Vec::new()];
    let mut note = |(which, time): (usize, Duration)| times[which].push(time);
    let began = Instant::now();
    for nth in 0.. {
        if nth >= ANSWERS && stood >= ENOUGH {
            break;
        }
        assert!(stood >= ENOUGH || began.elapsed() < PATIENCE, "{stood} attackers stand");
        clock.tick().await;
        let mut both = [(0, attacked.origin.address), (1, quiet.origin.address)];
        // Neither is always the first.
        both.rotate_left(nth % 2);
        for (which, address) in both {
            asked.spawn(async move { (which, time_of(address).await) });
        }
        while let Some(timed) = asked.try_join_next() {
            note(timed.unwrap());
        }
        // All that are not ours.
        stood = stood.max(attacked.connections().saturating_sub(asked.len()));
    }
    while let Some(timed) = asked.join_next().await {
        note(timed.unwrap());
    }
    (times, stood)
}

/// Between which times the 99th percentile lies of which `times` are samples: three standard errors of
/// its rank to either side. Where the machine is busy one answer in a hundred is late by chance, and one
/// more or less of a thousand makes the plain percentile ten times what it was.
fn p99(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    let count = times.len() as f64;
    let (rank, error) = (0.99 * count, 3.0 * (0.99 * 0.01 * count).sqrt());
    let at = |rank: f64| times[(rank as usize).min(times.len() - 1)];
    (at(rank - error), at(rank + error))
}

#[tokio::test]
async fn slow_clients_do_not_slow_down_others() {
    let token = mint_token(&key(), VIDEO.parse().unwrap(), i64::MAX);
    let license = playback::path(Some(&token), VIDEO.parse().unwrap(), 1, "license");
    let reads = ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3"];
    let attacks: [(&str, &[&str], &str); 3] = [
        ("slow heads", &["-H", "-i", "1"], &path("a-en/2.m4s")),
        ("slow bodies", &["-B", "-i", "1"], &license),
        ("slow reads", &reads, &path("a-en/2.m4s")),
    ];
    let (attacked, quiet) = (Attacked::start().await, Attacked::start().await);
    for (name, mode, file) in attacks {
        let (mut slowed, mut free) = (Vec::new(), Vec::new());
        let mut held = false;
        let mut seen = String::new();
        for _ in 0..ROUNDS {
            let mut attacker = attacked.attack(mode, file);
            attacked.until(|connections| connections > 0).await;
            let ([beside, without], stood) = times(&attacked, &quiet).await;
            attacker.kill().await.unwrap();
            attacked.until(|connections| connections == 0).await;
            slowed.extend(beside);
            free.extend(without);
            let (slowed, free) = (p99(&mut slowed), p99(&mut free));
            held = slowed.0 <= 2 * free.1;
            seen = format!("{slowed:?} beside attackers, {free:?} without");
            eprintln!("{name}, {stood} of them: the 99th of a hundred took {seen}");
            if held {
                break;
            }
        }
        assert!(held, "{name}: the 99th of a hundred took {seen}");
    }
}
