//! What Kinora would do with a source, as JSON: `plan PROFILE REPORT [ANALYSIS]`.
//!
//! `REPORT` holds the answer of `kinora-encoder probe`, `ANALYSIS` that of `kinora-encoder
//! analyse`. Printed are the plan, the task of its analysis while it waits for one, the tasks of
//! its chunks and soundtracks, and what it saves. `PROFILE` is a built-in one's name or a file that
//! ends in `.toml`; `PROFILE=on` and `PROFILE=off` are the same with and without a quality target,
//! both encoding every rung: a target never hands a source on, so what it costs and saves is seen
//! beside an encode that does not either.

use std::{error::Error, fs::File};

use kinora_plan::{Plan, ProbeReport, Profile, ProfileSet, plan, quality::Analysis};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, report, analysis @ ..] = &arguments[..] else {
        return Err("usage: plan PROFILE[=on|=off] REPORT [ANALYSIS]".into());
    };
    let (name, quality) = profile.split_once('=').unwrap_or((profile, ""));
    let mut profile = match name.ends_with(".toml") {
        true => Profile::parse(name, &std::fs::read_to_string(name)?)?,
        false => ProfileSet::built_in().find(name)?.profile.clone(),
    };
    profile.quality.enabled = match quality {
        "on" => true,
        "off" => false,
        _ => profile.quality.enabled,
    };
    profile.passthrough &= quality.is_empty();
    let report: ProbeReport = serde_json::from_reader(File::open(report)?)?;
    let mut plan: Plan = plan(&report, &profile)?;
    if let [analysis, ..] = analysis {
        let analysis: Analysis = serde_json::from_reader(File::open(analysis)?)?;
        plan = plan.analysed(&analysis);
    }
    let chunks = plan.video.as_ref().map_or(0, |video| video.chunks.len());
    let chunks: Vec<_> = (0..chunks).filter_map(|i| plan.chunk_spec(i, report.size)).collect();
    let audio: Vec<_> = (0..).map_while(|i| plan.audio_spec(i, report.size)).collect();
    let answer = serde_json::json!({
        "analysis": plan.analysis_spec(report.size),
        "savings": plan.savings(None),
        "chunks": chunks,
        "audio": audio,
        "plan": plan,
    });
    serde_json::to_writer(std::io::stdout().lock(), &answer)?;
    Ok(())
}
