//! Finished files packaged together: what comes out is read back by the reader, by other people's,
//! and compared with what went in.

use kinora_packager::{
    package::{self, Captions, Layout, Options, Package, PackageError, Source},
    read::{self, Track},
    text,
};

use crate::{
    fixtures::AVCC,
    read::mux::{Muxed, MuxedSample, boxed, progressive, sound, visual},
};

pub(crate) const OPTIONS: Options = Options { layout: Layout::SingleFile, segment_ms: 2000 };

/// 30 pictures a second with B pictures, key frames at `keys`, shown from two pictures on: as
/// x264 and ffmpeg write it.
pub(crate) fn picture(samples: usize, keys: impl Fn(usize) -> bool, timescale: u32) -> Muxed {
    let frame = timescale / 30;
    let sample = |n: usize| {
        let key = keys(n);
        // Decoded I P B B P B B, shown I B B P B B P.
        let last_key = (0..=n).rev().find(|&n| keys(n)).unwrap_or(0);
        let shown_late = match (n - last_key) % 3 {
            _ if key => 1,
            1 => 3,
            _ => 0,
        };
        MuxedSample {
            data: vec![n as u8; 20 + n % 7],
            duration: frame,
            composition_offset: (shown_late * frame) as i32,
            key,
        }
    };
    Muxed {
        handler: b"vide",
        timescale,
        entries: vec![visual(b"avc1", &boxed(b"avcC", &[AVCC]))],
        samples: (0..samples).map(sample).collect(),
        chunks: vec![(1, 1); samples],
        edits: vec![(samples as u64 * 1000 / 30, i64::from(frame), 0x10000)],
        long: false,
    }
}

const ESDS: &[u8] = &[
    0, 0, 0, 0, 3, 25, 0, 0, 0, 4, 17, 0x40, 0x15, 0, 6, 0, 0, 1, 0xfb, 0xd0, 0, 1, 0xf4, 0, 5, 2,
    0x11, 0x90, 6, 1, 2,
];

/// AAC with a frame of priming.
pub(crate) fn aac(frames: usize) -> Muxed {
    let sample = |n: usize| MuxedSample {
        data: vec![n as u8; 6],
        duration: 1024,
        composition_offset: 0,
        key: true,
    };
    let mut samples: Vec<_> = (0..frames).map(sample).collect();
    // As ffmpeg writes it: the last frame is said to end where the source did.
    samples.last_mut().unwrap().duration = 700;
    Muxed {
        handler: b"soun",
        timescale: 48_000,
        entries: vec![sound(b"mp4a", &boxed(b"esds", &[ESDS]))],
        samples,
        chunks: vec![(1, 1); frames],
        edits: vec![((frames as u64 - 1) * 1024 / 48, 1024, 0x10000)],
        long: true,
    }
}

pub(crate) fn every(frames: usize) -> impl Fn(usize) -> bool {
    move |n| n.is_multiple_of(frames)
}

/// All tracks of some files.
pub(crate) fn sources<'t>(files: &'t [Vec<Track<'t>>]) -> Vec<Source<'t>> {
    let all = files.iter().enumerate().flat_map(|(file, tracks)| {
        tracks.iter().map(move |track| Source {
            name: format!("{file}.mp4, track {}", track.id),
            file,
            track,
            language: "en".into(),
            label: String::new(),
        })
    });
    all.collect()
}

/// Packages files, and hands over what came of it with the bytes of the files.
pub(crate) fn packaged<T>(
    files: &[Vec<u8>],
    options: Options,
    then: impl FnOnce(&Package<'_>) -> T,
) -> T {
    let opened: Vec<_> = files.iter().map(|bytes| read::open(bytes).unwrap()).collect();
    let tracks: Vec<_> = opened.iter().map(|file| file.tracks().unwrap()).collect();
    let captions = Captions {
        language: "de".into(),
        label: "Deutsch".into(),
        text: text::parse(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHallo\n", None).unwrap(),
    };
    then(&package::plan(&sources(&tracks), vec![captions], options).unwrap())
}

fn refused(files: &[Vec<u8>]) -> PackageError {
    let opened: Vec<_> = files.iter().map(|bytes| read::open(bytes).unwrap()).collect();
    let tracks: Vec<_> = opened.iter().map(|file| file.tracks().unwrap()).collect();
    package::plan(&sources(&tracks), vec![], OPTIONS).unwrap_err()
}

pub(crate) fn film() -> Vec<u8> {
    progressive(&[picture(165, every(60), 15_360), aac(260)]).0
}

/// A track's file.
pub(crate) fn written(package: &Package<'_>, track: usize, files: &[Vec<u8>]) -> Vec<u8> {
    let output = &package.outputs[track];
    let mut bytes = [&output.init[..], &output.index].concat();
    for fragment in output.fragments() {
        let fragment = fragment.unwrap();
        let before = bytes.len() as u64;
        bytes.extend_from_slice(&fragment.head);
        for range in &fragment.media {
            let file = &files[output.file];
            bytes.extend_from_slice(&file[range.start as usize..range.end as usize]);
        }
        assert_eq!(bytes.len() as u64, before + fragment.len());
    }
    bytes
}

#[test]
fn manifests_of_both_layouts() {
    let files = [progressive(&[picture(165, every(60), 90_000)]).0, film()];
    for (layout, name) in [(Layout::SingleFile, "single_file"), (Layout::Segments, "segments")] {
        packaged(&files, Options { layout, ..OPTIONS }, |package| {
            let mut shown = package.multivariant().unwrap();
            for output in &package.outputs {
                shown += &format!("\n== {}\n", output.id);
                shown += &package.media_playlist(&output.id).unwrap().unwrap();
                if let Some((address, playlist)) = package.i_frame_playlist(&output.id).unwrap() {
                    shown += &format!("\n== {address}\n{playlist}");
                }
            }
            for track in package.head().tracks.iter().filter(|it| it.id.as_str() == "t-de") {
                shown += &format!("\n== {}\n", track.id);
                shown += &package.media_playlist(&track.id).unwrap().unwrap();
            }
            insta::assert_snapshot!(format!("{name}_hls"), shown);
            insta::assert_snapshot!(format!("{name}_dash"), package.mpd().unwrap());
        });
    }
}

#[test]
fn captions_are_files_that_the_manifests_name() {
    let files = [film()];
    for layout in [Layout::SingleFile, Layout::Segments] {
        packaged(&files, Options { layout, ..OPTIONS }, |package| {
            let track = &package.head().tracks.last().unwrap().id;
            let files: Vec<_> = package.caption_files().collect();
            let (whole, text) = &files[0];
            assert!(package.mpd().unwrap().contains(&format!("<BaseURL>{whole}</BaseURL>")));
            assert!(text.contains("Hallo") && !text.contains("X-TIMESTAMP-MAP"));
            let playlist = package.media_playlist(track).unwrap().unwrap();
            let named = playlist.lines().filter(|line| !line.starts_with('#'));
            let skipped = usize::from(layout == Layout::Segments);
            let written = files[skipped..].iter().map(|(name, _)| name.as_str());
            assert_eq!(named.collect::<Vec<_>>(), written.collect::<Vec<_>>());
            if layout == Layout::Segments {
                assert!(files.len() > 2 && files[1].1.contains("Hallo"), "{files:?}");
                assert!(!files[2].1.contains("Hallo") && files[2].1.contains("X-TIMESTAMP-MAP"));
            }
        });
    }
}

#[test]
fn what_comes_out_is_what_went_in() {
    let files = [film()];
    packaged(&files, OPTIONS, |package| {
        let source = read::open(&files[0]).unwrap();
        let source = source.tracks().unwrap();
        for (track, source) in source.iter().enumerate() {
            let bytes = written(package, track, &files);
            let file = read::open(&bytes).unwrap();
            let found = file.tracks().unwrap();
            let priming = if track == 1 { 1024 } else { 0 };
            let edits: Vec<_> = found[0].edits.iter().map(|edit| edit.media_time).collect();
            assert_eq!(edits, if track == 1 { vec![Some(1024)] } else { vec![] });
            let shift = if track == 1 { 0 } else { 512 };
            let mut decode_time = 0;
            let mut count = 0;
            for (ours, theirs) in found[0].samples().zip(source.samples()) {
                let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
                assert_eq!(ours.decode_time, decode_time);
                assert_eq!((ours.key, ours.size), (theirs.key, theirs.size));
                let shown = |sample: read::Sample| {
                    sample.decode_time as i64 + i64::from(sample.composition_offset)
                };
                assert_eq!(shown(ours), shown(theirs) - shift);
                let data = |bytes: &[u8], sample: read::Sample| {
                    bytes[sample.offset as usize..][..sample.size as usize].to_vec()
                };
                assert_eq!(data(&bytes, ours), data(&files[0], theirs));
                decode_time += u64::from(ours.duration);
                count += 1;
            }
            assert_eq!(source.check(), Ok(count));
            assert_eq!(found[0].check(), Ok(count));
            let first = found[0].samples().next().unwrap().unwrap();
            // Seen and heard from 0 on; the priming is skipped by the edit list.
            assert_eq!(i64::from(first.composition_offset) - priming, -priming);
        }
    });
}

#[test]
fn sound_that_begins_later_stays_in_step() {
    let mut late = aac(100);
    late.edits.insert(0, (500, -1, 0x10000));
    let files = [progressive(&[picture(90, every(30), 15_360), late]).0];
    packaged(&files, OPTIONS, |package| {
        let bytes = written(package, 1, &files);
        let file = read::open(&bytes).unwrap();
        let first = file.tracks().unwrap()[0].samples().next().unwrap().unwrap();
        assert_eq!(first.decode_time, 24_000);
        // Half a second of nothing belongs to the first segment.
        let playlist = package.media_playlist(&package.outputs[1].id).unwrap().unwrap();
        assert!(playlist.contains("#EXTINF:1.99"), "{playlist}");
    });
}

#[test]
fn pictures_must_share_key_frames() {
    let own = |keys| progressive(&[picture(300, every(keys), 15_360)]).0;
    let error = refused(&[own(60), own(50)]);
    assert_eq!(
        error.to_string(),
        "the key frames of 0.mp4, track 1 and 1.mp4, track 1 do not align: between 0.000 s and \
         10.033 s they share none"
    );
    // A multiple aligns.
    packaged(&[own(30), own(60)], OPTIONS, |package| {
        assert!(package.outputs.iter().all(|output| output.segments() == 5));
    });
}

#[test]
fn faults_say_which_track_and_what_to_do() {
    let one = |change: &dyn Fn(&mut Muxed)| {
        let mut track = picture(60, every(30), 15_360);
        change(&mut track);
        refused(&[progressive(&[track]).0]).to_string()
    };
    insta::assert_snapshot!(
        [
            one(&|track| track.edits = vec![(500, 0, 0x10000), (500, 8000, 0x10000)]),
            one(&|track| track.edits = vec![(500, 0, 0x20000)]),
            one(&|track| track.edits = vec![(500, 5120, 0x10000)]),
            one(&|track| track.samples[0].key = false),
            one(&|track| track.entries = vec![visual(b"drac", b"")]),
            one(&|track| track.entries = vec![visual(b"avc1", b"")]),
            one(&|track| {
                track.entries.push(track.entries[0].clone());
                track.chunks[7].1 = 2;
            }),
            one(&|track| {
                track.samples.clear();
                track.chunks.clear();
            }),
            refused(&[]).to_string(),
        ]
        .join("\n")
    );
}

/// Found by fuzzing: a frame of the third segment is heard before the second begins.
#[test]
fn segments_that_are_shown_backwards_are_refused() {
    let mut track = aac(260);
    track.samples[200].composition_offset = -150 * 1024;
    let error = refused(&[progressive(&[track]).0]).to_string();
    assert!(error.ends_with("shown before the segment before it"), "{error}");
}

/// Six hours of 29.97 pictures a second and sound at 44.1 kHz: a timeline, with samples of a byte.
#[test]
fn six_hours_do_not_drift() {
    let frames = 6 * 3600 * 30_000 / 1001;
    let mut video = picture(1, every(60), 30_000);
    video.chunks = vec![(1, 1); frames];
    let sample = |n: usize| MuxedSample {
        data: vec![0],
        duration: 1001,
        composition_offset: 0,
        key: n.is_multiple_of(60),
    };
    video.samples = (0..frames).map(sample).collect();
    video.edits = vec![];
    let mut audio = aac(6 * 3600 * 44_100 / 1024);
    audio.timescale = 44_100;
    audio.edits = vec![(0, 1024, 0x10000)];
    audio.samples.iter_mut().for_each(|sample| sample.data = vec![0]);
    let files = [progressive(&[video, audio]).0];
    packaged(&files, Options { segment_ms: 6000, ..OPTIONS }, |package| {
        let [video, audio] = &package.outputs[..] else { panic!("two tracks") };
        assert_eq!(video.segments(), audio.segments());
        let playlist = |track| package.media_playlist(track).unwrap().unwrap();
        let times = |text: String| {
            let lines = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
            let micros = lines.map(|line| line.trim_end_matches(',').replace('.', ""));
            let sums = micros.scan(0_i64, |sum, micros| {
                *sum += micros.parse::<i64>().unwrap();
                Some(*sum)
            });
            sums.collect::<Vec<_>>()
        };
        let (video, audio) = (times(playlist(&video.id)), times(playlist(&audio.id)));
        // Each boundary of sound is the frame nearest to that of the picture, in whole ticks.
        for (n, (video, audio)) in video.iter().zip(&audio).enumerate().take(video.len() - 1) {
            assert_eq!(*video, (n as i64 + 1) * 6_006_000);
            assert!((video - audio).abs() <= 513 * 1_000_000 / 44_100, "{n}");
        }
    });
}
