//! What a finished video promises: every frame, key frames on the same frames in every rung, and
//! a buffer that never runs empty. And what a growing one promises: nothing published changes.

use std::{collections::BTreeSet, time::Duration};

use crate::support::{Server, ffprobe, rendition, sample, segments, text, variants};

#[tokio::test]
async fn every_frame_arrives_and_rungs_share_their_key_frames() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "20", "--rate", "60", "--size", "1280x720"]);
    let video = server.upload_file(&clip).await;
    let ready = server.wait_until_over(&video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");

    let url = ready["playback"]["hls_url"].as_str().unwrap();
    let playlists = variants(&text(url).await, url);
    assert!(playlists.len() >= 3, "{playlists:?}");
    let mut key_frames = BTreeSet::new();
    let mut counts = Vec::new();
    for playlist in &playlists {
        let bytes = rendition(playlist).await;
        let packets = ffprobe(&bytes, "packet=pts_time,flags");
        counts.push(packets.len());
        let keys = packets.iter().filter(|packet| packet.contains(",K"));
        key_frames.insert(since_first(keys.map(|packet| millis(packet)).collect()));
    }
    assert_eq!(counts.iter().max(), Some(&1200), "{counts:?}");
    assert!(counts.iter().all(|count| [600, 1200].contains(count)), "{counts:?}");
    assert_eq!(key_frames.len(), 1, "rungs differ in their key frames: {key_frames:?}");
    let seconds: Vec<_> = (0..10).map(|n| n * 2000).collect();
    assert_eq!(key_frames.first(), Some(&seconds));
}

#[tokio::test]
async fn a_growing_playlist_only_grows() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clip = sample(folder.path(), &["--seconds", "40", "--size", "854x480"]);
    let video = server.upload_file(&clip).await;
    let playable =
        server.wait_for(&video, &["playable", "plays_through"], Duration::from_secs(60)).await;
    let url = playable["playback"]["hls_url"].as_str().unwrap();
    let first = text(url).await;
    let media = variants(&first, url).remove(0);

    let mut known: Vec<String> = Vec::new();
    let mut growths = 0;
    loop {
        let playlist = text(&media).await;
        assert!(playlist.contains("#EXT-X-PLAYLIST-TYPE:EVENT"), "{playlist}");
        let now = segments(&playlist, &media);
        assert_eq!(now[..known.len()], known[..], "what was listed has changed");
        growths += usize::from(now.len() > known.len());
        known = now;
        if playlist.contains("#EXT-X-ENDLIST") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert!(growths > 1, "the playlist was whole when it was first seen");
    // The multivariant playlist froze at first publish; thumbnails, made last, may join it.
    let images = |line: &&str| !line.starts_with("#EXT-X-IMAGE-STREAM-INF:");
    let last = text(url).await;
    assert_eq!(last.lines().filter(images).collect::<Vec<_>>(), first.lines().collect::<Vec<_>>());
}

/// Times after the first one: ffprobe shifts a whole track by its most negative composition
/// offset, which ISO/IEC 23000-19 (cmf2) asks for and which differs by frame rate.
fn since_first(times: Vec<i64>) -> Vec<i64> {
    times.iter().map(|time| time - times[0]).collect()
}

fn millis(packet: &str) -> i64 {
    let seconds: f64 = packet.split(',').next().unwrap().parse().unwrap();
    (seconds * 1000.0).round() as i64
}
