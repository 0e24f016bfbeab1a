//! Beeps begin with their flashes, whatever way they come: made by the sample generator, put into
//! many shapes by FFmpeg, encoded by us, and read back by FFmpeg's decoders.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use kinora_media::FrameRate;
use kinora_pipeline::{
    audio, chunk,
    sample::{self, Container, SampleArgs},
    source::Source,
};
use kinora_plan::{Chunk, Plan};
use tempfile::TempDir;

use crate::{
    gpu,
    joined::join,
    media::{prepare, reporter},
};

/// Half an AAC frame at 48 kHz, seconds: nothing but the source's own rounding (Opus' lead, AVI's
/// grid) is off by more, and a whole frame too much or too little is beyond it on every path.
const MOST_OFF_S: f64 = 512.0 / 48_000.0;
const RATE: u32 = 48_000;

/// A clip of four seconds with flashes and beeps at 1, 2 and 3 s.
fn clip(folder: &TempDir, rate: (u32, u32)) -> PathBuf {
    let output = folder.path().join(format!("clip-{}.mp4", rate.0));
    let args = SampleArgs {
        output: output.clone(),
        seconds: 4,
        rate: FrameRate::new(rate.0, rate.1).unwrap(),
        size: (160, 90),
        container: Container::Mp4,
        no_audio: false,
    };
    sample::run(&args).unwrap();
    output
}

/// What FFmpeg makes of a file with these options: a file of that name.
fn shaped(clip: &Path, before: &str, options: &str, name: &str) -> PathBuf {
    let output = clip.with_file_name(name);
    ffmpeg(|command| {
        command.args(before.split_whitespace()).arg("-i").arg(clip);
        command.args(options.split_whitespace()).arg(&output);
    });
    output
}

fn ffmpeg(arguments: impl Fn(&mut Command)) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]);
    arguments(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The clip as players get it.
struct Encoded {
    plan: Plan,
    /// Of the rendition that was made.
    rate: FrameRate,
    folder: TempDir,
}

/// How a rendition comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The smallest one, encoded.
    Encoded,
    /// The top one, as the source has it.
    Copied,
    /// The smallest one, encoded on the fake device.
    OnDevice,
}

fn sequential(mut plan: Plan) -> Plan {
    let video = plan.video.as_mut().unwrap();
    let first = video.chunks[0];
    video.sequential = true;
    video.chunks = vec![Chunk { frames: video.frames, ..first }];
    plan
}

fn encode_plan(plan: Plan, source: &Source) -> Encoded {
    encode_by(Way::Encoded, plan, source, None)
}

/// The child is told of `film` where it needs a process of its own.
fn encode_by(way: Way, plan: Plan, source: &Source, film: Option<&Path>) -> Encoded {
    let folder = tempfile::tempdir().unwrap();
    let mut specs = Vec::new();
    for index in 0..plan.video.as_ref().unwrap().chunks.len() {
        let mut spec = plan.chunk_spec(index, source.size()).unwrap();
        match way {
            Way::Copied => spec.rungs.truncate(1),
            Way::Encoded | Way::OnDevice => drop(spec.rungs.drain(..spec.rungs.len() - 1)),
        }
        assert_eq!(spec.rungs[0].copy, way == Way::Copied, "{:?}", plan.notes);
        spec.output_dir = folder.path().join(index.to_string());
        std::fs::create_dir_all(&spec.output_dir).unwrap();
        match film.filter(|_| way == Way::OnDevice) {
            Some(film) => drop(gpu::done(film, &gpu::on_fake(&spec))),
            None => drop(chunk::run(&spec, source, &mut reporter()).unwrap()),
        }
        specs.push(spec);
    }
    let picture = join(&specs, &specs[0].rungs[0].track, folder.path());
    std::fs::rename(picture, folder.path().join("picture.mp4")).unwrap();
    for index in 0..plan.audio.len() {
        encode_sound(&plan, index, source, folder.path());
    }
    Encoded { plan, rate: specs[0].rungs[0].frame_rate, folder }
}

fn encode_sound(plan: &Plan, index: usize, source: &Source, folder: &Path) {
    let mut spec = plan.audio_spec(index, source.size()).unwrap();
    spec.output_dir = folder.join(format!("sound-{index}"));
    std::fs::create_dir_all(&spec.output_dir).unwrap();
    let outcome = audio::run(&spec, source, &mut reporter()).unwrap();
    let mut bytes = std::fs::read(spec.output_dir.join("init.mp4")).unwrap();
    for part in 0..outcome.parts {
        bytes.extend(std::fs::read(spec.output_dir.join(format!("{part:05}.m4s"))).unwrap());
    }
    std::fs::write(folder.join(format!("sound-{index}.mp4")), bytes).unwrap();
}

impl Encoded {
    /// When flashes begin, seconds: frames counted, because ffmpeg 5.1 shows cmf2 late.
    fn flashes(&self) -> Vec<f64> {
        let pixels = ffmpeg(|command| {
            command.arg("-i").arg(self.folder.path().join("picture.mp4"));
            command.args(["-vf", "scale=8:8", "-pix_fmt", "gray", "-f", "rawvideo"]);
            command.args(["-fps_mode", "passthrough", "-"]);
        });
        let white = |frame: &[u8]| frame.iter().filter(|pixel| **pixel > 200).count() > 40;
        let frames: Vec<bool> = pixels.chunks(64).map(white).collect();
        let begins = |n: &usize| frames[*n] && (*n == 0 || !frames[n - 1]);
        let seconds = |n: usize| self.rate.frame_nanos(n as u64) as f64 / 1e9;
        (0..frames.len()).filter(begins).map(seconds).collect()
    }

    /// Every channel added up, a sample a frame.
    fn sound(&self, index: usize) -> Vec<f32> {
        let bytes = ffmpeg(|command| {
            command.arg("-copyts");
            command.arg("-i").arg(self.folder.path().join(format!("sound-{index}.mp4")));
            // What lies before 0 is the encoder's priming, which the edit list skips.
            command.args(["-af", "aresample=48000:async=1:first_pts=0"]);
            command.args(["-ac", "1", "-f", "f32le", "-"]);
        });
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }

    /// When beeps begin, seconds.
    fn beeps(&self, index: usize) -> Vec<f64> {
        let sound = self.sound(index);
        let loudest = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let (mut beeps, mut loud_at) = (Vec::new(), None::<usize>);
        for (n, _) in sound.iter().enumerate().filter(|(_, s)| s.abs() > loudest / 5.0) {
            if loud_at.is_none_or(|at| n > at + RATE as usize / 10) {
                beeps.push(n as f64 / f64::from(RATE));
            }
            loud_at = Some(n);
        }
        beeps
    }
}

/// Every soundtrack in `tracks` beeps with the flashes from `first` on, `count` times.
fn assert_in_step(name: &str, file: &Path, tracks: &[usize], count: usize) -> Encoded {
    let (plan, source) = prepare(file);
    let encoded = encode_plan(plan, &source);
    assert_all_in_step(name, &encoded, tracks, count);
    encoded
}

fn assert_all_in_step(name: &str, encoded: &Encoded, tracks: &[usize], count: usize) {
    let flashes = encoded.flashes();
    for track in tracks {
        let beeps = encoded.beeps(*track);
        assert_eq!(beeps.len(), count, "{name}, soundtrack {track}: {beeps:?} {flashes:?}");
        for beep in beeps {
            let off = flashes.iter().map(|flash| (beep - flash).abs()).fold(f64::MAX, f64::min);
            eprintln!("{name}, soundtrack {track}: beep at {beep:.4} s, {:.2} ms off", off * 1e3);
            assert!(off < MOST_OFF_S, "{name}, soundtrack {track}: {beep} of {flashes:?}");
        }
    }
}

#[test]
fn in_every_container_and_at_every_rate() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(&folder, (30, 1));
    assert_in_step("mp4", &film, &[0], 3);
    let copied = |name: &str| shaped(&film, "", "-c copy", name);
    assert_in_step("mkv", &copied("copy.mkv"), &[0], 3);
    let stream = copied("copy.ts");
    assert_in_step("ts", &stream, &[0], 3);
    // Where seeks fail, everything is decoded in one go.
    let (plan, source) = prepare(&stream);
    assert_all_in_step("sequential", &encode_plan(sequential(plan), &source), &[0], 3);
    assert_in_step("59.94 fps", &clip(&folder, (60_000, 1001)), &[0], 3);
    let slow = "-c:v copy -ar 44100 -ac 1 -c:a aac";
    let slow = assert_in_step("44.1 kHz", &shaped(&film, "", slow, "slow.mp4"), &[0], 3);
    assert_eq!(slow.plan.audio[0].sample_rate, 44_100);
    assert_in_step(
        "22 kHz",
        &shaped(&film, "", "-c:v copy -ar 22050 -c:a flac", "22.mkv"),
        &[0],
        3,
    );
}

/// H.264 that is handed on as it is.
const FITTING: &str = "-vf scale=640:360 -c:v libx264 -preset ultrafast -bf 2 -g 45 -keyint_min 45 -sc_threshold 0 \
                       -flags +cgop -pix_fmt yuv420p -b:v 300k -maxrate 350k -bufsize 350k \
                       -profile:v main -c:a copy";

#[test]
fn on_every_way_to_a_rendition() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(&folder, (30, 1));
    for name in ["fitting.mp4", "fitting.mkv"] {
        let fitting = shaped(&film, "", FITTING, name);
        let (plan, source) = prepare(&fitting);
        let copied = encode_by(Way::Copied, plan, &source, None);
        assert_all_in_step(&format!("{name}, copied"), &copied, &[0], 3);
    }
    let (plan, source) = prepare(&shaped(&film, "", "-c:v mpeg4 -bf 0 -c:a copy", "other.mp4"));
    let device = encode_by(Way::OnDevice, plan, &source, Some(&film.with_file_name("other.mp4")));
    assert_all_in_step("on a device", &device, &[0], 3);
}

#[test]
fn in_old_containers_fragments_and_at_a_variable_rate() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(&folder, (30, 1));
    // Half of the pictures are missing, none with a flash.
    let holes = "-vf select=not(between(mod(n\\,30)\\,5\\,20)) -fps_mode vfr \
                 -c:v libx264 -bf 2 -c:a copy";
    let fragments = "-c copy -movflags frag_keyframe+empty_moov+default_base_moof";
    for (name, options) in [
        ("old.avi", "-c:v mpeg4 -bf 0 -q:v 4 -c:a mp3"),
        ("old.flv", "-c:v flv1 -q:v 4 -c:a mp3 -ar 44100"),
        ("old.mpg", "-c:v mpeg2video -bf 2 -q:v 4 -c:a mp2"),
        ("new.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
        ("fragments.mp4", fragments),
        ("holes.mkv", holes),
    ] {
        let path = shaped(&film, "", options, name);
        let encoded = assert_in_step(name, &path, &[0], 3);
        let variable = encoded.plan.video.unwrap().stream.variable_rate;
        assert!(variable || name != "holes.mkv", "{name}");
    }
}

#[test]
fn through_edits_late_starts_early_ends_and_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(&folder, (30, 1));
    // All times of the file are seconds late, and it is entered in the middle.
    let late = shaped(&film, "", "-c copy -output_ts_offset 7", "late-clock.mkv");
    let late = assert_in_step("late clock", &late, &[0], 3);
    assert_eq!(late.plan.video.as_ref().unwrap().stream.first_pts_ns / 1_000_000_000, 7);
    assert!(!late.plan.video.unwrap().sequential);
    // The picture begins at a key frame that an edit list hides.
    let edited = shaped(&film, "-ss 0.4", "-c copy", "edited.mp4");
    assert_in_step("edit list", &edited, &[0], 3);
    let cases = [
        ("late start in mkv", "atrim=start=1.5", "late.mkv", 2),
        ("late start in mp4", "atrim=start=1.5", "late.mp4", 2),
        ("early end", "atrim=end=2.5", "short.mp4", 2),
        ("gap", "aselect=not(between(t\\,1.3\\,2.6))", "gap.mkv", 2),
    ];
    for (name, filter, file, count) in cases {
        let coding = if file.ends_with("mkv") { "flac" } else { "aac" };
        let options = format!("-c:v copy -c:a {coding} -af {filter}");
        let encoded = assert_in_step(name, &shaped(&film, "", &options, file), &[0], count);
        // Silence fills what is missing: sound is as long as the picture.
        let length = encoded.sound(0).len() as f64 / f64::from(RATE);
        assert!((3.97..4.1).contains(&length), "{name}: {length} s");
    }
}

#[test]
fn on_every_soundtrack_and_in_surround() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(&folder, (30, 1));
    let options = "-map 0:v -map 0:a -map 0:a -map 0:a -c:v copy -c:a:0 aac -filter:a:0 volume=0 \
                   -c:a:1 ac3 -ac:a:1 6 -c:a:2 aac -ar:a:2 44100";
    let encoded = assert_in_step("three", &shaped(&film, "", options, "three.mkv"), &[1, 2, 3], 3);
    let channels: Vec<_> = encoded.plan.audio.iter().map(|audio| audio.channels).collect();
    assert_eq!(channels, [2, 2, 2, 6]);
    // The silent one's priming stands before the first picture, whose block comes first.
    let picture = encoded.plan.video.as_ref().unwrap();
    assert!(!picture.stream.variable_rate && !picture.sequential, "{:?}", picture.stream);
    assert!(encoded.sound(0).iter().all(|sample| sample.abs() < 1e-3), "the first is silent");
}

/// What each channel of the result is full of, as the frequency of its tone.
#[test]
fn surround_keeps_its_channels_apart() {
    let folder = tempfile::tempdir().unwrap();
    let tones = [300, 500, 700, 60, 1100, 1300].map(|hertz| format!("0.2*sin(2*PI*{hertz}*t)"));
    let source = folder.path().join("tones.flac");
    ffmpeg(|command| {
        let tones = format!("aevalsrc={}:c=5.1:d=3:s=48000", tones.join("|"));
        command.args(["-f", "lavfi", "-i", &tones]).arg(&source);
    });
    let (plan, opened) = prepare(&source);
    assert_eq!(plan.audio.iter().map(|audio| audio.channels).collect::<Vec<_>>(), [2, 6]);
    for index in 0..2 {
        encode_sound(&plan, index, &opened, folder.path());
    }
    let loudest = |index: usize, channel: usize, hertz: &[u32]| {
        let pan = format!("pan=mono|c0=c{channel}");
        let bytes = ffmpeg(|command| {
            command.arg("-i").arg(folder.path().join(format!("sound-{index}.mp4")));
            command.args(["-af", &pan, "-f", "f32le", "-"]);
        });
        let samples: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let mut levels: Vec<_> = hertz.iter().map(|h| (level(&samples, *h), *h)).collect();
        levels.sort_by(|a, b| b.0.total_cmp(&a.0));
        levels
    };
    let all = [300, 500, 700, 60, 1100, 1300];
    for (channel, hertz) in all.into_iter().enumerate() {
        let levels = loudest(1, channel, &all);
        assert_eq!(levels[0].1, hertz, "channel {channel}: {levels:?}");
        assert!(levels[0].0 > 30.0 * levels[1].0, "channel {channel}: {levels:?}");
    }
    // Left of stereo holds left, centre and left surround, and nothing of the lowest; how much of
    // each is the mixer's test, because stereo coding smears what two channels share.
    let levels = loudest(0, 0, &all);
    let of = |hertz: u32| levels.iter().find(|level| level.1 == hertz).unwrap().0 / levels[0].0;
    assert_eq!(levels[0].1, 300, "{levels:?}");
    assert!(of(700) > 0.5 && of(1100) > 0.5 && of(1300) < 0.2 && of(60) < 0.01, "{levels:?}");
}

/// How much of a tone there is (a discrete Fourier transform at one frequency).
fn level(samples: &[f32], hertz: u32) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    // A whole second, away from the ends.
    for (n, sample) in samples.iter().skip(48_000).take(48_000).enumerate() {
        let phase = std::f64::consts::TAU * f64::from(hertz) * n as f64 / 48_000.0;
        sine += f64::from(*sample) * phase.sin();
        cosine += f64::from(*sample) * phase.cos();
    }
    sine.hypot(cosine) / 24_000.0
}

#[test]
fn a_stream_that_changes_on_the_way_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(&folder, (30, 1));
    // As broadcasts do: another rate and other channels from 4 s on.
    let first = shaped(&film, "", "-c:v copy -ar 44100 -ac 1 -c:a aac", "first.ts");
    let second = "-c:v copy -ar 48000 -ac 2 -c:a aac -output_ts_offset 4";
    let second = shaped(&film, "", second, "second.ts");
    let file = folder.path().join("changing.ts");
    std::fs::write(&file, [first, second].map(|part| std::fs::read(part).unwrap()).concat())
        .unwrap();
    let encoded = assert_in_step("changing", &file, &[0], 6);
    assert_eq!(encoded.plan.audio[0].sample_rate, 44_100);
}
