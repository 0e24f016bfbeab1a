//! Media in memory: what is read once, what stays, and how much it may be.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures::future::join_all;
use kinora_media::{Access, SegmentEntry, Status};
use kinora_origin::{Caches, CmcdSink, Metrics, Notices, OriginConfig};
use kinora_store::{ObjectStore, keys};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fixture::{Origin, PATIENCE, TestStore, Video, path, segment, track};

const MIB: u64 = 1 << 20;
/// So many at once as a test process surely has file descriptors for.
const CROWD: usize = 300;
/// So many as it has once it asked for more.
const THOUSAND: usize = 1000;

/// An origin before a video of `count` segments of `size` bytes.
async fn origin(
    store: &std::sync::Arc<TestStore>,
    count: u64,
    size: u64,
    caches: Caches,
) -> Origin {
    let mut video = Video::new(store, Access::Public).await;
    for nth in 0..count {
        let body = vec![nth as u8; size as usize];
        let segment = SegmentEntry::new(size, 180_000);
        video.list("v360", nth * 180_000, vec![segment], body.into()).await;
    }
    video.publish(Status::Complete).await;
    Origin::start_with(store, OriginConfig { caches, ..OriginConfig::default() }).await
}

/// Lets this process have the files that so many connections take, at both ends.
fn crowd() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(8192, |most| most.min(8192));
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).unwrap();
    }
    assert!(wanted >= 2 * THOUSAND as u64 + 100, "{wanted} files are too few: see `ulimit -Hn`");
    THOUSAND
}

#[tokio::test]
async fn a_thousand_misses_at_once_are_one_read() {
    let (store, crowd) = (TestStore::new(), crowd());
    Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let file = path("v360/3.m4s");
    assert_eq!(origin.status(&path("v360.m3u8")).await, 200, "the index is known");
    store.open_gate(0);
    let ask = || async { origin.get(&file).await.bytes().await.unwrap() };
    let asked = join_all((0..crowd).map(|_| ask()));
    let opened = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        store.open_gate(1000);
    };
    let (answers, ()) = tokio::join!(asked, opened);
    assert!(answers.iter().all(|body| *body == segment("v360", 3)));
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 1);
    let again = origin.request("GET", &file).header("If-Match", "*").send().await.unwrap();
    let timing = again.headers()["server-timing"].to_str().unwrap().to_owned();
    assert!(timing.starts_with("origin;desc=hit;dur="), "{timing}");
    let range = origin.request("GET", &file).header("Range", "bytes=1-2").send().await.unwrap();
    assert_eq!(range.status(), 206);
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_dead_store_is_everybodys_failure_and_is_not_remembered() {
    let store = TestStore::new();
    Video::finished(&store, Access::Public).await;
    let (cmcd, mut reports) = CmcdSink::channel(CROWD);
    let origin = Origin::start_with(&store, OriginConfig { cmcd, ..OriginConfig::default() }).await;
    let file = path("v360/3.m4s");
    assert_eq!(origin.status(&path("v360.m3u8")).await, 200, "the index is known");
    store.open_gate(0);
    store.away.store(true, Ordering::SeqCst);
    // What a request reports is taken when its file is looked for: then it is one that waits.
    let reporting = format!("{file}?CMCD=bl%3D100");
    let asked = join_all((0..CROWD).map(|_| origin.status(&reporting)));
    let opened = async {
        for _ in 0..CROWD {
            reports.recv().await.unwrap();
        }
        store.open_gate(1000);
    };
    let (statuses, ()) = tokio::join!(asked, opened);
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
    let reads = store.media_reads.load(Ordering::SeqCst);
    // The last to report may still be on its way to the others.
    assert!(reads <= 2, "{reads} reads for all who waited");
    store.away.store(false, Ordering::SeqCst);
    assert_eq!(origin.get(&file).await.bytes().await.unwrap(), segment("v360", 3));
}

/// Who joins does not wait for the whole file.
#[tokio::test]
async fn followers_stream_with_the_first() {
    let store = TestStore::new();
    let origin = origin(&store, 1, 3 * MIB, Caches::default()).await;
    store.open_gate(1);
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path("v360/0.m4s"));
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = origin.connect().await;
        client.write_all(request.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let mut first = vec![0; MIB as usize];
    for client in &mut clients {
        client.read_exact(&mut first).await.unwrap();
    }
    // A client may have all of the first slice before anyone asks for the second.
    while store.media_reads.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 2, "one more waits at the gate");
    store.open_gate(2);
    let mut rest = vec![0; 2 * MIB as usize];
    for client in &mut clients {
        client.read_exact(&mut rest).await.unwrap();
    }
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_scan_does_not_push_out_what_is_watched() {
    let store = TestStore::new();
    let caches = Caches { media_bytes: 4 * MIB, ..Caches::default() };
    let origin = origin(&store, 100, MIB / 4, caches).await;
    let ask = async |nth: u64| {
        let answer = origin.get(&path(&format!("v360/{nth}.m4s"))).await;
        assert_eq!(answer.bytes().await.unwrap(), vec![nth as u8; MIB as usize / 4]);
    };
    for _ in 0..4 {
        for nth in 0..6 {
            ask(nth).await;
        }
    }
    assert_eq!(store.media_reads.load(Ordering::SeqCst), 6, "read once");
    for nth in 10..100 {
        ask(nth).await;
    }
    let reads = store.media_reads.load(Ordering::SeqCst);
    for nth in 0..6 {
        ask(nth).await;
    }
    let again = store.media_reads.load(Ordering::SeqCst) - reads;
    assert!(again <= 1, "{again} of 6 were pushed out");
}

#[tokio::test]
async fn what_is_deleted_leaves_memory() {
    let (store, metrics, notices) = (TestStore::new(), Metrics::default(), Notices::default());
    let mut video = Video::finished(&store, Access::Public).await;
    let (counted, noticed) = (metrics.clone(), notices.clone());
    let config = OriginConfig { metrics, notices, ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    let kept = || {
        let text = counted.render();
        let line = text.lines().find_map(|it| it.strip_prefix("kinora_origin_cached_bytes "));
        line.unwrap().parse::<u64>().unwrap()
    };
    for file in ["v360/0.m4s", "a-en/5.m4s"] {
        assert_eq!(origin.status(&path(file)).await, 200);
    }
    assert!(kept() > 2000, "{}", kept());
    video.publish(Status::Deleted).await;
    noticed.notify_head(video.head.video, 1);
    assert_eq!(origin.status(&path("v360/0.m4s")).await, 410);
    assert_eq!(kept(), 0);
}

/// Whoever asks for it, and however often.
#[tokio::test]
async fn what_is_not_there_is_looked_for_once_a_second() {
    let store = TestStore::new();
    let video = Video::finished(&store, Access::Public).await;
    let origin = Origin::start(&store).await;
    let object = keys::chunk_object(0, 1);
    let object = keys::track_object(video.head.video, 1, &track("v360"), &object);
    let (_, body) = store.get(&object).await.unwrap().unwrap();
    store.delete(&object).await.unwrap();
    let began = Instant::now();
    for _ in 0..20 {
        for file in ["v360/0.m4s", "v360/1.m4s"] {
            assert_eq!(origin.status(&path(file)).await, 404);
        }
    }
    let (reads, seconds) = (store.media_reads.load(Ordering::SeqCst), began.elapsed().as_secs());
    assert!(u64::from(reads) <= 1 + seconds, "{reads} reads in {seconds} s");
    video.create(object, body).await;
    while origin.status(&path("v360/0.m4s")).await == 404 {
        assert!(began.elapsed() < PATIENCE, "it is still believed not to be there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(origin.get(&path("v360/1.m4s")).await.bytes().await.unwrap(), segment("v360", 1));
}

/// Ten times as much as may be kept, and clients that do not take what they asked for.
#[tokio::test]
async fn memory_is_bounded() {
    let store = TestStore::new();
    let (kept, sending) = (16 * MIB, 8 * MIB);
    let caches = Caches { media_bytes: kept, sending_bytes: sending, ..Caches::default() };
    let origin = origin(&store, 160, MIB, caches).await;
    let before = resident();
    let mut idle = Vec::new();
    let mut most = 0;
    for nth in 0..160 {
        let file = path(&format!("v360/{nth}.m4s"));
        if nth % 32 == 0 {
            let mut client = origin.connect().await;
            let request = format!("GET {file} HTTP/1.1\r\nHost: x\r\n\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            idle.push(client);
        }
        let mut answer = origin.get(&file).await;
        let mut length = 0;
        while let Some(chunk) = answer.chunk().await.unwrap() {
            length += chunk.len() as u64;
        }
        assert_eq!(length, MIB);
        most = most.max(resident().saturating_sub(before));
    }
    assert!(store.media_reads.load(Ordering::SeqCst) >= 150, "it is no use as a test");
    // The allocator and the client keep some of what they had.
    let bound = kept + sending + 12 * MIB;
    assert!(most < bound, "{most} bytes over what it began with, {bound} at most");
    println!("{} MiB resident at most for {} MiB kept", most / MIB, kept / MIB);
}

/// Bytes of this process in memory, shared ones too.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
