//! Files to begin from: small, and between them all that the parsers know.

use std::process::Command;

use bytes::Bytes;
use kinora_media::AccessUnit;
use kinora_packager::cmaf::{self, AudioConfig, SegmentKind, VideoConfig};

/// What ffmpeg makes of a second of picture and sound: every sample entry it writes, tables and fragments.
const CLIPS: &[&str] = &[
    "-c:v libx264 -g 5 -bf 2 -c:a aac -b:a 16k",
    "-c:v libx264 -g 5 -c:a aac -b:a 16k -movflags frag_keyframe+empty_moov+default_base_moof+global_sidx",
    "-c:v libx264 -g 5 -c:a ac3 -movflags frag_keyframe",
    "-c:v libvpx-vp9 -g 5 -c:a libopus -b:a 16k",
    "-c:v libaom-av1 -cpu-used 8 -g 5 -c:a flac -strict experimental",
    "-c:v libx265 -x265-params log-level=0:keyint=5 -tag:v hvc1 -c:a eac3",
];

/// MP4 files: ours, and ffmpeg's where there is one.
pub(crate) fn mp4() -> Vec<Vec<u8>> {
    let mut files = ours();
    files.extend(CLIPS.iter().filter_map(|coding| clip(coding)));
    files
}

fn ours() -> Vec<Vec<u8>> {
    const AVCC: &[u8] = &[
        1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, 10, 0x67, 0x64, 0, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f,
        0xf9, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb, 0xfd, 0xf8, 0xf8, 0,
    ];
    let video = VideoConfig {
        timescale: 90_000,
        width: 640,
        height: 360,
        avcc: Bytes::from_static(AVCC),
        colour: None,
        bit_rate: None,
    };
    let audio = AudioConfig {
        timescale: 48_000,
        channels: 2,
        asc: Bytes::from_static(&[0x11, 0x90]),
        priming: 1024,
        max_bitrate: 140_000,
        avg_bitrate: 128_000,
    };
    let inits = [cmaf::video_init(&video), cmaf::audio_init(&audio)];
    let kinds = [(SegmentKind::Video, 90_000), (SegmentKind::Audio, 1024)];
    let files = inits.into_iter().zip(kinds).map(|(init, (kind, duration))| {
        let mut file = init.expect("the configuration is sound").to_vec();
        for number in 0..2_u32 {
            let start = u64::from(number * 4 * duration);
            let unit = |n: u32| AccessUnit {
                pts: (start + u64::from(n * duration)) as i64,
                duration,
                key: n == 0 || kind == SegmentKind::Audio,
                data: Bytes::from_static(&[0, 0, 0, 1, 0x65]),
            };
            let units: Vec<_> = (0..4).map(unit).collect();
            let segment = cmaf::segment(kind, number + 1, start, &units);
            file.extend_from_slice(&segment.expect("the units follow each other"));
        }
        file
    });
    files.collect()
}

/// A file of ffmpeg's; what it cannot code is said.
fn clip(coding: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("there is a folder for files of the moment");
    let path = folder.path().join("clip.mp4");
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=64x36:rate=10:duration=1"])
        .args(["-f", "lavfi", "-i", "sine=440:duration=1:sample_rate=48000", "-pix_fmt", "yuv420p"])
        .args(coding.split_whitespace())
        .arg(&path)
        .output();
    match done {
        Ok(done) if done.status.success() => std::fs::read(path).ok(),
        Ok(done) => {
            eprintln!("no clip of {coding}: {}", String::from_utf8_lossy(&done.stderr));
            None
        }
        Err(error) => {
            eprintln!("no clip of {coding}: ffmpeg: {error}");
            None
        }
    }
}

/// Playlists with every tag.
pub(crate) fn playlists() -> Vec<Vec<u8>> {
    [MULTIVARIANT, VOD, LIVE].map(|text| text.as_bytes().to_vec()).to_vec()
}

const MULTIVARIANT: &str = r#"#EXTM3U
#EXT-X-VERSION:8
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DEFINE:NAME="host",VALUE="https://example.org"
#EXT-X-SESSION-DATA:DATA-ID="title",VALUE="Film"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a-en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",LANGUAGE="de",FORCED=NO,URI="{$host}/t-de.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="CC",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=1108086,AVERAGE-BANDWIDTH=1105489,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=60.000,VIDEO-RANGE=SDR,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"
v1080.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.64001f",RESOLUTION=1920x1080,URI="i.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1000,RESOLUTION=160x90,CODECS="jpeg",URI="images.m3u8"
"#;

const VOD: &str = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MEDIA-SEQUENCE:1
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-START:TIME-OFFSET=0,PRECISE=YES
#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x0123456789abcdef0123456789abcdef
#EXT-X-MAP:URI="init.mp4",BYTERANGE="700@0"
#EXT-X-PROGRAM-DATE-TIME:2026-11-27T06:01:00.000Z
#EXTINF:4.000000,Title
#EXT-X-BYTERANGE:1000@700
film.mp4
#EXT-X-DISCONTINUITY
#EXT-X-GAP
#EXT-X-BITRATE:800
#EXTINF:3.999999,
#EXT-X-BYTERANGE:1000
film.mp4
#EXT-X-ENDLIST
"#;

const LIVE: &str = r#"#EXTM3U
#EXT-X-VERSION:10
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,CAN-SKIP-DATERANGES=YES,HOLD-BACK=6.0,PART-HOLD-BACK=1.002
#EXT-X-PART-INF:PART-TARGET=0.334
#EXT-X-MEDIA-SEQUENCE:30
#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES="a	b"
#EXT-X-DATERANGE:ID="ad",CLASS="ads",START-DATE="2026-11-27T06:01:00Z",DURATION=30.5,PLANNED-DURATION=31,END-ON-NEXT=YES
#EXT-X-PROGRAM-DATE-TIME:2026-11-27T06:01:18.000Z
#EXT-X-PART:DURATION=0.333,URI="39.0.m4s",INDEPENDENT=YES,BYTERANGE="100@0"
#EXT-X-PART:DURATION=0.333,URI="39.1.m4s",GAP=YES
#EXTINF:2.0,
39.m4s
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="40.0.m4s",BYTERANGE-START=0,BYTERANGE-LENGTH=1
#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="init.mp4"
#EXT-X-RENDITION-REPORT:URI="../audio/live.m3u8",LAST-MSN=43,LAST-PART=2
"#;

/// Both formats, with all that they may hold.
pub(crate) fn captions() -> Vec<Vec<u8>> {
    let vtt = "WEBVTT - Film\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\nNOTE a note\nof two lines\n\n\
        STYLE\n::cue(.loud) { color: red }\n\nREGION\nid:top\nlines:3\n\n\
        intro\n00:01.000 --> 00:02.500 line:0 align:start region:top\n<v Ann><i>Hi</i></v> &amp; <c.loud>bye</c>\n\n\
        00:00:02.000 --> 01:00:00.000 position:10%,line-left\n- you\n- me\n";
    let srt = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500 X1:100 X2:200\r\n{\\an8}<font color=\"#fff\">Tom & \
        <i>Jerry</i></font>\r\n3 < 4\r\n\r\n2\r\n00:01:00,250 --> 00:01:01,000\r\n<b>bold</b> {\\i1}&nbsp;\r\n\r\n";
    [vtt, srt].map(|text| text.as_bytes().to_vec()).to_vec()
}

#[cfg(test)]
mod tests {
    use crate::{Target, judge, targets};

    const TARGETS: [Target; 3] = [targets::MP4, targets::PLAYLIST, targets::CAPTIONS];

    #[test]
    fn what_we_begin_from_is_read() {
        use kinora_packager::{lint, read, text};
        for file in super::mp4() {
            let file = read::open(&file).unwrap();
            for track in file.tracks().unwrap() {
                assert!(track.check().unwrap() >= 8);
            }
        }
        for playlist in super::playlists() {
            let errors = lint::playlist(&playlist).findings;
            assert!(errors.len() < 5, "{errors:?}");
        }
        for captions in super::captions() {
            assert_eq!(text::parse(&captions, None).unwrap().cue_count(), 2);
        }
    }

    /// The engine looks further; this is what every run of the tests looks at.
    #[test]
    fn changed_files_are_read_or_refused() {
        for target in TARGETS {
            for (number, seed) in (target.seeds)().iter().enumerate() {
                for round in 0..100 {
                    let changed = target.mutated(seed, 16 << 10, round);
                    // What fails is found again by its number.
                    eprintln!("seed {number}, round {round}");
                    judge::run(&target, &changed);
                }
            }
        }
    }
}
