//! A title whose encoder was changed on the way: two initialisation segments, two periods, one key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::Value;

use super::{
    address, base64url, bytes, frames, frames_of, hex, kid, license, made, profiles,
    stored_segments, track,
};
use crate::support::{Server, sample, soundtracks, text, variants};

const SECONDS: usize = 18;
const RATE: usize = 30;
/// The fake device fails on its fourth chunk, which begins here, in seconds.
const SWITCHED: usize = 14;

/// A private video that is encrypted so, ready to play.
async fn switched(way: &str) -> (Server, Value) {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("KINORA_TRANSCODING_PROFILES", &*profiles(folder.path())),
        ("KINORA_FAKE_GPU", "error@3"),
        // One after the other: what is before the failure is published.
        ("KINORA_WORKER_SLOTS", "1"),
    ];
    let server = Server::start_with(&settings).await;
    let clip = sample(folder.path(), &["--seconds", &SECONDS.to_string(), "--size", "320x180"]);
    let ready = made(&server, way, "private", &std::fs::read(clip).unwrap()).await;
    assert!(ready["warnings"].to_string().contains("failed at 0:14"), "{ready:#}");
    (server, ready)
}

/// All media playlists of a video.
async fn playlists(ready: &Value) -> Vec<String> {
    let hls = address(ready, "hls_url");
    let master = text(hls).await;
    let playlists = [variants(&master, hls), soundtracks(&master, hls)].concat();
    assert_eq!(playlists.len(), 2, "{master}");
    playlists
}

/// What a playlist has on either side of its discontinuity: its initialisation segment, and segments.
fn sides(list: &str, url: &str) -> [(Url, Vec<Url>); 2] {
    let (_, parsed) = m3u8_rs::parse_media_playlist(list.as_bytes()).unwrap();
    let whole = |uri: &str| Url::parse(url).unwrap().join(uri).unwrap();
    let mut sides: Vec<(Url, Vec<Url>)> = Vec::new();
    for segment in &parsed.segments {
        if sides.is_empty() || segment.discontinuity {
            let init = segment.map.as_ref().expect("each side has its own");
            sides.push((whole(&init.uri), Vec::new()));
        }
        sides.last_mut().unwrap().1.push(whole(&segment.uri));
    }
    sides.try_into().unwrap_or_else(|_| panic!("{list}"))
}

/// The last part of an address.
fn name(url: &Url) -> &str {
    url.path_segments().unwrap().next_back().unwrap()
}

/// What is stored of a rendition, in the clear, on either side of `cut` segments: the initialisation
/// segment by its name, and the segments.
fn stored(
    server: &Server,
    ready: &Value,
    track: &str,
    [first, second]: [&Url; 2],
    cut: usize,
) -> [(Vec<u8>, Vec<Vec<u8>>); 2] {
    let video = ready["id"].as_str().unwrap();
    let folder = server.data().join(format!("store/media/{video}/1/{track}"));
    let init = |url| std::fs::read(folder.join(name(url))).unwrap();
    let mut before = stored_segments(server, video, track);
    let after = before.split_off(cut);
    [(init(first), before), (init(second), after)]
}

#[tokio::test]
async fn samples_of_both_encoders_open_with_one_key() {
    let (server, ready) = switched("cbcs").await;
    let mpd = text(address(&ready, "dash_url")).await;
    let kid = kid(&mpd);
    let keys: Value =
        license(address(&ready, "license_url"), &[base64url(&kid)]).await.json().await.unwrap();
    let key = keys["keys"][0]["k"].as_str().unwrap();
    let key = hex(&URL_SAFE_NO_PAD.decode(key).unwrap());

    let mut counts = Vec::new();
    for playlist in playlists(&ready).await {
        let list = text(&playlist).await;
        assert!(list.contains("KEYFORMAT=\"org.w3.clearkey\"") && list.contains(&kid), "{list}");
        let sides = sides(&list, &playlist);
        let inits = [&sides[0].0, &sides[1].0];
        let is_picture = counts.is_empty();
        let second = if is_picture { "init-1.mp4" } else { "init.mp4" };
        assert_eq!(inits.map(name), ["init.mp4", second]);
        let clear = stored(&server, &ready, track(&playlist), inits, sides[0].1.len());
        for ((init, segments), (clear_init, clear_segments)) in sides.iter().zip(clear) {
            let init = bytes(init.as_str()).await;
            assert_ne!(init, clear_init, "it says what it is encrypted with");
            assert_eq!(segments.len(), clear_segments.len());
            let mut count = 0;
            for (address, clear) in segments.iter().zip(clear_segments) {
                let sealed = bytes(address.as_str()).await;
                let expected = frames_of(&[&clear_init[..], &clear].concat(), &[]);
                let file = [&init[..], &sealed].concat();
                assert_eq!(frames_of(&file, &["-decryption_key", &key]), expected, "{address}");
                assert_ne!(frames_of(&file, &[]), expected, "{address} without its key");
                count += expected.len();
            }
            counts.push(count);
        }
    }
    assert_eq!(counts[..2], [SWITCHED * RATE, (SECONDS - SWITCHED) * RATE], "pictures");

    let periods: Vec<_> = mpd.split("<Period ").skip(1).collect();
    assert_eq!(periods.len(), 2, "{mpd}");
    for (period, init) in periods.into_iter().zip(["init.mp4", "init-1.mp4"]) {
        assert!(period.contains(&format!("$RepresentationID$/{init}\"")), "{period}");
        let count = |what: &str| period.matches(what).count();
        let protected = count("urn:mpeg:dash:mp4protection:2011");
        assert_eq!((count("<AdaptationSet "), protected), (2, 2), "{period}");
        assert_eq!(count("<dashif:Laurl>"), 2, "{period}");
    }
}

/// A playlist of one side alone, with every tag of the whole, as a player reads it that begins there.
fn only(side: usize, list: &str, url: &str) -> String {
    let whole = |uri: &str| Url::parse(url).unwrap().join(uri).unwrap().to_string();
    let (mut at, mut said) = (0, String::new());
    for line in list.lines() {
        at += usize::from(line == "#EXT-X-DISCONTINUITY");
        let line = match line.split_once("URI=\"") {
            Some((before, after)) => {
                let (uri, after) = after.split_once('"').unwrap();
                format!("{before}URI=\"{}\"{after}", whole(uri))
            }
            None if line.starts_with('#') => line.to_owned(),
            None => whole(line),
        };
        let is_segment = line.starts_with("#EXTINF") || !line.starts_with('#');
        if at == side || !is_segment {
            said += &format!("{line}\n");
        }
    }
    said
}

#[tokio::test]
async fn whole_segments_of_both_encoders_open_with_one_key() {
    let (server, ready) = switched("aes-128").await;
    let folder = tempfile::tempdir().unwrap();
    let mut counts = Vec::new();
    for playlist in playlists(&ready).await {
        let list = text(&playlist).await;
        let sides = sides(&list, &playlist);
        let inits = [&sides[0].0, &sides[1].0];
        let clear = stored(&server, &ready, track(&playlist), inits, sides[0].1.len());
        for (side, (init, segments)) in clear.into_iter().enumerate() {
            // ffmpeg fetches what the playlist names and decrypts what it says is encrypted. One side
            // at a time: of a second initialisation segment ffmpeg 5.1 reads nothing.
            let file = folder.path().join("side.m3u8");
            std::fs::write(&file, only(side, &list, &playlist)).unwrap();
            let flags =
                ["-allowed_extensions", "ALL", "-protocol_whitelist", "file,http,tcp,crypto"];
            let expected = frames_of(&[&init[..], &segments.concat()].concat(), &[]);
            let decoded = frames(&flags, file.to_str().unwrap());
            assert_eq!(decoded, expected, "{playlist}, side {side}:\n{list}");
            counts.push(expected.len());
        }
    }
    assert_eq!(counts[..2], [SWITCHED * RATE, (SECONDS - SWITCHED) * RATE], "pictures");
}
