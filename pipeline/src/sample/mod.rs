//! A generated clip to try things with, and to measure with.
//!
//! Every frame carries its number twice: as a timecode for people, and as a row of blocks that
//! [`read_frame_number`] finds again after any encode. At the first frame of every second but the
//! first the picture flashes white and a beep begins, at exactly the same time in the file.

mod digits;
mod overlay;
mod sound;

use std::{path::PathBuf, time::SystemTime};

use anyhow::{Context, bail, ensure};
use gstreamer::{self as gst, prelude::*};
use kinora_media::FrameRate;

pub use overlay::{read_clock, read_frame_number};

/// The element whose frames are drawn on.
const CANVAS: &str = "canvas";

/// What `kinora-encoder sample` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct SampleArgs {
    /// Where to write it; an existing file is replaced
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// How long it lasts
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=7200))]
    pub seconds: u32,
    /// Frames a second: 30, 60, 30000/1001
    #[arg(long, default_value = "30", value_parser = parse_rate)]
    pub rate: FrameRate,
    /// Pixels, even
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    pub size: (u32, u32),
    /// Container
    #[arg(long, value_enum, default_value_t = Container::Mp4)]
    pub container: Container,
    /// Leave the sound out
    #[arg(long)]
    pub no_audio: bool,
}

/// Containers a sample comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Container {
    /// ISO base media file
    Mp4,
    /// Matroska
    Mkv,
    /// MPEG-2 transport stream
    Ts,
}

/// Generates a clip.
pub fn run(args: &SampleArgs) -> anyhow::Result<()> {
    gst::init().context("GStreamer")?;
    let pipeline = gst::parse::launch(&description(args)).context("pipeline")?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().ok().context("not a pipeline")?;
    let element = |name: &str| pipeline.by_name(name).with_context(|| format!("element {name}"));
    element("file")?.set_property("location", args.output.to_str().context("output path")?);
    let rate = args.rate;
    let marks = move |pts| overlay::Marks::of_frame(pts, rate);
    overlay::draw_on(&element(CANVAS)?, args.size, marks)?;
    if !args.no_audio {
        sound::feed(&element("sound")?, args.rate, args.seconds)?;
    }
    let ended = play(&pipeline);
    pipeline.set_state(gst::State::Null).context("stopping")?;
    ended
}

/// The pattern in the time it is shown, which goes on to `encoder`: a description of a pipeline.
/// [`draw_clock`] then draws on it.
pub(crate) fn live_pattern(rate: FrameRate, size: (u32, u32), encoder: &str) -> String {
    picture(rate, size, "is-live=true", encoder)
}

/// Draws `now` on every frame of a [`live_pattern`], for people and for [`read_clock`].
pub(crate) fn draw_clock(
    pipeline: &gst::Pipeline,
    size: (u32, u32),
    now: impl Fn() -> SystemTime + Send + Sync + 'static,
) -> anyhow::Result<()> {
    let canvas = pipeline.by_name(CANVAS).context("a live pattern has a canvas")?;
    overlay::draw_on(&canvas, size, move |_| overlay::Marks::of_clock(now()))
}

fn description(args: &SampleArgs) -> String {
    let frames = args.rate.frames_nearest(args.seconds);
    let gop = args.rate.frames_nearest(2);
    let (parsed, muxer) = match args.container {
        Container::Mp4 => ("h264parse", "mp4mux faststart=true"),
        Container::Mkv => ("h264parse", "matroskamux"),
        Container::Ts => ("h264parse config-interval=-1", "mpegtsmux"),
    };
    let encoder = format!(
        "x264enc speed-preset=veryfast bitrate=8000 key-int-max={gop} bframes=2 \
         ! {parsed} ! queue max-size-time=4000000000 max-size-bytes=0 ! mux."
    );
    let sound = "appsrc name=sound format=time ! queue max-size-time=4000000000 max-size-bytes=0 \
                 ! audioconvert ! avenc_aac bitrate=128000 ! aacparse ! mux.";
    format!(
        "{picture} {sound} {muxer} name=mux ! filesink name=file",
        picture = picture(args.rate, args.size, &format!("num-buffers={frames}"), &encoder),
        sound = if args.no_audio { "" } else { sound },
    )
}

/// Bars that drift, with a disc of moving rings on them: something for motion search and for the
/// eye. `sources` is what both generators are told, `encoder` what the picture goes on to.
fn picture(rate: FrameRate, (width, height): (u32, u32), sources: &str, encoder: &str) -> String {
    let side = (height / 2).max(2) & !1;
    let caps = |width, height| {
        format!(
            "video/x-raw,format=I420,width={width},height={height},framerate={rate},\
             colorimetry={},pixel-aspect-ratio=1/1",
            if height >= 720 { "bt709" } else { "bt601" },
        )
    };
    format!(
        "compositor name=mix background=black \
           sink_1::xpos={inset_x} sink_1::ypos={inset_y} ! {all} \
         ! identity name={CANVAS} ! queue ! {encoder} \
         videotestsrc {sources} pattern=smpte75 horizontal-speed=2 ! {all} ! mix.sink_0 \
         videotestsrc {sources} pattern=zone-plate kx2=40 ky2=40 kt=4 ! {inset} ! mix.sink_1",
        inset_x = (width.saturating_sub(side)) / 2,
        inset_y = height / 10,
        all = caps(width, height),
        inset = caps(side, side),
    )
}

fn play(pipeline: &gst::Pipeline) -> anyhow::Result<()> {
    let bus = pipeline.bus().context("a pipeline has a bus")?;
    pipeline.set_state(gst::State::Playing).context("starting")?;
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(error) => {
                bail!("{} ({})", error.error(), error.debug().unwrap_or_default())
            }
            _ => {}
        }
    }
    bail!("the pipeline stopped talking")
}

pub(crate) fn parse_rate(text: &str) -> anyhow::Result<FrameRate> {
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    let rate = FrameRate::new(num.parse()?, den.parse()?).context("a rate is not 0")?;
    ensure!(rate.num.get() / rate.den.get() <= 120, "at most 120 frames a second");
    Ok(rate)
}

pub(crate) fn parse_size(text: &str) -> anyhow::Result<(u32, u32)> {
    let (width, height) = text.split_once('x').context("write WIDTHxHEIGHT, as 1280x720")?;
    let (width, height): (u32, u32) = (width.parse()?, height.parse()?);
    let fits = |side: u32| (64..=4096).contains(&side) && side.is_multiple_of(2);
    ensure!(fits(width) && fits(height), "sides are even and 64 to 4096 pixels");
    Ok((width, height))
}
