//! What a pipeline on a device is made of. Pure: names and numbers, checked in tests against what
//! GStreamer 1.22's plugins have.
//!
//! ```text
//! nvenc  nvh264dec → appsink ┄ appsrc ────────────→ tee → cudaconvertscale → nvcudah264enc
//! vaapi  vah264dec → appsink ┄ appsrc ────────────→ tee → vapostproc → vah264enc → h264parse
//! upload avdec_… → appsink ┄ appsrc → videoconvert → cudaupload / vapostproc → tee → …
//! ```
//!
//! Frames stay in the device's memory from the decoder to the encoder. What only the processor can
//! do to a picture (turn it, deinterlace it, convert its colours) it does before the frames are
//! uploaded, once.

use kinora_plan::{Rung, VideoStream, device::EncoderFamily};

use super::{Device, stage::Stage};
pub use crate::chunk::Vbv;

/// What an encoder's stages end in.
const CODED: &str = "video/x-h264,stream-format=avc,alignment=au,profile=high";
/// Share of the cap that VA-API's variable rate aims at, percent: its drivers know a target and a
/// peak, no constant quality.
const VA_TARGET_PERCENT: u32 = 66;

/// Whether the device can decode this stream and hand frames on as they are: upright, progressive,
/// 8 bits, in a colour space that is kept.
pub fn decodes(device: &Device, stream: &VideoStream) -> bool {
    let kept = |colour: &str| matches!(colour, "bt709" | "bt601" | "2:4:16:3" | "2:4:16:4");
    device.memory().is_some()
        && stream.codec == "video/x-h264"
        && stream.orientation == kinora_plan::Orientation::Rotate0
        && !stream.interlaced
        && stream.bit_depth == 8
        && !stream.hdr
        && stream.colorimetry.as_deref().is_none_or(kept)
}

/// From system memory into the device's; nothing for a device without memory of its own.
pub fn upload(device: &Device) -> Vec<Stage> {
    match device.family() {
        EncoderFamily::Nvenc => vec![cuda(device, Stage::element("cudaupload"))],
        EncoderFamily::Vaapi => vec![Stage::element(device.scaler())],
        EncoderFamily::Software | EncoderFamily::Fake => vec![],
    }
}

/// To a rung's size, in the device's memory. `colour` is what caps say of colours, from the
/// comma before it on.
pub fn scale(device: &Device, rung: &Rung, colour: &str) -> Vec<Stage> {
    let scaler = Stage::element(device.scaler());
    let scaler = match device.family() {
        EncoderFamily::Nvenc => cuda(device, scaler).set("add-borders", false),
        EncoderFamily::Vaapi => scaler.set("add-borders", false).set("scale-method", "hq"),
        EncoderFamily::Software | EncoderFamily::Fake => {
            scaler.set("method", "catrom").set("add-borders", false)
        }
    };
    let size = format!(",width={},height={}", rung.width, rung.height);
    vec![scaler.set("qos", false), Stage::Caps(frames(device, &format!("{size}{colour}")))]
}

/// Caps of frames in the device's memory.
pub fn frames(device: &Device, fields: &str) -> String {
    let memory = device.memory().map(|memory| format!("({memory})")).unwrap_or_default();
    format!("video/x-raw{memory},format={}{fields}", device.format())
}

/// From frames to H.264 as MP4 holds it, with closed GOPs of `gop` frames. `encoder` is one of the
/// device's; `branch` counts the encoders that run on it at once.
///
/// No B-frames: not every device has them, and without them a GOP is closed by its key frame alone.
/// No lookahead, hence no key frame that nobody asked for.
pub fn encode(
    device: &Device,
    encoder: &str,
    rung: &Rung,
    vbv: Vbv,
    gop: u64,
    branch: usize,
) -> Vec<Stage> {
    let encoder = Stage::element(encoder);
    let mut stages = match device.family() {
        EncoderFamily::Nvenc => vec![nvenc(encoder, rung, vbv, gop)],
        // VA-API's encoders write byte streams.
        EncoderFamily::Vaapi => {
            vec![vaapi(encoder, vbv, gop), Stage::element("h264parse").set("config-interval", 0)]
        }
        EncoderFamily::Software | EncoderFamily::Fake => {
            let mut stages = device.faults().stages(branch);
            stages.push(fake(encoder, rung, vbv, gop));
            stages
        }
    };
    stages.push(Stage::Caps(CODED.to_owned()));
    stages
}

/// Variable rate with a quality to aim at is NVENC's form of a capped constant rate factor.
fn nvenc(encoder: Stage, rung: &Rung, vbv: Vbv, gop: u64) -> Stage {
    encoder
        .set("preset", "hq")
        .set("rate-control", "vbr")
        .set("const-quality", rung.crf.min(51))
        .set("max-bitrate", vbv.kbps)
        .set_if_there("vbv-buffer-size", vbv.kbit)
        .set("gop-size", gop)
        .set_if_there("b-frames", 0)
        .set("spatial-aq", true)
        .set("aud", false)
        .set("repeat-sequence-header", false)
        .set("qos", false)
}

fn vaapi(encoder: Stage, vbv: Vbv, gop: u64) -> Stage {
    encoder
        .set("rate-control", "vbr")
        .set("bitrate", (vbv.kbps * VA_TARGET_PERCENT / 100).max(1))
        .set("target-percentage", VA_TARGET_PERCENT)
        .set("cpb-size", vbv.kbit)
        .set("key-int-max", gop)
        .set("b-frames", 0)
        .set("ref-frames", 1)
        .set("aud", false)
        .set("cc-insert", false)
        .set("qos", false)
}

/// x264 with other parameter sets than ours: what a change of encoders looks like.
fn fake(encoder: Stage, rung: &Rung, vbv: Vbv, gop: u64) -> Stage {
    encoder
        .set("pass", "qual")
        .set("quantizer", rung.crf.min(50))
        .set("bitrate", vbv.kbps)
        .set("vbv-buf-capacity", vbv.milliseconds())
        .set("key-int-max", gop)
        .set("threads", 1)
        .set("aud", false)
        .set("speed-preset", "ultrafast")
        .set(
            "option-string",
            format!(
                "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:stitchable=1:vbv-init={}:\
                 force-cfr=1:bframes=0:ref=1:cabac=0:8x8dct=1",
                vbv.begin()
            ),
        )
}

fn cuda(device: &Device, stage: Stage) -> Stage {
    match device.cuda_device() {
        Some(number) => stage.set("cuda-device-id", number),
        None => stage,
    }
}
