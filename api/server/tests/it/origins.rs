//! Origins as processes: one behind the other, and how much memory one takes.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use kinora_media::Status;
use kinora_testing::free_ports;

use crate::support::{Film, Server, film};

async fn status(url: &str) -> u16 {
    reqwest::get(url).await.unwrap().status().as_u16()
}

/// Waits until the playlist at `url` has `text` in it.
async fn listed(url: &str, text: &str) {
    let began = Instant::now();
    loop {
        let playlist = reqwest::get(url).await.unwrap().text().await.unwrap();
        if playlist.contains(text) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "no {text} in {playlist}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_origin_behind_another_serves_a_growing_film_and_outlives_it() {
    const LENGTH: u64 = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "known to both of the origins alone").unwrap();
    let [port] = free_ports();
    let listen = format!("127.0.0.1:{port}");
    let shared = ("KINORA_PLAYBACK_KEY_FILE", key.to_str().unwrap());
    let mut upstream = Server::start_with(&[shared, ("KINORA_ORIGIN_LISTEN", &listen)]).await;
    let mut film = Film::new(upstream.data()).await;
    film.append(2, LENGTH).await;
    film.publish(Status::Growing).await;
    let behind = [shared, ("KINORA_ORIGIN_UPSTREAM", &*upstream.origin)];
    let shield = Server::start_roles("origin", &behind).await;
    let at = |file: &str| film.url(&shield.origin, file);
    let (playlist, segment) = (at("v360.m3u8"), |nth: u64| at(&format!("v360/{nth}.m4s")));
    let whole = async |nth: u64| {
        let answer = reqwest::get(segment(nth)).await.unwrap().error_for_status().unwrap();
        assert_eq!(answer.bytes().await.unwrap(), film::bytes(nth, LENGTH), "segment {nth}");
    };
    listed(&playlist, "v360/1.m4s").await;
    whole(0).await;
    assert_eq!(status(&segment(2)).await, 404);

    let urls = [segment(0), segment(2), segment(4)];
    film.append(2, LENGTH).await;
    film.publish(Status::Growing).await;
    listed(&playlist, "v360/3.m4s").await;
    film.append(2, LENGTH).await;
    film.publish(Status::Complete).await;
    listed(&playlist, "ENDLIST").await;

    upstream.crash();
    assert_eq!(status(&urls[0]).await, 200, "it has that");
    let refused = stream::iter(0..20).map(|_| status(&urls[1])).buffer_unordered(20);
    assert_eq!(refused.collect::<Vec<_>>().await, [503; 20]);
    assert_eq!(status(&format!("{}/healthz", shield.origin)).await, 200);
    upstream.start_after_a_crash().await;
    for (nth, url) in [0, 2, 4].into_iter().zip(&urls) {
        let answer = reqwest::get(url).await.unwrap().error_for_status().unwrap();
        assert_eq!(answer.bytes().await.unwrap(), film::bytes(nth, LENGTH), "segment {nth}");
    }
}

/// Ten times as much as may be kept, watched by several, twice over.
#[tokio::test]
async fn memory_stays_within_its_bound() {
    const MIB: u64 = 1 << 20;
    let server = Server::start_with(&[("KINORA_ORIGIN_CACHE_MIB", "32")]).await;
    let mut film = Film::new(server.data()).await;
    for _ in 0..20 {
        film.append(16, MIB).await;
    }
    film.publish(Status::Complete).await;
    assert_eq!(status(&film.url(&server.origin, "v360.m3u8")).await, 200);
    let (before, client) = (server.resident(), reqwest::Client::new());
    let most = stream::iter((0..320).chain(0..320))
        .map(async |nth: u64| {
            let url = film.url(&server.origin, &format!("v360/{nth}.m4s"));
            let answer = client.get(url).send().await.unwrap();
            let mut answer = answer.error_for_status().unwrap();
            let mut length = 0;
            while let Some(piece) = answer.chunk().await.unwrap() {
                length += piece.len() as u64;
            }
            assert_eq!(length, MIB);
            server.resident().saturating_sub(before)
        })
        .buffer_unordered(8)
        .fold(0, async |most: u64, seen| most.max(seen))
        .await;
    // What is kept, a third of it on its way, and what the allocator has of it besides.
    let bound = (32 + 11 + 24) * MIB;
    println!("{} MiB more at most than before", most / MIB);
    assert!(most < bound, "{} MiB over what it began with", most / MIB);
    assert!(most > 16 * MIB, "{} MiB: it kept nothing, and this is no test", most / MIB);
}
