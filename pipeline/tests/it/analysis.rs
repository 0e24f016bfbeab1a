//! Samples tell easy pictures from hard ones.

use std::process::Command;

use kinora_pipeline::{PipelineError, analyse, child::Reporter, source::Source};
use kinora_plan::{
    ProbeReport, ProfileSet,
    encoder::EncoderSpec,
    plan,
    quality::{Analysis, AnalysisSpec, Sample, SampleAnalysis},
};

use crate::{
    clip::{Clip, Wanted, generate},
    task::rung,
};

fn spec(clip: &Clip, samples: &[u64], wanted: u32) -> AnalysisSpec {
    AnalysisSpec {
        source_size: std::fs::metadata(&clip.path).unwrap().len(),
        video: clip.stream.clone(),
        gop_frames: 60,
        rungs: vec![rung(clip, 180, 1, 20_000), rung(clip, 90, 2, 8000)],
        crf_raises: vec![5, 10],
        samples: samples.iter().map(|&first_frame| Sample { first_frame, frames: 24 }).collect(),
        wanted,
        output_dir: std::path::PathBuf::new(),
    }
}

fn analyse(clip: &Clip, spec: &AnalysisSpec) -> Result<Analysis, PipelineError> {
    let folder = tempfile::tempdir().unwrap();
    let spec = AnalysisSpec { output_dir: folder.path().to_owned(), ..spec.clone() };
    let source = Source::file(&clip.path).unwrap();
    let analysis = analyse::run(&spec, &source, &mut Reporter::new(Box::new(std::io::sink())))?;
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "nothing stays behind: {left:?}");
    Ok(analysis)
}

fn scores(sample: &SampleAnalysis) -> Vec<i32> {
    sample.candidates.iter().map(|candidate| candidate.score / 1000).collect()
}

#[test]
fn noise_scores_less_and_takes_more_than_a_slope() {
    // A slope up to frame 40, noise after.
    let clip = generate(&Wanted { noisy: |frame| frame >= 40, ..Wanted::default() });
    let analysis = analyse(&clip, &spec(&clip, &[10, 50], 2)).unwrap();
    let [easy, hard] = &analysis.samples[..] else { panic!("{analysis:?}") };
    assert_eq!(easy.sample, Sample { first_frame: 10, frames: 24 });
    let raises: Vec<u32> = easy.candidates.iter().map(|c| c.crf_raise).collect();
    assert_eq!(raises, [0, 5, 10]);
    assert!(scores(easy).iter().all(|score| *score > 70), "{analysis:?}");
    assert!(scores(hard)[0] < 75 && scores(hard)[0] > scores(hard)[2], "{analysis:?}");
    for sample in &analysis.samples {
        assert_eq!(sample.rungs.len(), 2);
        assert_eq!(sample.rungs[0], sample.candidates[0].coded);
        let gops: Vec<u64> = sample.candidates.iter().map(|c| c.coded.gop_bytes).collect();
        assert!(gops[0] > gops[1] && gops[1] > gops[2], "{gops:?}");
        assert!(sample.rungs[1].gop_bytes < gops[0], "{sample:?}");
        assert!(sample.rungs[0].key_bytes < gops[0]);
    }
    assert!(hard.rungs[0].gop_bytes > 10 * easy.rungs[0].gop_bytes, "{analysis:?}");
}

/// In children, as jobs run: x264 164 lets stale heap memory sway its lookahead, so a second run
/// in one process may differ by a trace.
#[test]
fn the_same_source_gives_the_same_numbers() {
    let clip = generate(&Wanted { noisy: |_| true, ..Wanted::default() });
    let spec = spec(&clip, &[20], 1);
    let once = analyse_in_child(&clip, &spec);
    assert!(once.contains(r#""outcome":"analysis""#), "{once}");
    assert_eq!(once, analyse_in_child(&clip, &spec));
}

/// The last line of a child.
fn analyse_in_child(clip: &Clip, spec: &AnalysisSpec) -> String {
    let folder = tempfile::tempdir().unwrap();
    let spec = AnalysisSpec { output_dir: folder.path().to_owned(), ..spec.clone() };
    let task = folder.path().join("spec.json");
    std::fs::write(&task, serde_json::to_vec(&EncoderSpec::Analyse(Box::new(spec))).unwrap())
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kinora-encoder"))
        .args(["analyse", "--spec"])
        .arg(&task)
        .arg("--file")
        .arg(&clip.path)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn what_cannot_be_measured_is_passed_over() {
    let clip = generate(&Wanted::default());
    // The second lies behind the end.
    let beyond = analyse(&clip, &spec(&clip, &[500, 30], 1)).unwrap();
    assert_eq!(beyond.samples.len(), 1);
    assert_eq!(beyond.samples[0].sample.first_frame, 30);
    let mut nonsense = spec(&clip, &[30], 1);
    nonsense.samples[0].frames = 0;
    let refused = analyse(&clip, &nonsense);
    assert!(matches!(refused, Err(PipelineError::Spec(_))), "{refused:?}");
}

#[test]
fn black_is_not_representative() {
    let folder = tempfile::tempdir().unwrap();
    let mut clip = generate(&Wanted::default());
    // Black for two seconds, then bars.
    clip.path = folder.path().join("black-first.mp4");
    let status = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "color=black:s=320x180:r=30:d=2"])
        .args(["-f", "lavfi", "-i", "testsrc=s=320x180:r=30:d=2"])
        .args(["-filter_complex", "[0][1]concat", "-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-g", "30", "-pix_fmt", "yuv420p"])
        .arg(&clip.path)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("skipped: ffmpeg is not installed");
        return;
    }
    let analysis = analyse(&clip, &spec(&clip, &[0, 30, 70], 2)).unwrap();
    let places: Vec<u64> = analysis.samples.iter().map(|s| s.sample.first_frame).collect();
    assert_eq!(places, [70]);
}

/// Pictures of a real title that were encoded to know it, beside those of its chunks: what
/// samples cost is held by their number, because processor time differs from host to host.
fn pictures_encoded(seconds: u64) -> (u64, u64) {
    let coding = "x264enc speed-preset=ultrafast key-int-max=60 ! mp4mux faststart=true";
    let wanted = Wanted { size: (640, 360), frames: seconds * 30, coding, ..Wanted::default() };
    let clip = generate(&wanted);
    let profile = ProfileSet::built_in().find("quality").unwrap().profile.clone();
    let report = ProbeReport {
        container: "video/quicktime".into(),
        size: std::fs::metadata(&clip.path).unwrap().len(),
        promised_duration_ns: None,
        seekable: true,
        scanned_whole: true,
        video: Some(clip.stream.clone()),
        audio: vec![],
        subtitles: vec![],
        chapters: vec![],
        warnings: vec![],
        encoders: vec![],
    };
    let plan = plan(&report, &profile).unwrap();
    let spec = plan.analysis_spec(report.size).expect("long enough for samples");
    let analysis = analyse(&clip, &spec).unwrap();
    assert_eq!(analysis.samples.len() as u64, u64::from(spec.wanted), "{analysis:?}");
    let sample_pictures = |sample: &SampleAnalysis| {
        let encoders = sample.rungs.len() + sample.candidates.len() - 1;
        sample.sample.frames * encoders as u64
    };
    let sampled = analysis.samples.iter().map(sample_pictures).sum();
    let rungs = plan.video.as_ref().unwrap().ladder.rungs.len() as u64;
    let title = (0..).map_while(|index| plan.chunk_spec(index, report.size));
    (sampled, title.map(|chunk| chunk.chunk.frames * rungs).sum())
}

#[test]
fn samples_of_a_title_cost_a_tenth_of_it_at_most() {
    for seconds in [20, 50] {
        let (sampled, title) = pictures_encoded(seconds);
        println!("{seconds} s: {sampled} pictures for samples, {title} for the title");
        assert!(sampled > 0 && sampled * 10 <= title, "{sampled} of {title}");
    }
}
