//! Videos that are encrypted on their way to players, and who gets their keys.

mod switched;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use crate::support::{Server, rendition, sample, segments, soundtracks, text, variants};

/// One small rung, quick to encode.
const STEP: &str =
    "[[video.steps]]\nheight = 180\nmax_kbps = 900\ncrf = 24\npreset = \"superfast\"\n";
/// Every way to encrypt.
const WAYS: [&str; 3] = ["cbcs", "cenc", "aes-128"];

/// A folder with a profile for each way.
pub(crate) fn profiles(folder: &Path) -> String {
    let profiles = folder.join("profiles");
    std::fs::create_dir(&profiles).unwrap();
    for way in WAYS {
        let profile = format!("passthrough = false\nencryption = \"{way}\"\n{STEP}");
        std::fs::write(profiles.join(format!("{way}.toml")), profile).unwrap();
    }
    profiles.to_str().unwrap().to_owned()
}

/// A server with a profile for each way.
async fn server(folder: &Path) -> Server {
    let settings = [
        ("KINORA_TRANSCODING_PROFILES", &*profiles(folder)),
        // What is never logged must not be in a loud log, either.
        ("KINORA_LOG_FILTER", "debug"),
    ];
    Server::start_with(&settings).await
}

async fn made(server: &Server, profile: &str, visibility: &str, clip: &[u8]) -> Value {
    let asked = json!({ "title": profile, "visibility": visibility, "profile": profile });
    let created = server.request(Method::POST, "/api/v1/videos").json(&asked).send().await.unwrap();
    let created: Value = created.json().await.unwrap();
    let video = created["id"].as_str().unwrap_or_else(|| panic!("{created:#}"));
    server.upload_into(video, clip.to_vec()).await;
    let ready = server.wait_until_over(video).await;
    assert_eq!(ready["state"], "ready", "{ready:#}");
    ready
}

fn address<'a>(video: &'a Value, name: &str) -> &'a str {
    video["playback"][name].as_str().unwrap_or_else(|| panic!("no {name}: {video:#}"))
}

/// The name of a video's key, as an MPD or a playlist says it.
fn kid(said: &str) -> String {
    let (_, rest) = said.split_once("default_KID=\"").or(said.split_once("keys/")).unwrap();
    rest.split('"').next().unwrap().replace('-', "")
}

pub(crate) fn base64url(hex: &str) -> String {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    URL_SAFE_NO_PAD.encode((0..hex.len()).step_by(2).map(digit).collect::<Vec<_>>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) async fn license(url: &str, kids: &[String]) -> Response {
    let asked = json!({ "kids": kids, "type": "temporary" });
    reqwest::Client::new().post(url).json(&asked).send().await.unwrap()
}

/// What ffmpeg decodes of `input`: a hash of each frame.
fn frames(flags: &[&str], input: &str) -> Vec<String> {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(flags)
        .args(["-i", input, "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8(decoded.stdout).unwrap();
    let frames = said.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

fn frames_of(bytes: &[u8], flags: &[&str]) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    frames(flags, file.path().to_str().unwrap())
}

/// A track as it is stored: in the clear.
fn stored(server: &Server, video: &str, track: &str) -> Vec<u8> {
    let folder = server.data().join(format!("store/media/{video}/1/{track}"));
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut chunks: Vec<_> =
        names.filter(|name| name.to_str().is_some_and(|name| name.ends_with(".m4s"))).collect();
    chunks.sort();
    let mut bytes = std::fs::read(folder.join("init.mp4")).unwrap();
    for chunk in chunks {
        bytes.extend(std::fs::read(folder.join(chunk)).unwrap());
    }
    bytes
}

/// The segments of a track as they are stored, in the clear.
fn stored_segments(server: &Server, video: &str, track: &str) -> Vec<Vec<u8>> {
    let folder = server.data().join(format!("store/media/{video}/1"));
    let head = std::fs::read(folder.join("index/head.json")).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    let mut segments = Vec::new();
    for chunk in head["tail"]["tracks"][track].as_array().unwrap() {
        let name = chunk["object"].as_str().unwrap();
        let mut rest = &std::fs::read(folder.join(track).join(name)).unwrap()[..];
        for segment in chunk["segments"].as_array().unwrap() {
            let size = usize::try_from(segment["size"].as_u64().unwrap()).unwrap();
            segments.push(rest[..size].to_vec());
            rest = &rest[size..];
        }
    }
    segments
}

fn init_of(server: &Server, video: &str, track: &str) -> Vec<u8> {
    std::fs::read(server.data().join(format!("store/media/{video}/1/{track}/init.mp4"))).unwrap()
}

async fn bytes(url: &str) -> Vec<u8> {
    let answer = reqwest::get(url).await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap().to_vec()
}

/// The name of a media playlist's track.
fn track(playlist: &str) -> &str {
    playlist.rsplit('/').next().unwrap().trim_end_matches(".m3u8")
}

#[tokio::test]
async fn samples_are_sealed_and_licences_open_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let clip = sample(folder.path(), &["--seconds", "5", "--size", "320x180"]);
    let clip = std::fs::read(clip).unwrap();
    let mut seen = Vec::new();
    for way in ["cbcs", "cenc"] {
        let ready = made(&server, way, "private", &clip).await;
        let video = ready["id"].as_str().unwrap().to_owned();
        let (hls, dash) = (address(&ready, "hls_url"), address(&ready, "dash_url"));
        let licenses = address(&ready, "license_url");
        let (master, mpd) = (text(hls).await, text(dash).await);
        let kid = kid(&mpd);
        assert!(mpd.contains(&format!("value=\"{way}\"")), "{mpd}");
        assert!(mpd.contains(&format!("<dashif:Laurl>{licenses}</dashif:Laurl>")), "{mpd}");
        assert!(!mpd.contains("Widevine"), "nobody gives it a licence: {mpd}");

        let answer = license(licenses, &[base64url(&kid)]).await;
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let keys: Value = answer.json().await.unwrap();
        let secret = keys["keys"][0]["k"].as_str().unwrap();
        let key = hex(&URL_SAFE_NO_PAD.decode(secret).unwrap());
        assert_eq!(key.len(), 32, "{keys:#}");

        let mut said = vec![master.clone(), mpd];
        let playlists = [variants(&master, hls), soundtracks(&master, hls)].concat();
        assert_eq!(playlists.len(), 2, "{master}");
        for playlist in playlists {
            let list = text(&playlist).await;
            assert!(
                list.contains("KEYFORMAT=\"org.w3.clearkey\"") && list.contains(&kid),
                "{list}"
            );
            let addresses = segments(&list, &playlist);
            said.push(list);
            let clear_segments = stored_segments(&server, &video, track(&playlist));
            assert_eq!(addresses.len(), 1 + clear_segments.len());
            let init = bytes(&addresses[0]).await;
            let clear_init = init_of(&server, &video, track(&playlist));
            let mut count = 0;
            // One at a time: of several that no index lists ffmpeg 5.1 decrypts none.
            for (address, clear) in addresses[1..].iter().zip(&clear_segments) {
                let sealed = bytes(address).await;
                let clear_file = [&clear_init[..], clear].concat();
                let (file, clear) = ([&init[..], &sealed].concat(), frames_of(&clear_file, &[]));
                assert_eq!(frames_of(&file, &["-decryption_key", &key]), clear, "{way} {address}");
                assert_ne!(frames_of(&file, &[]), clear, "{way} {address} without its key");
                count += clear.len();
                // Asked for once more it is the same, and so is a range of it.
                assert_eq!(bytes(address).await, sealed);
                let part = reqwest::Client::new().get(address);
                let part = part.header(header::RANGE, "bytes=100-1099").send().await.unwrap();
                assert_eq!(part.status(), 206);
                assert_eq!(part.bytes().await.unwrap(), sealed[100..1100]);
            }
            assert!(count > 100, "{count} frames");
        }
        for secret in [&key, secret] {
            assert!(said.iter().all(|text| !text.contains(secret)), "{said:?}");
            assert!(!server.log().contains(secret), "it is logged");
        }
        seen.push((video, licenses.to_owned(), kid, key));
    }

    let [(video, licenses, kid, key), (other, others, other_kid, other_key)] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert!(kid != other_kid && key != other_key, "each has its own");
    let kids = [base64url(kid)];
    let token = licenses.split('/').nth(4).unwrap();
    let no_token = licenses.replace(&format!("{token}/"), "");
    assert_eq!(license(&no_token, &kids).await.status(), 403, "{no_token}");
    let anothers_token = others.replace(other, video);
    assert_eq!(license(&anothers_token, &kids).await.status(), 403);
    assert_eq!(license(licenses, &[base64url(other_kid)]).await.status(), 404);
    assert_eq!(license(licenses, &[]).await.status(), 400);
    assert_eq!(reqwest::get(licenses).await.unwrap().status(), 405);
    // The store is not open by its own names.
    for path in [format!("/keys/{video}/1"), format!("/media/keys/{video}/1")] {
        assert_eq!(reqwest::get(format!("{}{path}", server.origin)).await.unwrap().status(), 404);
    }
    let stored = format!("{}/store/keys/{video}/1", server.origin);
    assert_eq!(reqwest::get(stored).await.unwrap().status(), 403);
    gone_with_its_video(&server, video).await;
    assert!(server.data().join(format!("store/keys/{other}/1")).exists());
}

async fn gone_with_its_video(server: &Server, video: &str) {
    let key = server.data().join(format!("store/keys/{video}/1"));
    assert!(key.exists());
    let path = format!("/api/v1/videos/{video}");
    let deleted = server.request(Method::DELETE, &path).send().await.unwrap();
    assert!(deleted.status().is_success(), "{}", deleted.status());
    let since = Instant::now();
    while key.exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "its key is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn whole_segments_open_with_the_key_at_its_address_and_public_videos_stay_clear() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let clip = sample(folder.path(), &["--seconds", "5", "--size", "320x180"]);
    let clip = std::fs::read(clip).unwrap();
    let ready = made(&server, "aes-128", "private", &clip).await;
    let video = ready["id"].as_str().unwrap();
    let hls = address(&ready, "hls_url");
    let playlist = variants(&text(hls).await, hls).remove(0);
    let kid = kid(&text(&playlist).await);
    let key = playlist.replace(&format!("{}.m3u8", track(&playlist)), &format!("keys/{kid}"));
    let answer = reqwest::get(&key).await.unwrap();
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.bytes().await.unwrap().len(), 16);
    let token = key.split('/').nth(4).unwrap();
    let status = async |url: &str| reqwest::get(url).await.unwrap().status().as_u16();
    assert_eq!(status(&key.replace(&format!("{token}/"), "")).await, 403);
    assert_eq!(status(&key.replace(&kid, &"0".repeat(32))).await, 404);
    // ffmpeg fetches playlist, key and segments by itself.
    let clear = frames_of(&stored(&server, video, track(&playlist)), &[]);
    assert_eq!(frames(&["-allowed_extensions", "ALL"], &playlist), clear);
    assert_ne!(frames_of(&rendition(&playlist).await, &[]), clear);
    // DASH has nothing like it.
    assert_eq!(status(address(&ready, "dash_url")).await, 404);

    let public = made(&server, "cbcs", "public", &clip).await;
    assert!(public["warnings"].to_string().contains("it is not encrypted"), "{public:#}");
    assert_eq!(public["playback"]["license_url"], Value::Null);
    let hls = address(&public, "hls_url");
    let playlist = variants(&text(hls).await, hls).remove(0);
    assert!(!text(&playlist).await.contains("EXT-X-KEY"));
    let clear = stored(&server, public["id"].as_str().unwrap(), track(&playlist));
    assert_eq!(rendition(&playlist).await, clear);
}
