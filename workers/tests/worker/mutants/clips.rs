//! Five small films, one a container, and what zzuf makes of them.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Frames of every film, and how long its picture and its sound last.
pub(crate) const FRAMES: u64 = 30;
pub(crate) const FILM_MS: u64 = 2000;
const SECONDS: &str = "2";

/// File name, then how FFmpeg codes it. One has subtitles, so that their reader is tried as well.
const FILMS: [(&str, &str); 5] = [
    (
        "film.mp4",
        "-c:v libx264 -preset ultrafast -bf 2 -g 15 -pix_fmt yuv420p -c:a aac -b:a 32k \
         -movflags +faststart",
    ),
    (
        "film.mkv",
        "-map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -bf 2 -g 15 -pix_fmt yuv420p \
         -c:a libvorbis -c:s srt",
    ),
    ("film.webm", "-c:v libvpx -deadline good -cpu-used 5 -b:v 60k -g 15 -c:a libopus -b:a 24k"),
    ("film.ts", "-c:v mpeg2video -q:v 8 -g 15 -bf 2 -c:a mp2 -b:a 32k -ac 1"),
    ("film.avi", "-c:v mpeg4 -q:v 8 -g 15 -c:a libmp3lame -b:a 32k"),
];

/// How many bits in a million are flipped, and whether only in the first bytes, where headers and
/// indexes are.
const HARMS: [(u32, Option<usize>); 4] =
    [(40, None), (400, None), (4000, None), (4000, Some(3000))];

/// Every film as its maker made it.
pub(crate) fn films(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let subtitles = folder.join("subtitles.srt");
    std::fs::write(&subtitles, "1\n00:00:00,200 --> 00:00:01,500\nHello <i>there</i>\n").unwrap();
    let film = |(name, coding): (&'static str, &str)| {
        let path = folder.join(name);
        let picture = format!("testsrc=s=160x120:r=15:d={SECONDS}");
        let sound = format!("sine=frequency=440:duration={SECONDS}");
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-threads", "1"])
            .args(["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound, "-i"])
            .arg(&subtitles)
            .args(if name.ends_with("mkv") { &[][..] } else { &["-map", "0", "-map", "1"] })
            .args(coding.split_whitespace())
            // No clock and no version in the file: a seed must find the same bytes again.
            .args(["-fflags", "+bitexact", "-flags", "+bitexact"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success(), "{name}");
        (name, std::fs::read(&path).unwrap())
    };
    FILMS.into_iter().map(film).collect()
}

/// The film as the mutation of this number leaves it.
pub(crate) fn mutated(bytes: &[u8], seed: u32) -> Vec<u8> {
    let (per_million, head) = HARMS[seed as usize % HARMS.len()];
    let mut zzuf = Command::new("zzuf");
    zzuf.args(["-s", &seed.to_string(), "-r", &format!("{:.6}", f64::from(per_million) / 1e6)]);
    if let Some(head) = head {
        zzuf.args(["-b", &format!("0-{}", head.min(bytes.len()))]);
    }
    let mut zzuf = zzuf.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Smaller than any pipe's room: it need not be read while it is written.
    assert!(bytes.len() < 60_000, "{}", bytes.len());
    zzuf.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = zzuf.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.len() == bytes.len());
    output.stdout
}
