//! Real files, compared with what ffprobe and the crate `mp4` make of them.

use std::{fs, path::Path, process::Command};

use kinora_packager::read::{self, Track};

use crate::media::shared;

const CLIPS: [&str; 14] = [
    "h264-bpyramid-800x640.mp4",
    "vp9-in-mp4-800x640.mp4",
    "h265-bframes.mp4",
    "hdr10-av1.mp4",
    "hlg10.mp4",
    "rotated-270.mp4",
    "edit-list.mp4",
    "edit-list-positive-shift.mp4",
    "shorter-audio.mp4",
    "ac3-and-aac.mp4",
    "eac3.mp4",
    "fragmented.mp4",
    "no-bframes.mp4",
    "vfr-slow-motion.mp4",
];

/// Where a packet lies, how long it is, whether it is a key, and when it is decoded.
type Packet = (u64, u32, bool, i64);

#[test]
fn ffprobe_finds_the_same_samples() {
    for path in CLIPS.iter().filter_map(|name| shared(name)) {
        let bytes = fs::read(&path).unwrap();
        let file = read::open(&bytes).unwrap();
        for (index, track) in file.tracks().unwrap().iter().enumerate() {
            let expected = ffprobe(&path, index);
            // ffprobe counts the first sample from where it likes.
            let from_zero = |mut packets: Vec<Packet>| {
                let first = packets.first().map_or(0, |packet| packet.3);
                packets.iter_mut().for_each(|packet| packet.3 -= first);
                packets
            };
            let (ours, theirs) = (from_zero(ours(track)), from_zero(expected));
            let name = path.display();
            assert_eq!(ours.len(), theirs.len(), "{name} track {index}");
            let differ = ours.iter().zip(&theirs).position(|(a, b)| a != b);
            let shown = differ.map(|at| (at, ours[at], theirs[at]));
            assert_eq!(shown, None, "{name} track {index} {}", track.handler_text());
        }
    }
}

fn ours(track: &Track<'_>) -> Vec<Packet> {
    let packet =
        |sample: read::Sample| (sample.offset, sample.size, sample.key, sample.decode_time as i64);
    track.samples().map(|sample| packet(sample.unwrap())).collect()
}

fn ffprobe(path: &Path, stream: usize) -> Vec<Packet> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-ignore_editlist", "1", "-select_streams", &stream.to_string()])
        .args(["-show_entries", "packet=dts,size,pos,flags", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let packet = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        let [dts, size, pos, flags] = fields[..4] else { panic!("{line}") };
        let key = flags.starts_with('K');
        (pos.parse().unwrap(), size.parse().unwrap(), key, dts.parse().unwrap())
    };
    text.lines().filter(|line| !line.is_empty()).map(packet).collect()
}

/// The crate `mp4` reads trusted progressive files well.
#[test]
fn the_mp4_crate_finds_the_same_samples() {
    for name in ["no-bframes.mp4", "720p-15fps-1s.mp4"] {
        let Some(path) = shared(name) else { continue };
        let bytes = fs::read(path).unwrap();
        let mut reader =
            mp4::Mp4Reader::read_header(std::io::Cursor::new(&bytes), bytes.len() as u64).unwrap();
        let file = read::open(&bytes).unwrap();
        for track in file.tracks().unwrap() {
            let count = reader.sample_count(track.id).unwrap();
            assert_eq!(track.check(), Ok(u64::from(count)));
            for (number, sample) in track.samples().enumerate() {
                let sample = sample.unwrap();
                let theirs = reader.read_sample(track.id, number as u32 + 1).unwrap().unwrap();
                let start = sample.offset as usize;
                assert_eq!(bytes[start..start + sample.size as usize], theirs.bytes);
                assert_eq!(
                    (sample.decode_time, sample.duration),
                    (theirs.start_time, theirs.duration)
                );
                assert_eq!(sample.key, theirs.is_sync);
            }
        }
    }
}
