//! The proof of a device: ten frames by the very path a chunk takes, and back.

use std::{
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use clap::Args;
use gstreamer as gst;
use gstreamer_video as gst_video;
use kinora_media::{FrameRate, TrackId};
use kinora_plan::{
    Chunk, Orientation, Rung, VideoStream,
    device::EncoderChoice,
    encoder::{ChunkSpec, ProbeSpec},
    sandbox::SandboxMode,
};
use serde::{Deserialize, Serialize};

use super::Device;
use crate::{
    child::Reporter,
    chunk::{Encoding, Place},
    decode::{GridFrame, VideoFrames},
    probe,
    sandbox::{self, Grants},
    source::Source,
};

/// Frames that are encoded, in two GOPs.
const FRAMES: u64 = 10;
const GOP: u64 = 5;
/// The largest picture; the others are a little smaller each.
const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
/// More encoders at once than any ladder has rungs.
const MOST_SESSIONS: u32 = 16;

/// What `kinora-encoder prove` takes.
#[derive(Debug, Args)]
pub struct ProveArgs {
    /// The device, or `cpu`
    #[arg(long, value_name = "NAME")]
    pub(super) device: String,
    /// Encoders at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) sessions: u32,
    /// An existing folder for what is made
    #[arg(long, value_name = "FOLDER")]
    pub(super) output_dir: PathBuf,
    /// How strictly it is sandboxed: auto, required, off
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = sandbox::mode)]
    pub(super) sandbox: SandboxMode,
}

/// What a proof showed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Proof {
    /// Why encoding failed.
    pub(super) encode: Option<String>,
    /// Why decoding failed what was encoded.
    pub(super) decode: Option<String>,
}

/// Encodes ten frames and decodes them, sandboxed as a chunk is; prints what came of it.
///
/// For [`super::doctor`], which starts it as a process that a driver may crash or hang.
pub fn run(args: &ProveArgs) -> ExitCode {
    let proof = match prepare(args) {
        Ok(device) => {
            let encode = encode(args, device.as_ref()).err();
            let decode = match encode {
                None => decode(args, device.as_ref()).err(),
                Some(_) => None,
            };
            Proof { encode: encode.map(words), decode: decode.map(words) }
        }
        Err(error) => Proof { encode: Some(words(error)), decode: None },
    };
    match serde_json::to_string(&proof) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

fn words(error: anyhow::Error) -> String {
    format!("{error:#}")
}

fn prepare(args: &ProveArgs) -> anyhow::Result<Option<Device>> {
    ensure!((1..=MOST_SESSIONS).contains(&args.sessions), "1 to {MOST_SESSIONS} sessions");
    let device = match args.device.as_str() {
        "cpu" => None,
        named => {
            let device = Device::named(named);
            Some(device.with_context(|| format!("{named} is no device"))?.with_faults()?.in_proof())
        }
    };
    let grants = Grants { write: vec![args.output_dir.clone()], ..Grants::default() };
    let entered = sandbox::enter(args.sandbox, &grants.with_device(device.as_ref()))?;
    gst::init().context("GStreamer")?;
    sandbox::disarm();
    entered.seal()?;
    if let Some(device) = &device {
        device.faults().strike_proof();
    }
    Ok(device)
}

fn encode(args: &ProveArgs, device: Option<&Device>) -> anyhow::Result<()> {
    let spec = spec(args, device)?;
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, WIDTH, HEIGHT)
        .fps(gst::Fraction::new(30, 1))
        .build()?;
    let caps = info.to_caps()?;
    let place = device.map(|device| Place { device, contexts: Vec::new() });
    let mut encoding = Encoding::start(&spec, &caps, place)?;
    for position in 0..FRAMES {
        let buffer = gst::Buffer::from_slice(picture(info.size(), position));
        encoding.push(GridFrame { position, buffer, caps: caps.clone() })?;
    }
    let made = encoding.finish(FRAMES, |_| {})?;
    let segments = FRAMES.div_ceil(GOP);
    let whole = made.iter().all(|track| track.segments.len() as u64 == segments);
    ensure!(whole, "not every encoder gave all of its pictures");
    Ok(())
}

/// A slope that moves: something to predict, and something to code.
fn picture(size: usize, position: u64) -> Vec<u8> {
    let shift = usize::try_from(position * 3).unwrap_or(0);
    (0..size).map(|at| ((at + shift) % 251) as u8).collect()
}

fn decode(args: &ProveArgs, device: Option<&Device>) -> anyhow::Result<()> {
    let folder = args.output_dir.join(track(0)?.as_str());
    let file = args.output_dir.join("proof.mp4");
    join(&[folder.join("init.mp4"), folder.join("chunk.m4s")], &file)?;
    let source = Source::file(&file)?;
    let spec = ProbeSpec::new(source.size());
    let found = probe::run(&spec, &source, &mut Reporter::new(Box::new(std::io::sink())))?;
    let stream = found.video.context("what was encoded holds no picture")?;
    let on = device
        .filter(|device| device.memory().is_some() && device.decoder(&stream.codec).is_some());
    let mut frames = VideoFrames::open_on(on, &source, &stream, 0..FRAMES, true, false)?;
    while frames.pull()?.is_some() {}
    let decoded = frames.accounting().decoded;
    ensure!(decoded == FRAMES, "{decoded} of {FRAMES} pictures were decoded");
    Ok(())
}

fn join(parts: &[PathBuf], file: &Path) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(fs::read(part).with_context(|| format!("read {}", part.display()))?);
    }
    fs::write(file, bytes).with_context(|| format!("write {}", file.display()))
}

fn track(index: u32) -> anyhow::Result<TrackId> {
    Ok(TrackId::new(format!("p{index}"))?)
}

/// A chunk of ten frames in as many rungs as there are to be sessions.
fn spec(args: &ProveArgs, device: Option<&Device>) -> anyhow::Result<ChunkSpec> {
    let rate = FrameRate::new(30, 1).context("a frame rate")?;
    let rung = |index: u32| {
        Ok(Rung {
            track: track(index)?,
            width: WIDTH - 32 * index,
            height: HEIGHT - 18 * index,
            rate_divisor: NonZeroU32::MIN,
            frame_rate: rate,
            crf: 23,
            max_kbps: 2000,
            preset: "veryfast".into(),
            level: 31,
            tune: None,
            x264: Default::default(),
            copy: false,
        })
    };
    Ok(ChunkSpec {
        source_size: 0,
        video: VideoStream {
            stream_id: String::new(),
            codec: "video/x-raw".into(),
            width: WIDTH,
            height: HEIGHT,
            pixel_aspect: (1, 1),
            orientation: Orientation::Rotate0,
            frame_rate: rate,
            variable_rate: false,
            interlaced: false,
            colorimetry: None,
            hdr: false,
            peak_nits: None,
            bit_depth: 8,
            first_pts_ns: 0,
            end_pts_ns: rate.frame_nanos(FRAMES),
            frames: FRAMES,
            key_frames_ns: vec![],
            coded: None,
        },
        chunk: Chunk { index: 0, first_frame: 0, frames: FRAMES, segment_frames: GOP },
        last: true,
        sequential: true,
        gop_frames: GOP,
        rungs: (0..args.sessions).map(rung).collect::<anyhow::Result<_>>()?,
        layout: None,
        encoder: device.map_or_else(EncoderChoice::default, |device| EncoderChoice {
            family: device.family(),
            device: Some(device.id().to_owned()),
        }),
        generation: 0,
        output_dir: args.output_dir.clone(),
    })
}
