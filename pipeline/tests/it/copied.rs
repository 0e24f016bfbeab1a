//! Sources that become the top rung as they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use kinora_pipeline::{child::Reporter, chunk, probe, source::Source};
use kinora_plan::{
    Coded, Plan, Profile, Unfit,
    encoder::{ChunkSpec, ProbeSpec},
    plan,
};

use crate::joined::{join, units};

const FIT: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 45 -keyint_min 45 -sc_threshold 0 \
                   -flags +cgop -pix_fmt yuv420p -b:v 700k -maxrate 750k -bufsize 750k -profile:v main";

/// Ten seconds of a moving picture at 640×360, coded by these options into this kind of file.
fn source(folder: &Path, name: &str, filter: &str, coding: &str) -> PathBuf {
    let path = folder.join(name);
    let input = format!("testsrc2=size=640x360:rate=30:duration=10{filter}");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-f", "lavfi", "-i", &input, "-threads", "1"]);
    command.args(coding.split_whitespace()).arg(&path);
    assert!(command.status().unwrap().success(), "{coding}");
    path
}

fn reporter() -> Reporter {
    Reporter::new(Box::new(std::io::sink()))
}

fn planned(path: &Path) -> (Plan, Source, Coded) {
    gstreamer::init().unwrap();
    let source = Source::file(path).unwrap();
    let report = probe::run(&ProbeSpec::new(source.size()), &source, &mut reporter()).unwrap();
    let coded = report.video.as_ref().unwrap().coded.clone().unwrap();
    (plan(&report, &Profile::default()).unwrap(), source, coded)
}

fn encoded(plan: &Plan, source: &Source, output: &Path, only_top: bool) -> Vec<ChunkSpec> {
    let count = plan.video.as_ref().unwrap().chunks.len();
    let encode = |index: usize| {
        let mut spec = plan.chunk_spec(index, source.size()).unwrap();
        spec.rungs.truncate(if only_top { 1 } else { 2 });
        spec.output_dir = output.join(index.to_string());
        std::fs::create_dir_all(&spec.output_dir).unwrap();
        let outcome = chunk::run(&spec, source, &mut reporter()).unwrap();
        assert_eq!((outcome.frames, outcome.warnings.len()), (spec.chunk.frames, 0));
        assert_eq!(outcome.renditions.len(), spec.rungs.len());
        spec
    };
    (0..count).map(encode).collect()
}

/// A hash of every decoded picture, in presentation order, as ffmpeg sees it.
fn hashes(path: &Path) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn every_picture_is_the_sources_and_all_rungs_share_its_key_frames() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["fit.mp4", "fit.mkv"] {
        let path = source(folder.path(), name, "", FIT);
        let (plan, source, coded) = planned(&path);
        let Coded::Fit(gops) = &coded else { panic!("{name}: {coded:?}") };
        assert_eq!(gops.frames, [45, 45, 45, 45, 45, 45, 30]);
        let video = plan.video.as_ref().unwrap();
        assert!(video.ladder.rungs[0].copy && video.chunks.len() > 2, "{video:?}");
        let output = tempfile::tempdir().unwrap();
        let specs = encoded(&plan, &source, output.path(), false);
        let keys = |index: usize| -> Vec<i64> {
            let joined = join(&specs, &specs[0].rungs[index].track, output.path());
            let units = units(&joined);
            let mut shown: Vec<i64> = units.iter().map(|unit| unit.shown).collect();
            shown.sort_unstable();
            assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == 3000), "{name}: a gap");
            assert_eq!((shown[0], shown.len()), (0, 300), "{name}");
            units.iter().filter(|unit| unit.key).map(|unit| unit.shown).collect()
        };
        assert_eq!(keys(0), (0..7).map(|n| n * 45 * 3000).collect::<Vec<_>>(), "{name}");
        assert_eq!(keys(0), keys(1), "{name}");
        let joined = output.path().join(format!("{}.mp4", specs[0].rungs[0].track));
        assert_eq!(hashes(&joined), hashes(&path), "{name}");
        assert_eq!(hashes(&path).len(), 300);
    }
}

/// Encoders look ahead further than that.
#[test]
fn short_groups_of_pictures_are_shared_by_all_rungs() {
    let folder = tempfile::tempdir().unwrap();
    let coding = FIT.replace("-g 45 -keyint_min 45", "-g 15 -keyint_min 15");
    let (plan, source, _) = planned(&source(folder.path(), "short.mp4", "", &coding));
    let output = tempfile::tempdir().unwrap();
    let specs = encoded(&plan, &source, output.path(), false);
    assert!(specs[0].layout.is_some() && specs[0].rungs.len() == 2);
    for rung in &specs[0].rungs {
        let units = units(&join(&specs, &rung.track, output.path()));
        let keys = units.iter().enumerate().filter(|(_, unit)| unit.key).map(|(index, _)| index);
        assert!(keys.eq((0..300).step_by(15)), "{}", rung.track);
    }
}

#[test]
fn b_frames_are_reordered_within_the_grid() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path(), "fit.mp4", "", FIT);
    let (plan, source, _) = planned(&path);
    let output = tempfile::tempdir().unwrap();
    let specs = encoded(&plan, &source, output.path(), true);
    let joined = join(&specs, &specs[0].rungs[0].track, output.path());
    let units = units(&joined);
    assert!(units.iter().any(|unit| unit.shown < unit.decoded), "negative offsets");
    for (index, unit) in units.iter().enumerate() {
        assert_eq!(unit.decoded, index as i64 * 3000);
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let with = |more: &str| format!("{FIT} {more}");
    let cases: [(&str, &str, String, Unfit); 9] = [
        ("long.mp4", "", with("-g 250 -keyint_min 250"), Unfit::GopTooLong),
        ("short.mp4", "", with("-g 5 -keyint_min 5"), Unfit::GopTooShort),
        ("open.mp4", "", with("-flags -cgop -x264-params open-gop=1"), Unfit::OpenGop),
        ("wide.mp4", ",setsar=4/3", FIT.to_owned(), Unfit::PixelAspect),
        ("chroma.mp4", "", with("-pix_fmt yuv444p -profile:v high444"), Unfit::Profile),
        ("fields.mp4", "", with("-flags +ilme+ildct+cgop"), Unfit::Interlaced),
        ("other.mp4", "", "-c:v mpeg4 -g 45 -b:v 300k".to_owned(), Unfit::Codec),
        ("stream.ts", "", FIT.to_owned(), Unfit::Container),
        (
            "vary.mp4",
            ",select='not(between(mod(n,7),2,3))'",
            with("-fps_mode vfr -g 30 -keyint_min 30"),
            Unfit::VariableRate,
        ),
    ];
    for (name, filter, coding, reason) in cases {
        let path = source(folder.path(), name, filter, &coding);
        let (plan, _, coded) = planned(&path);
        assert_eq!(coded, Coded::Unfit(reason), "{name}");
        assert!(plan.video.unwrap().passthrough.is_none(), "{name}");
        let code = format!("not_passed_through_{}", reason.as_str());
        assert_eq!(plan.notes[0].code, code, "{name}");
    }
}

#[test]
fn more_bits_than_the_top_rung_may_have_are_encoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let coding = FIT.replace("700k", "4000k").replace("750k", "5000k");
    let path = source(folder.path(), "fat.mp4", ",noise=alls=60:allf=t", &coding);
    let (plan, _, coded) = planned(&path);
    assert!(matches!(coded, Coded::Fit(_)), "{coded:?}");
    assert_eq!(plan.notes[0].code, "not_passed_through_bitrate");
}

#[test]
fn a_turned_source_is_encoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = source(folder.path(), "upright.mp4", "", FIT);
    let turned = folder.path().join("turned.mp4");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args(["-c", "copy", "-metadata:s:v:0", "rotate=90"])
        .arg(&turned)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(planned(&turned).2, Coded::Unfit(Unfit::Rotated));
}
