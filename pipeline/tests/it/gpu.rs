//! The fake device behind the seam of graphics processors: proven, at work, and failing.

use std::{
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use kinora_pipeline::gpu::FAKE_GPU;
use kinora_plan::{
    Rung,
    device::{EncoderChoice, EncoderFamily},
    doctor::{CoderState, DeviceReport, DoctorReport},
    encoder::{ChunkOutcome, ChunkSpec, EncoderSpec, Failure, FailureKind, Message, Outcome},
};

use crate::{
    clip::{Clip, Wanted, generate},
    joined::{join, numbers},
    task::{encode, rung, specs},
};

fn encoder(faults: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora-encoder"));
    command.env_remove(FAKE_GPU).envs(faults.map(|faults| (FAKE_GPU, faults)));
    command
}

fn doctor(faults: Option<&str>, arguments: &[&str]) -> (DoctorReport, Option<i32>) {
    let output = encoder(faults).args(["doctor", "--json"]).args(arguments).output().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code())
}

fn fake(report: &DoctorReport) -> &DeviceReport {
    report.devices.iter().find(|device| device.id == "fake-0").unwrap()
}

#[test]
fn a_device_is_proven_by_ten_frames() {
    let (report, code) = doctor(Some("ok"), &["--sessions", "4"]);
    assert_eq!(code, Some(0), "{report:#?}");
    let cpu = &report.devices[0];
    assert_eq!((cpu.id.as_str(), cpu.family), ("cpu", EncoderFamily::Software));
    for device in [cpu, fake(&report)] {
        assert_eq!((&device.problem, device.sessions), (&None, 4));
        assert_eq!(device.encoders[0].state, CoderState::Proven);
        assert_eq!(device.decoders[0].state, CoderState::Proven);
    }
    let usable: Vec<String> = report.usable().map(|device| device.id).collect();
    assert_eq!(usable.last().unwrap(), "fake-0");

    let (report, _) = doctor(None, &["--sessions", "1"]);
    assert!(report.devices.iter().all(|device| device.id != "fake-0"), "only tests have it");
}

#[test]
fn fewer_sessions_than_asked_for_are_found_out() {
    let (report, code) = doctor(Some("sessions=2"), &["--sessions", "4"]);
    assert_eq!((fake(&report).sessions, code), (2, Some(0)));
}

#[test]
fn a_device_that_fails_or_hangs_is_not_proven() {
    for (faults, words) in [("dead", "Failed after"), ("stuck", "not encoded in 1 s")] {
        let (report, code) = doctor(Some(faults), &["--sessions", "1", "--patience", "1"]);
        let device = fake(&report);
        let problem = device.problem.as_ref().unwrap();
        assert!(problem.contains(words), "{problem}");
        assert_eq!((device.sessions, code), (0, Some(1)));
        assert_eq!(device.encoders[0].state, CoderState::Failed);
        assert!(report.usable().all(|device| device.id != "fake-0"));
    }
}

#[test]
fn people_read_what_was_proven() {
    let output = encoder(Some("dead")).args(["doctor", "--sessions", "1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for words in ["GStreamer 1.", "cpu (software): works", "fake-0 (fake): does not work", "failed"]
    {
        assert!(text.contains(words), "{text}");
    }
}

pub(crate) fn on_fake(spec: &ChunkSpec) -> ChunkSpec {
    let device = Some("fake-0".to_owned());
    ChunkSpec { encoder: EncoderChoice { family: EncoderFamily::Fake, device }, ..spec.clone() }
}

/// Encodes a chunk as a worker's child does; its last word, and how it ended.
fn run(film: &Path, spec: &ChunkSpec, faults: &str) -> (Option<Message>, ExitStatus) {
    std::fs::create_dir_all(&spec.output_dir).unwrap();
    let path = spec.output_dir.join("spec.json");
    let task = EncoderSpec::Chunk(Box::new(spec.clone()));
    std::fs::write(&path, serde_json::to_vec(&task).unwrap()).unwrap();
    let output = encoder(Some(faults))
        .args(["chunk", "--spec", path.to_str().unwrap(), "--file", film.to_str().unwrap()])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let last = output.stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
    (last.map(|line| serde_json::from_slice(line).unwrap()), output.status)
}

/// What comes of a chunk on a device that works.
pub(crate) fn done(film: &Path, spec: &ChunkSpec) -> ChunkOutcome {
    match run(film, spec, "ok").0 {
        Some(Message::Done(Outcome::Chunk(outcome))) => outcome,
        other => panic!("{other:?}"),
    }
}

fn failure(clip: &Clip, spec: &ChunkSpec, faults: &str) -> Failure {
    match run(&clip.path, spec, faults).0 {
        Some(Message::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// Otherwise no chunk of it could follow a device's: players were told their codec.
#[test]
fn every_preset_makes_the_profile_that_devices_make() {
    let clip = generate(&Wanted { frames: 25, ..Wanted::default() });
    let folder = tempfile::tempdir().unwrap();
    for preset in ["ultrafast", "superfast", "medium", "veryslow"] {
        let rung = Rung { preset: preset.into(), ..rung(&clip, 120, 1, 300) };
        let spec = specs(&clip, &[rung], 25, &[0], clip.frames, &folder.path().join(preset));
        let codec = encode(&clip, &spec[0]).unwrap().renditions.remove(0).codec;
        assert!(codec.starts_with("avc1.6400"), "{preset}: {codec}");
    }
}

#[test]
fn a_chunk_on_a_device_differs_in_parameter_sets_and_keeps_every_promise() {
    let clip = generate(&Wanted { rate: (60, 1), frames: 120, ..Wanted::default() });
    let folder = tempfile::tempdir().unwrap();
    let rungs = [rung(&clip, 180, 1, 500), rung(&clip, 120, 2, 300)];
    let all = specs(&clip, &rungs, 20, &[0, 40], clip.frames, folder.path());
    let on_device = on_fake(&all[0]);
    let device = done(&clip.path, &on_device);
    let mut software = all[1].clone();
    software.output_dir = folder.path().join("software");
    let processor = encode(&clip, &software).unwrap();
    assert_eq!(device.frames, 40);
    for (one, other) in device.renditions.iter().zip(&processor.renditions) {
        // What manifests say of the rendition holds after a switch.
        assert_eq!(one.codec, other.codec);
        let init = |spec: &ChunkSpec| {
            std::fs::read(spec.output_dir.join(one.track.as_str()).join("init.mp4")).unwrap()
        };
        assert_ne!(init(&on_device), init(&software));
    }
    let path = join(std::slice::from_ref(&on_device), &rungs[0].track, folder.path());
    assert_eq!(numbers(&path), (0..40).collect::<Vec<u64>>());
}

#[test]
fn what_goes_wrong_on_a_device_is_the_devices() {
    let clip = generate(&Wanted::default());
    let folder = tempfile::tempdir().unwrap();
    let rungs = [rung(&clip, 180, 1, 500), rung(&clip, 120, 1, 300)];
    let spec = on_fake(&specs(&clip, &rungs, 20, &[0], clip.frames, folder.path())[0]);
    for (faults, code) in
        [("error@0", "gpu_error"), ("busy@0", "gpu_busy"), ("sessions=1", "gpu_busy")]
    {
        let failure = failure(&clip, &spec, faults);
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Gpu, code), "{faults}");
        assert!(failure.message.contains("graphics processor"), "{}", failure.message);
    }
    let (last, status) = run(&clip.path, &spec, "crash@0");
    assert!(status.code().is_none() && !matches!(last, Some(Message::Done(_))), "{status}");
    // The fault is that of another chunk.
    assert!(matches!(run(&clip.path, &spec, "error@1").0, Some(Message::Done(_))));
}

#[test]
fn nothing_is_encoded_on_a_device_that_is_not_there() {
    let clip = generate(&Wanted::default());
    let folder = tempfile::tempdir().unwrap();
    let rungs = [rung(&clip, 180, 1, 500)];
    let spec = &specs(&clip, &rungs, 20, &[0], clip.frames, folder.path())[0];
    let nvenc = EncoderChoice { family: EncoderFamily::Nvenc, device: Some("nvenc-15".into()) };
    let spec = ChunkSpec { encoder: nvenc, ..spec.clone() };
    assert_eq!(failure(&clip, &spec, "ok").kind, FailureKind::Gpu);
}
