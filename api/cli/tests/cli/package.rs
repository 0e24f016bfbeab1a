//! `kinora package`, on clips that ffmpeg makes, judged by ffmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Home, Run};

fn ffmpeg(arguments: &[&str]) -> String {
    let output = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Six seconds of picture at 30 a second, key frames every `gop`, and maybe sound.
fn clip(folder: &Path, name: &str, size: &str, gop: &str, sound: bool) -> String {
    let path = folder.join(name).display().to_string();
    let picture = format!("testsrc2=size={size}:rate=30:duration=6");
    let mut arguments = vec!["-f", "lavfi", "-i", &picture];
    if sound {
        arguments.extend(["-f", "lavfi", "-i", "sine=440:duration=6", "-c:a", "aac"]);
        arguments.extend(["-metadata:s:a:0", "language=eng"]);
    }
    arguments.extend(["-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0"]);
    arguments.extend(["-g", gop, &path]);
    ffmpeg(&arguments);
    path
}

/// What each decoded picture is.
fn pictures(input: &Path) -> Vec<String> {
    let path = input.display().to_string();
    let text = ffmpeg(&["-i", &path, "-map", "0:v:0", "-f", "framemd5", "-"]);
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

async fn kinora(home: &Home, arguments: &[&str]) -> Run {
    home.run(&[&["package"], arguments].concat()).await
}

fn listed(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    names.sort();
    names
}

#[tokio::test]
async fn files_become_a_folder_that_plays() {
    let home = Home::new("http://127.0.0.1:1");
    let at = |name: &str| home.path().join(name).display().to_string();
    let film = clip(home.path(), "film.mp4", "640x360", "60", true);
    let low = clip(home.path(), "low.mp4", "320x180", "30", false);
    ffmpeg(&["-f", "lavfi", "-i", "sine=880:duration=6", "-c:a", "aac", &at("german.m4a")]);
    std::fs::write(at("film.srt"), "1\n00:00:01,000 --> 00:00:02,000\nHello\n").unwrap();
    let inputs = [&film, &low, "--segment-length", "2"];
    let (german, captions) = (format!("de={}", at("german.m4a")), format!("en={}", at("film.srt")));
    let extras = ["--audio", &german, "--captions", &captions, "-o"];
    let original = pictures(Path::new(&film));
    assert_eq!(original.len(), 180);

    let single = [&inputs[..], &extras, &["single"]].concat();
    let run = kinora(&home, &single).await.ended(0);
    assert_eq!(run.stdout, "single/hls.m3u8\nsingle/dash.mpd\n");
    let folder = home.path().join("single");
    assert_eq!(
        listed(&folder),
        [
            "a-de.m3u8",
            "a-de.mp4",
            "a-en.m3u8",
            "a-en.mp4",
            "dash.mpd",
            "hls.m3u8",
            "t-en.m3u8",
            "t-en/0.vtt",
            "v180-iframes.m3u8",
            "v180.m3u8",
            "v180.mp4",
            "v360-iframes.m3u8",
            "v360.m3u8",
            "v360.mp4",
        ]
    );
    assert_eq!(pictures(&folder.join("v360.mp4")), original);
    assert_eq!(pictures(&folder.join("v360.m3u8")), original);
    home.run(&["lint", "single/hls.m3u8"]).await.ended(0);

    let segments = [&inputs[..], &["--segments", "--trick-play", "--json"], &extras, &["segments"]];
    let run = kinora(&home, &segments.concat()).await.ended(0).json();
    let ids: Vec<_> = run[0]["tracks"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["v360", "v180", "a-en", "a-de", "t-en"]);
    assert_eq!(run[0]["tracks"][0]["segments"], 3);
    let folder = home.path().join("segments");
    assert_eq!(pictures(&folder.join("hls.m3u8")), original);
    home.run(&["lint", "segments/hls.m3u8"]).await.ended(0);
    let trick = [std::fs::read(folder.join("v360-trick/init.mp4")).unwrap()].into_iter();
    let trick = trick
        .chain((0..3).map(|n| std::fs::read(folder.join(format!("v360-trick/{n}.m4s"))).unwrap()));
    let path = home.path().join("trick.mp4");
    std::fs::write(&path, trick.collect::<Vec<_>>().concat()).unwrap();
    let key_frames: Vec<_> = original.iter().step_by(60).cloned().collect();
    assert_eq!(pictures(&path), key_frames);
    for name in ["a-en/2.m4s", "t-en.vtt", "t-en/2.vtt"] {
        assert!(listed(&folder).contains(&name.to_owned()), "{name}");
    }
    // Nothing is left beside it.
    assert!(
        !std::fs::read_dir(home.path())
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().starts_with(".kinora") })
    );
}

#[tokio::test]
async fn packages_are_replaced_only_when_asked() {
    let home = Home::new("http://127.0.0.1:1");
    let film = clip(home.path(), "film.mp4", "320x180", "30", true);
    kinora(&home, &[&film, "-o", "out"]).await.ended(0);
    let again = kinora(&home, &[&film, "-o", "out"]).await.ended(2);
    assert!(again.stderr.contains("out exists already"), "{}", again.stderr);
    kinora(&home, &[&film, "-o", "out", "--force", "--segments"]).await.ended(0);
    assert!(home.path().join("out/v180/0.m4s").exists());
    assert!(!home.path().join("out/v180.mp4").exists());
    // A folder of other things is never replaced.
    std::fs::create_dir(home.path().join("photos")).unwrap();
    std::fs::write(home.path().join("photos/cat.jpg"), "cat").unwrap();
    let other = kinora(&home, &[&film, "-o", "photos", "--force"]).await.ended(2);
    assert!(other.stderr.contains("not a package"), "{}", other.stderr);
    assert!(home.path().join("photos/cat.jpg").exists());
}

#[tokio::test]
async fn faults_say_what_to_do_and_leave_nothing() {
    let home = Home::new("http://127.0.0.1:1");
    let film = clip(home.path(), "film.mp4", "320x180", "60", true);
    let other = clip(home.path(), "other.mp4", "160x90", "50", false);
    let at = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(at("text.mp4"), "not a film at all").unwrap();
    std::fs::write(at("bad.vtt"), "WEBVTT\n\n00:01 --> 00:02\nx\n").unwrap();
    let whole = std::fs::read(&film).unwrap();
    // The tables are at the end of what ffmpeg writes, so the media is cut out of the middle.
    let mut hollow = whole.clone();
    let media = hollow.windows(4).position(|window| window == b"stco").unwrap();
    hollow[media + 12..media + 16].copy_from_slice(&[0x7f; 4]);
    std::fs::write(at("hollow.mp4"), hollow).unwrap();
    let captions = format!("en={}", at("bad.vtt"));
    let cases: [(&[&str], i32); 6] = [
        (&[&film, &other, "--segment-length", "2"], 1),
        (&[&at("nowhere.mp4")], 2),
        (&[&at("text.mp4")], 1),
        (&[&at("hollow.mp4")], 1),
        (&[&film, "--captions", &captions], 1),
        (&[&film, "--segment-length", "0"], 2),
    ];
    let mut said = String::new();
    for (arguments, exit) in cases {
        let run = kinora(&home, &[arguments, &["-o", "out"]].concat()).await.ended(exit);
        said += &run.stderr.replace(home.path().to_str().unwrap(), "~");
        said.push('\n');
        assert!(!home.path().join("out").exists());
    }
    insta::assert_snapshot!(said);
}

const KEY_ID: &str = "00112233445566778899aabbccddeeff";
const KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn packages_are_encrypted_with_keys_that_are_never_said() {
    let home = Home::new("http://127.0.0.1:1");
    let film = clip(home.path(), "film.mp4", "320x180", "60", true);
    let original = pictures(Path::new(&film));
    std::fs::write(home.path().join("keys"), format!("# film\n{KEY_ID}:{KEY}\n")).unwrap();
    let decrypted = |input: &Path| {
        let path = input.display().to_string();
        let arguments =
            ["-decryption_key", KEY, "-i", &path, "-map", "0:v:0", "-f", "framemd5", "-"];
        let text = ffmpeg(&arguments);
        let frames = text.lines().filter(|line| !line.starts_with('#'));
        frames.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    for method in ["cbcs", "cenc"] {
        let arguments = [&film, "--encrypt", method, "--key-file", "keys", "-o", method];
        let run = kinora(&home, &arguments).await.ended(0);
        assert!(!(run.stdout + &run.stderr).contains(&KEY[..8]));
        let folder = home.path().join(method);
        assert_eq!(decrypted(&folder.join("v180.mp4")), original, "{method}");
        home.run(&["lint", &format!("{method}/hls.m3u8")]).await.ended(0);
        for name in listed(&folder) {
            let bytes = std::fs::read(folder.join(name)).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(KEY));
        }
    }
    // Whole segments: keys by the environment, players fetch them by the address.
    std::fs::write(
        home.path().join("key"),
        [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef].repeat(2),
    )
    .unwrap();
    let uri = home.path().join("key").display().to_string();
    let arguments = ["package", &film, "--encrypt", "aes-128", "--key-uri", &uri, "--segments"];
    let mut command = home.bare(&[&arguments[..], &["-o", "whole", "--json"]].concat());
    command.env("KINORA_PACKAGE_KEYS", format!("{KEY_ID}:{KEY}"));
    let run = Run::of(command.spawn().unwrap()).await.ended(0).json();
    assert!(run[0]["dash"].is_null());
    let folder = home.path().join("whole");
    assert!(!folder.join("dash.mpd").exists());
    home.run(&["lint", "whole/hls.m3u8"]).await.ended(0);
    let playlist = folder.join("v180.m3u8").display().to_string();
    let frames = ["-allowed_extensions", "ALL", "-protocol_whitelist", "file,crypto"];
    let text = ffmpeg(&[&frames[..], &["-i", &playlist, "-f", "framemd5", "-"]].concat());
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    let frames: Vec<_> = frames.map(|line| line.rsplit(',').next().unwrap().trim()).collect();
    assert_eq!(frames, original);
}

#[tokio::test]
async fn faults_of_keys_say_what_to_do() {
    let home = Home::new("http://127.0.0.1:1");
    let film = clip(home.path(), "film.mp4", "160x90", "60", true);
    std::fs::write(home.path().join("bad"), format!("{KEY_ID}:{KEY}0\n")).unwrap();
    std::fs::write(home.path().join("keys"), format!("video={KEY_ID}:{KEY}\n")).unwrap();
    let cases: [(&[&str], i32); 5] = [
        (&["--encrypt", "cbcs"], 2),
        (&["--key-file", "keys"], 2),
        (&["--encrypt", "cbcs", "--key-file", "bad"], 2),
        (&["--encrypt", "cbcs", "--key-file", "keys"], 1),
        (&["--encrypt", "aes-128", "--key-file", "keys"], 1),
    ];
    let mut said = String::new();
    for (arguments, exit) in cases {
        let run = kinora(&home, &[&[&*film], arguments, &["-o", "out"]].concat()).await.ended(exit);
        said += &run.stderr.replace(home.path().to_str().unwrap(), "~");
        said.push('\n');
        assert!(!run.stderr.contains(&KEY[..8]), "keys are not repeated");
        assert!(!home.path().join("out").exists());
    }
    insta::assert_snapshot!(said);
}
