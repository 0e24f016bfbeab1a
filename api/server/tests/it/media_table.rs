//! Real clips that no one on this project made, through the whole system at once.

use std::path::Path;

use serde_json::Value;

use crate::{
    playable_early,
    support::{Server, ffprobe, rendition, shared_media, soundtracks, text, variants},
};

/// What must come of a clip.
enum Expect {
    /// Ready, with so many frames in the best rendition, of this size, and soundtracks of so many
    /// channels.
    Ready { frames: Frames, size: (u32, u32), sound: &'static [u16] },
    /// Ready, sound only: soundtracks of so many channels.
    Sound(&'static [u16]),
    /// Damaged: ready with a warning, or failed with a reason.
    ReadyOrFailed,
    /// Failed with a reason.
    Failed,
}

/// Frames of the best rendition.
enum Frames {
    /// As many as the source has: its rate is constant.
    Exactly(u64),
    /// A grid was chosen: within a frame or two of this.
    About(u64),
}

use Expect::{Failed, Ready, ReadyOrFailed, Sound};
use Frames::{About, Exactly};

const NONE: &[u16] = &[];
const STEREO: &[u16] = &[2];
/// 5.1 stands beside the stereo it is mixed to.
const SURROUND: &[u16] = &[2, 6];

/// Sizes are in square pixels: 800×640 at 64:45 is 1138×640, and the pixels of H.263's 176×144 are
/// 12:11 (Rec. ITU-T H.263, 4.1).
const TABLE: &[(&str, Expect)] = &[
    ("h264-bpyramid-800x640.mp4", Ready { frames: Exactly(120), size: (1138, 640), sound: NONE }),
    ("vp9-in-mp4-800x640.mp4", Ready { frames: Exactly(120), size: (1136, 640), sound: NONE }),
    ("vp9-642x642.webm", Ready { frames: Exactly(90), size: (642, 642), sound: NONE }),
    ("vp8-960x540-60fps.webm", Ready { frames: Exactly(60), size: (960, 540), sound: SURROUND }),
    ("h265-bframes.mp4", Ready { frames: Exactly(30), size: (854, 480), sound: NONE }),
    ("hdr10-av1.mp4", Ready { frames: Exactly(127), size: (720, 1280), sound: STEREO }),
    ("hlg10.mp4", Ready { frames: Exactly(9), size: (1920, 1080), sound: STEREO }),
    ("portrait-4k60.mp4", Ready { frames: About(18), size: (1080, 1920), sound: STEREO }),
    ("rotated-270.mp4", Ready { frames: Exactly(149), size: (720, 1280), sound: STEREO }),
    ("edit-list.mp4", Ready { frames: About(76), size: (1080, 1920), sound: STEREO }),
    (
        "edit-list-positive-shift.mp4",
        Ready { frames: Exactly(270), size: (1920, 1080), sound: STEREO },
    ),
    ("shorter-audio.mp4", Ready { frames: Exactly(72), size: (320, 240), sound: STEREO }),
    ("video-only.mp4", Ready { frames: Exactly(30), size: (1080, 720), sound: NONE }),
    ("audio-only.mp4", Sound(STEREO)),
    ("chapters.mkv", Ready { frames: Exactly(150), size: (320, 240), sound: STEREO }),
    ("subtitles-srt.mkv", Ready { frames: Exactly(30), size: (1080, 720), sound: STEREO }),
    ("subtitles-ass.mkv", Ready { frames: Exactly(30), size: (1080, 720), sound: STEREO }),
    ("subtitles-pgs.mkv", Ready { frames: About(3), size: (1080, 720), sound: STEREO }),
    ("eac3.mp4", Sound(SURROUND)),
    // AC-3 5.1, and AAC stereo.
    ("ac3-and-aac.mp4", Sound(&[2, 2, 6])),
    ("pcm-twos.mp4", Ready { frames: Exactly(30), size: (1080, 720), sound: STEREO }),
    ("sample.avi", Ready { frames: Exactly(98), size: (960, 400), sound: STEREO }),
    ("sample.flv", Ready { frames: About(30), size: (1080, 720), sound: STEREO }),
    ("h264.ts", Ready { frames: Exactly(30), size: (854, 480), sound: NONE }),
    ("scte35.ts", Ready { frames: About(3), size: (640, 426), sound: STEREO }),
    ("mpeg2-program-stream.ps", Ready { frames: About(3), size: (640, 426), sound: STEREO }),
    ("h263-176x144.3gp", Ready { frames: Exactly(15), size: (192, 144), sound: NONE }),
    ("fragmented.mp4", Ready { frames: Exactly(30), size: (1080, 720), sound: STEREO }),
    ("no-bframes.mp4", Ready { frames: Exactly(30), size: (1080, 720), sound: STEREO }),
    ("720p-15fps-1s.mp4", Ready { frames: Exactly(15), size: (1280, 720), sound: STEREO }),
    ("vfr-slow-motion.mp4", Ready { frames: About(16), size: (1280, 720), sound: NONE }),
    ("empty-track.mp4", Ready { frames: About(30), size: (1080, 720), sound: STEREO }),
    ("bad-invalid-nalu.mp4", ReadyOrFailed),
    ("bad-mdat-too-long.mp4", ReadyOrFailed),
    ("bad-missing-stsd.mp4", Ready { frames: Exactly(30), size: (1080, 720), sound: NONE }),
    ("bad-truncated-after-moov.m4b", Failed),
    ("not-a-video.jpg", Failed),
];

#[tokio::test]
async fn real_clips_end_as_they_should() {
    let Some(media) = shared_media() else { return };
    let server = Server::start().await;
    let mut videos = Vec::new();
    for (name, _) in TABLE {
        videos.push(server.upload_file(&media.join(name)).await);
    }
    let mut wrong = Vec::new();
    for ((name, expect), video) in TABLE.iter().zip(&videos) {
        let over = server.wait_until_over(video).await;
        if let Err(what) = judge(&over, expect).await {
            wrong.push(format!("{name}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} clips:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}

#[test]
fn every_clip_stands_in_a_table() {
    let Some(media) = shared_media() else { return };
    let listed =
        |name: &str| TABLE.iter().any(|(n, _)| *n == name) || playable_early::CLIPS.contains(&name);
    for entry in std::fs::read_dir(media).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let prose = Path::new(&name).extension().is_none_or(|kind| kind == "md");
        assert!(prose || listed(&name), "{name} is in no table");
    }
}

async fn judge(video: &Value, expect: &Expect) -> Result<(), String> {
    let failed = video["state"] == "failed";
    if failed && video["reason"]["message"].as_str().is_none_or(|text| text.len() < 20) {
        return Err(format!("failed without a reason a person understands: {video:#}"));
    }
    match expect {
        Failed if failed => Ok(()),
        Failed => Err("should have failed".to_owned()),
        ReadyOrFailed => Ok(()),
        Sound(_) | Ready { .. } if failed => Err(format!("failed: {}", video["reason"])),
        Sound(channels) => judge_sound(video, channels).await,
        Ready { frames, size, sound } => judge_picture(video, frames, *size, sound).await,
    }
}

/// Whether AAC soundtracks of just these channels are offered, whatever their order.
async fn judge_sound(video: &Value, expected: &[u16]) -> Result<(), String> {
    let url = video["playback"]["hls_url"].as_str().unwrap();
    let multivariant = text(url).await;
    let mut playlists = soundtracks(&multivariant, url);
    if playlists.is_empty() && video["width"] == 0 {
        playlists = variants(&multivariant, url);
    }
    let mut found = Vec::new();
    for playlist in playlists {
        let streams = ffprobe(&rendition(&playlist).await, "stream=codec_name,channels");
        let [stream] = &streams[..] else {
            return Err(format!("{playlist} has several streams: {streams:?}"));
        };
        found.push(stream.clone());
    }
    found.sort();
    let expected: Vec<_> = expected.iter().map(|channels| format!("aac,{channels}")).collect();
    if found == expected { Ok(()) } else { Err(format!("sound is {found:?}, not {expected:?}")) }
}

async fn judge_picture(
    video: &Value,
    frames: &Frames,
    size: (u32, u32),
    sound: &[u16],
) -> Result<(), String> {
    let url = video["playback"]["hls_url"].as_str().unwrap();
    let master = text(url).await;
    let best = best_variant(&master, url);
    let streams = ffprobe(&rendition(&best).await, "stream=width,height,nb_read_packets");
    let numbers: Vec<u64> = streams[0].split(',').map(|n| n.parse().unwrap()).collect();
    let (width, height, count) = (numbers[0], numbers[1], numbers[2]);
    if (width, height) != (u64::from(size.0), u64::from(size.1)) {
        return Err(format!("best rendition is {width}×{height}, expected {size:?}"));
    }
    let right = match frames {
        Exactly(n) => count == *n,
        About(n) => count.abs_diff(*n) <= 2,
    };
    if !right {
        let (Exactly(n) | About(n)) = frames;
        return Err(format!("{count} frames, expected {n}"));
    }
    judge_sound(video, sound).await
}

fn best_variant(master: &str, url: &str) -> String {
    let (_, parsed) = m3u8_rs::parse_master_playlist(master.as_bytes()).unwrap();
    let pixels = |v: &m3u8_rs::VariantStream| v.resolution.map_or(0, |r| r.width * r.height);
    let pictures = parsed.variants.iter().filter(|variant| !variant.is_i_frame);
    let best = pictures.enumerate().max_by_key(|(_, variant)| pixels(variant));
    variants(master, url).remove(best.unwrap().0)
}
