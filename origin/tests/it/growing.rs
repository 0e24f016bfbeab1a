//! A video that is watched while it is encoded.

use std::time::{Duration, Instant};

use kinora_media::{Access, Period, Status};
use kinora_origin::{Caches, Notices, OriginConfig};
use kinora_store::keys;

use crate::fixture::{Origin, SECONDS, TestStore, Video, path, track};

#[tokio::test]
async fn a_playlist_follows_within_half_a_target_duration() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    video.append(2).await;
    video.publish(Status::Growing).await;
    let origin = Origin::start(&store).await;
    let mut before = origin.text(&path("v360.m3u8")).await;
    for last in [false, true] {
        video.append(2).await;
        if last {
            video.close_page().await;
        }
        video.publish(if last { Status::Complete } else { Status::Growing }).await;
        let published = Instant::now();
        let after = loop {
            // How long the answer takes is the machine's business.
            let asked = published.elapsed();
            let after = origin.text(&path("v360.m3u8")).await;
            if after != before {
                break after;
            }
            assert!(asked <= Duration::from_secs(SECONDS) / 2, "asked {asked:?} later");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(after.starts_with(&before), "what was listed changed:\n{before}\n{after}");
        assert_eq!(after.ends_with("#EXT-X-ENDLIST\n"), last);
        before = after;
    }
}

#[tokio::test]
async fn a_notice_is_effective_at_once() {
    let store = TestStore::new();
    let notices = Notices::default();
    let config = OriginConfig { notices: notices.clone(), ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    assert_eq!(origin.status(&path("hls.m3u8")).await, 404);

    let mut video = Video::new(&store, Access::Public).await;
    video.publish(Status::Growing).await;
    notices.notify_head(video.head.video, 1);
    assert_eq!(origin.status(&path("v360.m3u8")).await, 404, "nothing to play yet");
    for segments in 1..=3 {
        video.append(1).await;
        video.publish(Status::Growing).await;
        notices.notify_head(video.head.video, 1);
        let playlist = origin.text(&path("v360.m3u8")).await;
        assert_eq!(playlist.matches("#EXTINF").count(), segments);
    }
    video.publish(Status::Complete).await;
    notices.notify_head(video.head.video, 1);
    assert!(origin.text(&path("v360.m3u8")).await.contains("#EXT-X-ENDLIST"));
    video.publish(Status::Deleted).await;
    notices.notify_head(video.head.video, 1);
    assert_eq!(origin.status(&path("v360.m3u8")).await, 410);
    assert_eq!(origin.status(&path("v360/0.m4s")).await, 410);
}

#[tokio::test]
async fn a_tombstone_is_seen_without_a_notice() {
    let store = TestStore::new();
    let mut video = Video::finished(&store, Access::Public).await;
    let life = Duration::from_millis(200);
    let caches = Caches { complete_head_life: life, ..Caches::default() };
    let origin =
        Origin::start_with(&store, OriginConfig { caches, ..OriginConfig::default() }).await;
    assert_eq!(origin.status(&path("hls.m3u8")).await, 200);
    video.publish(Status::Deleted).await;
    tokio::time::sleep(life).await;
    assert_eq!(origin.status(&path("hls.m3u8")).await, 410);
}

/// Its manifest came from an origin that looked later, say: this one must look too.
#[tokio::test]
async fn a_segment_ahead_of_the_known_head_is_looked_for() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    video.append(1).await;
    video.publish(Status::Growing).await;
    let origin = Origin::start(&store).await;
    assert_eq!(origin.status(&path("v360/0.m4s")).await, 200);
    video.append(1).await;
    video.publish(Status::Growing).await;
    tokio::time::sleep(Duration::from_millis(260)).await;
    assert_eq!(origin.status(&path("v360/1.m4s")).await, 200);
    assert_eq!(origin.status(&path("v360/2.m4s")).await, 404);
}

/// Two revisions in one second differ by entity tag only.
#[tokio::test]
async fn a_date_does_not_validate_what_grows() {
    let store = TestStore::new();
    let mut video = Video::new(&store, Access::Public).await;
    video.append(1).await;
    video.publish(Status::Growing).await;
    let origin = Origin::start(&store).await;
    let first = origin.get(&path("v360.m3u8")).await;
    let modified = first.headers()["last-modified"].clone();
    let since = async |origin: &Origin| {
        let request = origin.request("GET", &path("v360.m3u8"));
        request.header("If-Modified-Since", &modified).send().await.unwrap().status()
    };
    assert_eq!(since(&origin).await, 200);
    video.append(1).await;
    video.publish(Status::Complete).await;
    assert_eq!(since(&Origin::start(&store).await).await, 200, "the last revision is newer");
}

#[tokio::test]
async fn an_init_segment_is_served_once_the_index_names_it() {
    let store = TestStore::new();
    let notices = Notices::default();
    let config = OriginConfig { notices: notices.clone(), ..OriginConfig::default() };
    let origin = Origin::start_with(&store, config).await;
    let mut video = Video::new(&store, Access::Public).await;
    let later = keys::track_object(video.head.video, 1, &track("v360"), "init-1.mp4");
    video.create(later, "another init of v360".into()).await;
    video.append(2).await;
    video.publish(Status::Growing).await;
    notices.notify_head(video.head.video, 1);
    assert_eq!(origin.status(&path("v360/init-1.mp4")).await, 404, "there, but not named");

    let start = 2 * SECONDS * 90_000;
    let period = |start, init: &str| Period { start, timescale: 90_000, init: init.into() };
    video.head.periods = vec![period(0, "init.mp4"), period(start, "init-1.mp4")];
    video.append(1).await;
    video.publish(Status::Growing).await;
    // No notice: a name that is not listed makes a growing index be looked at again, unless it
    // was just now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(origin.text(&path("v360/init-1.mp4")).await, "another init of v360");
    assert_eq!(origin.text(&path("v360/init.mp4")).await, "init of v360");
    assert_eq!(origin.status(&path("a-en/init-1.mp4")).await, 404, "sound goes on");
    assert!(origin.text(&path("a-en.m3u8")).await.contains("#EXT-X-DISCONTINUITY"));
}
