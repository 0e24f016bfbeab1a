//! `kinora-encoder doctor`: what this host can encode with, each device proven in a process of its
//! own.

use std::{
    fs,
    io::Read,
    process::{self, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use gstreamer as gst;
use kinora_plan::{
    device::EncoderFamily,
    doctor::{CoderReport, CoderState, DeviceReport, DoctorReport},
    sandbox::SandboxMode,
};

use super::{Device, discover, prove::Proof};
use crate::{decode, sandbox};

/// How often a proof is looked at.
const POLL: Duration = Duration::from_millis(20);
/// Fewer sessions that are tried where so many as asked for do not work.
const FEWER: [u32; 3] = [3, 2, 1];
/// Most of what a proof says that is read, bytes.
const MOST_WORDS: u64 = 64 << 10;

/// What `kinora-encoder doctor` takes.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// Look at graphics processors alone
    #[arg(long)]
    gpu_only: bool,
    /// Encoders at once to try on each device
    #[arg(long, value_name = "N", default_value_t = 5)]
    sessions: u32,
    /// How long a device may take, seconds
    #[arg(long, value_name = "N", default_value_t = 30)]
    patience: u64,
    /// How strictly proofs are sandboxed: auto, required, off
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = sandbox::mode)]
    sandbox: SandboxMode,
}

/// Finds devices, proves each, prints what came of it. Exit codes: 0 all that GStreamer offers
/// works, 1 something does not, 2 the host could not be examined.
pub fn run(args: &DoctorArgs) -> ExitCode {
    match examine(args).and_then(|report| print(&report, args.json).map(|()| report)) {
        Ok(report) if report.is_well() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kinora-encoder: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn examine(args: &DoctorArgs) -> anyhow::Result<DoctorReport> {
    gst::init().context("GStreamer")?;
    let (major, minor, micro, _) = gst::version();
    let mut devices = match args.gpu_only {
        true => vec![],
        false => vec![processor(args)?],
    };
    for found in discover::devices()? {
        devices.push(match found.problem {
            Some(problem) => unusable(&found.device, problem),
            None => proven(args, &found.device)?,
        });
    }
    Ok(DoctorReport { gstreamer: format!("{major}.{minor}.{micro}"), devices })
}

fn processor(args: &DoctorArgs) -> anyhow::Result<DeviceReport> {
    let names = decode::preferred().map(|(codec, names)| (codec, names.to_vec()));
    let there = |name: &&str| gst::ElementFactory::find(name).is_some();
    let decoders = names.filter_map(|(codec, names)| {
        Some((codec, (*names.iter().find(|name| there(name))?).to_owned()))
    });
    judge(args, ("cpu", EncoderFamily::Software), vec!["x264enc".into()], decoders.collect())
}

fn proven(args: &DoctorArgs, device: &Device) -> anyhow::Result<DeviceReport> {
    let there = |name: &String| gst::ElementFactory::find(name).is_some();
    let encoders = device.encoders().into_iter().filter(there).collect();
    let decoders = device.decoders().into_iter().filter(|(_, name)| there(name)).collect();
    judge(args, (device.id(), device.family()), encoders, decoders)
}

fn unusable(device: &Device, problem: String) -> DeviceReport {
    DeviceReport {
        id: device.id().to_owned(),
        family: device.family(),
        sessions: 0,
        encoders: vec![],
        decoders: vec![],
        problem: Some(problem),
    }
}

fn judge(
    args: &DoctorArgs,
    (id, family): (&str, EncoderFamily),
    encoders: Vec<String>,
    decoders: Vec<(&'static str, String)>,
) -> anyhow::Result<DeviceReport> {
    let mut attempts = vec![args.sessions];
    attempts.extend(FEWER.into_iter().filter(|fewer| *fewer < args.sessions));
    let (mut verdict, mut sessions) = (Verdict::Died("no sessions were asked for".into()), 0);
    for attempt in attempts {
        verdict = prove(args, id, attempt)?;
        match &verdict {
            Verdict::Said(Proof { encode: None, .. }) => {
                sessions = attempt;
                break;
            }
            // Fewer sessions help where they are what is missing.
            Verdict::Said(_) => {}
            Verdict::Died(_) => break,
        }
    }
    let (encode, decode) = match verdict {
        Verdict::Said(Proof { encode, decode }) => (encode, decode),
        Verdict::Died(how) => (Some(how), None),
    };
    let state = |tried: bool, failed: bool| match (tried, failed) {
        (false, _) => CoderState::Untried,
        (true, true) => CoderState::Failed,
        (true, false) => CoderState::Proven,
    };
    let encoder = |(index, element): (usize, String)| CoderReport {
        element,
        codec: "video/x-h264".into(),
        state: state(index == 0, encode.is_some()),
    };
    let decoder = |(codec, element): (&str, String)| CoderReport {
        element,
        codec: codec.to_owned(),
        state: state(codec == "video/x-h264" && encode.is_none(), decode.is_some()),
    };
    Ok(DeviceReport {
        id: id.to_owned(),
        family,
        sessions,
        encoders: encoders.into_iter().enumerate().map(encoder).collect(),
        decoders: decoders.into_iter().map(decoder).collect(),
        problem: encode.or(decode),
    })
}

/// How a proof ended.
enum Verdict {
    Said(Proof),
    /// It crashed, hung or said nothing.
    Died(String),
}

fn prove(args: &DoctorArgs, device: &str, sessions: u32) -> anyhow::Result<Verdict> {
    let folder = std::env::temp_dir().join(format!("kinora-proof-{}-{device}", process::id()));
    fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
    let binary = std::env::current_exe().context("the path of this program")?;
    let child = Command::new(binary)
        .args(["prove", "--device", device, "--sessions", &sessions.to_string()])
        .args(["--sandbox", args.sandbox.as_str(), "--output-dir"])
        .arg(&folder)
        // This process has brought it up to date, and a sandboxed one cannot.
        .env("GST_REGISTRY_UPDATE", "no")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let verdict = child
        .context("start a proof")
        .and_then(|child| watch(child, Duration::from_secs(args.patience)));
    let _ = fs::remove_dir_all(&folder);
    verdict
}

fn watch(mut child: process::Child, patience: Duration) -> anyhow::Result<Verdict> {
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context("wait for a proof")? {
            break status;
        }
        if started.elapsed() > patience {
            child.kill().context("stop a proof")?;
            child.wait().context("wait for a proof")?;
            let how = format!("ten frames were not encoded in {} s", patience.as_secs());
            return Ok(Verdict::Died(how));
        }
        thread::sleep(POLL);
    };
    let mut words = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST_WORDS).read_to_string(&mut words).context("read a proof")?;
    }
    Ok(match serde_json::from_str(&words) {
        Ok(proof) if status.success() => Verdict::Said(proof),
        _ => Verdict::Died(format!("encoding ten frames crashed the process ({status})")),
    })
}

fn print(report: &DoctorReport, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!("GStreamer {}", report.gstreamer);
    let coders = |device: &DeviceReport| {
        let with = |word: &'static str| move |coder: &CoderReport| (word, coder.clone());
        let encoders = device.encoders.iter().map(with("encodes"));
        encoders.chain(device.decoders.iter().map(with("decodes"))).collect::<Vec<_>>()
    };
    let all = report.devices.iter().flat_map(coders);
    let width = all.map(|(_, coder)| coder.element.len()).max().unwrap_or(0);
    for device in &report.devices {
        let verdict = match &device.problem {
            None => format!("works, {} encoders at once", device.sessions),
            Some(problem) => format!("does not work: {problem}"),
        };
        println!("\n{} ({}): {verdict}", device.id, device.family.as_str());
        for (does, CoderReport { element, codec, state }) in coders(device) {
            println!("  {element:<width$}  {does}  {codec:<12}  {}", state.as_str());
        }
    }
    if report.devices.iter().all(|device| device.family == EncoderFamily::Software) {
        println!("\nNo graphics processor was found.");
    }
    println!("\nWhat encoders are kept from, says kinora-encoder sandbox-check.");
    Ok(())
}
