use std::{
    f32::consts::TAU,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use kinora_media::ticks;
use kinora_plan::{
    AudioStream, ProbeReport,
    encoder::{AudioPart, Message, ProbeSpec},
};
use tempfile::TempDir;

use super::*;
use crate::probe;

const RATE: u32 = 48_000;

pub(super) fn spec() -> AudioSpec {
    AudioSpec {
        source_size: 0,
        audio: AudioStream {
            stream_id: String::new(),
            codec: "audio/x-raw".into(),
            channels: 1,
            sample_rate: RATE,
            language: None,
            title: None,
            default: false,
            loudness: None,
            first_pts_ns: 0,
            end_pts_ns: 0,
        },
        origin_ns: 0,
        duration_ns: 0,
        sample_rate: RATE,
        channels: 2,
        bitrate: 128_000,
        gain_cdb: 0,
        true_peak_dbtp: None,
        boundaries_ns: vec![2_000_000_000, 4_000_000_000],
        segment_ns: 4_000_000_000,
        part_segments: vec![1, 2],
        output_dir: PathBuf::new(),
    }
}

/// A WAV file (RIFF, 16 bits, one channel) of `count` samples.
fn wav(folder: &Path, rate: u32, count: u32, sample: impl Fn(u32) -> f32) -> PathBuf {
    let data: Vec<u8> =
        (0..count).flat_map(|n| ((sample(n) * 32_000.0) as i16).to_le_bytes()).collect();
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * 2).to_le_bytes());
    bytes.extend_from_slice(b"\x02\0\x10\0data");
    bytes.extend_from_slice(&(data.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&data);
    let path = folder.join("source.wav");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// One loud sample among silence.
fn click(at: u32) -> impl Fn(u32) -> f32 {
    move |n| if n == at { 1.0 } else { 0.0 }
}

/// Standard output of a child that can be read back.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn probe(path: &Path) -> ProbeReport {
    gstreamer::init().unwrap();
    let source = Source::file(path).unwrap();
    let spec = ProbeSpec { max_duration_ns: u64::MAX, ..ProbeSpec::new(source.size()) };
    probe::run(&spec, &source, &mut Reporter::new(Box::new(io::sink()))).unwrap()
}

struct Encoded {
    outcome: AudioOutcome,
    parts: Vec<AudioPart>,
    folder: TempDir,
}

impl Encoded {
    /// The track as a player gets it.
    fn joined(&self) -> PathBuf {
        let read = |name: &str| std::fs::read(self.folder.path().join(name)).unwrap();
        let mut bytes = read("init.mp4");
        for part in &self.parts {
            bytes.extend(read(&format!("{:05}.m4s", part.index)));
        }
        let path = self.folder.path().join("joined.mp4");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Encodes the first soundtrack of a file under a changed spec.
fn encode(path: &Path, change: impl Fn(&mut AudioSpec)) -> Encoded {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec();
    spec.audio = probe(path).audio.remove(0);
    spec.output_dir = folder.path().to_owned();
    change(&mut spec);
    let lines = Lines::default();
    let mut reporter = Reporter::new(Box::new(lines.clone()));
    let outcome = run(&spec, &Source::file(path).unwrap(), &mut reporter).unwrap();
    let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let parts = told.lines().filter_map(|line| match serde_json::from_str(line).unwrap() {
        Message::AudioPart(part) => Some(part),
        _ => None,
    });
    Encoded { outcome, parts: parts.collect(), folder }
}

/// The left channel of a file, sample by sample from time 0, and its length.
fn listen(path: &Path, rate: u32) -> Vec<f32> {
    let stream = probe(path).audio.remove(0);
    let mut sound = Sound::open(&Source::file(path).unwrap(), &stream.stream_id, rate).unwrap();
    let mut mixing = Mixing::new(2);
    let mut heard: Vec<f32> = Vec::new();
    while let Some(decoded) = sound.pull().unwrap() {
        let at = ticks::rescale(decoded.time.unwrap(), ticks::NANOS, rate.into());
        let at = usize::try_from(at).expect("nothing is heard before 0");
        heard.resize(at.max(heard.len()), 0.0);
        heard.truncate(at);
        heard.extend(mixing.mix(&decoded).chunks(2).map(|pair| pair[0]));
    }
    heard
}

fn loudest(heard: &[f32]) -> usize {
    let loudness = |n: &usize| (heard[*n].abs() * 1e6) as i64;
    (0..heard.len()).max_by_key(loudness).unwrap()
}

#[test]
fn a_click_stays_at_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    for at in [7_000, 48_000, 119_999] {
        let source = wav(folder.path(), RATE, 130_000, click(at));
        let heard = listen(&encode(&source, |_| ()).joined(), RATE);
        let found = loudest(&heard);
        assert!(found.abs_diff(at as usize) <= 1, "heard at {found}, made at {at}");
        assert!((130_000..131_024).contains(&heard.len()), "{} samples", heard.len());
    }
}

#[test]
fn every_encoder_of_the_policy_has_the_priming_it_is_said_to_have() {
    gstreamer::init().unwrap();
    for (name, _, priming) in encoder::POLICY {
        if gstreamer::ElementFactory::find(name).is_none() {
            eprintln!("skipped: {name} is not installed");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut spec = spec();
        spec.output_dir = folder.path().to_owned();
        let mut encoder = Encoder::start_with(&spec, name, priming).unwrap();
        let samples: Vec<f32> =
            (0..50_000).flat_map(|n| [if n == 20_000 { 1.0 } else { 0.0 }; 2]).collect();
        let mut frames = encoder.encode(&samples).unwrap();
        frames.extend(encoder.finish().unwrap());
        let (asc, priming) = encoder.config().unwrap();
        let lines = Lines::default();
        let reporter = Reporter::new(Box::new(lines));
        let mut output = Output::create(&spec, asc, priming, &reporter).unwrap();
        frames.into_iter().for_each(|frame| output.push(frame).unwrap());
        output.finish(50_000).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let joined = folder.path().join("joined.mp4");
        std::fs::write(&joined, [read("init.mp4"), read("00000.m4s")].concat()).unwrap();
        let found = loudest(&listen(&joined, RATE));
        assert!(found.abs_diff(20_000) <= 1, "{name}: heard at {found}, made at 20000");
    }
}

#[test]
fn resampling_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = wav(folder.path(), 32_000, 64_000, click(32_000));
    let heard = listen(&encode(&source, |_| ()).joined(), RATE);
    let found = loudest(&heard);
    assert!(found.abs_diff(48_000) <= 1, "heard at {found}");
}

#[test]
fn segments_follow_the_boundaries_and_cover_the_presentation() {
    let folder = tempfile::tempdir().unwrap();
    let source = wav(folder.path(), RATE, 10 * RATE, |n| 0.3 * (n as f32 * TAU / 48.0).sin());
    let encoded = encode(&source, |spec| spec.duration_ns = 10_500_000_000);
    let cuts: Vec<u64> = encoded.parts.iter().map(|part| part.start / 1024).collect();
    // The first at 2 s; two more, to 4 and 8 s; the rest, to 10.5 s.
    assert_eq!(cuts, [0, 95, 376]);
    let durations = |part: &AudioPart| part.segments.iter().map(|s| s.duration).sum::<u64>();
    let mut next = 0;
    for part in &encoded.parts {
        assert_eq!(part.start, next);
        assert_eq!((part.codec.as_str(), part.priming), ("mp4a.40.2", 1024));
        let file = encoded.folder.path().join(format!("{:05}.m4s", part.index));
        let bytes: u64 = part.segments.iter().map(|segment| segment.size).sum();
        assert_eq!(std::fs::metadata(file).unwrap().len(), bytes);
        next += durations(part);
    }
    assert_eq!(encoded.outcome.duration, next - 1024);
    assert!((504_000..505_024).contains(&encoded.outcome.duration));
    assert_eq!(encoded.outcome.parts, 3);
    assert_eq!(encoded.outcome.warnings, []);
}

#[test]
fn a_small_tail_joins_the_last_segment() {
    let folder = tempfile::tempdir().unwrap();
    for (samples, segments) in [(4 * RATE + 9000, 2), (4 * RATE + 24_000, 3)] {
        let source = wav(folder.path(), RATE, samples, |_| 0.0);
        let encoded = encode(&source, |_| ());
        let found: usize = encoded.parts.iter().map(|part| part.segments.len()).sum();
        assert_eq!(found, segments, "{samples} samples");
    }
}

#[test]
fn the_same_task_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let source = wav(folder.path(), 44_100, 300_000, |n| {
        let n = n as f32;
        0.4 * (n * n * 1e-6).sin() + 0.2 * (n * 0.05).sin()
    });
    let (first, second) = (encode(&source, |_| ()), encode(&source, |_| ()));
    assert_eq!(first.parts, second.parts);
    assert_eq!(first.parts.len(), 2);
    let bytes = |encoded: &Encoded| std::fs::read(encoded.joined()).unwrap();
    assert!(bytes(&first) == bytes(&second));
}

#[test]
fn a_start_inside_the_sound_cuts_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = wav(folder.path(), RATE, 130_000, click(100_000));
    let encoded = encode(&source, |spec| spec.origin_ns = 1_000_000_000);
    assert_eq!(loudest(&listen(&encoded.joined(), RATE)), 52_000);
}

#[test]
fn sound_that_is_not_there_is_refused() {
    gstreamer::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = wav(folder.path(), RATE, 4800, |_| 0.0);
    let mut spec = spec();
    spec.output_dir = folder.path().to_owned();
    spec.audio.stream_id = "no such stream".into();
    let mut reporter = Reporter::new(Box::new(io::sink()));
    let result = run(&spec, &Source::file(&source).unwrap(), &mut reporter);
    assert!(matches!(result, Err(PipelineError::Input { code: "no_streams", .. })), "{result:?}");
}

/// Samples at which a beep begins: sound after at least a tenth of a second of near silence.
fn onsets(heard: &[f32]) -> Vec<usize> {
    let (mut onsets, mut loud_until) = (Vec::new(), None::<usize>);
    for (n, sample) in heard.iter().enumerate().filter(|(_, sample)| sample.abs() > 0.1) {
        if sample.is_finite() && loud_until.is_none_or(|until| n > until + RATE as usize / 10) {
            onsets.push(n);
        }
        loud_until = Some(n);
    }
    onsets
}

#[test]
fn beeps_stay_with_their_flashes() {
    use crate::sample::{self, Container, SampleArgs};
    let folder = tempfile::tempdir().unwrap();
    for container in [Container::Mp4, Container::Mkv, Container::Ts] {
        let output = folder.path().join(format!("{container:?}"));
        let rate = kinora_media::FrameRate::new(30, 1).unwrap();
        let args =
            SampleArgs { output, seconds: 4, rate, size: (160, 90), container, no_audio: false };
        sample::run(&args).unwrap();
        let report = probe(&args.output);
        let video = report.video.unwrap();
        assert_eq!((video.frames, video.frame_rate), (120, rate), "{container:?}");
        let encoded = encode(&args.output, |spec| spec.origin_ns = video.first_pts_ns);
        let found = onsets(&listen(&encoded.joined(), RATE));
        assert_eq!(found.len(), 3, "{container:?}: {found:?}");
        for (second, onset) in (1..).zip(found) {
            // Codecs smear an onset by a fraction of a millisecond; a millisecond is no frame.
            let off = onset.abs_diff(second * RATE as usize);
            assert!(off < 48, "{container:?}: beep {second} is {off} samples off");
        }
    }
}
