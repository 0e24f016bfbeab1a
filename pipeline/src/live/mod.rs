//! A live stream to test with: a pattern that shows when it was drawn, made in the time it lasts,
//! encoded, and put to an origin part by part.
//!
//! Whoever watches reads the clock back ([`crate::sample::read_clock`] says where it stands), and so
//! how old the picture is. `picture` is the pipeline, `parts` cuts what it gives, `ingest` puts it.

mod ingest;
mod parts;
mod picture;

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kinora_media::{FrameRate, VideoId};
use serde_json::json;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};
use uuid::Uuid;

use self::{
    ingest::{Address, Ingest},
    parts::{Layout, Part, Parts},
    picture::{Coded, Outlets, Picture},
};
use crate::sample;

/// How far the encoder may be behind the clock before it is said.
const MOST_BEHIND: Duration = Duration::from_secs(1);
/// The narrowest picture whose clock survives an encode.
const LEAST_WIDTH: u32 = 256;

/// What `kinora-encoder live-test` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct LiveTestArgs {
    /// Where the origin takes live media in (its `ingest_listen`): http://HOST:PORT
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// The stream's id, a UUID; a new one if it is left out
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    stream: Option<VideoId>,
    /// How long it lasts; until Ctrl-C if it is left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// How long a part lasts, milliseconds
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(200..=500))]
    part_ms: u32,
    /// How long a segment lasts, which begins with a key frame, seconds
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    segment_seconds: u32,
    /// Frames a second: 30, 60, 30000/1001
    #[arg(long, default_value = "30", value_parser = sample::parse_rate)]
    rate: FrameRate,
    /// Pixels, even
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Say what is done in lines of JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Makes a live stream until it has lasted as long as asked, or somebody ends it.
///
/// # Errors
/// When the origin does not take it in, or the pipeline fails.
pub fn run(args: &LiveTestArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("runtime")?.block_on(publish(args))
}

async fn publish(args: &LiveTestArgs) -> anyhow::Result<()> {
    let layout = Layout::new(args.rate, args.part_ms, args.segment_seconds)?;
    let stream = args.stream.unwrap_or_else(|| VideoId(Uuid::now_v7()));
    let mut ingest = Ingest::connect(&args.to, stream).await?;
    let (pictures, coded) = mpsc::channel(picture::MOST_WAITING);
    let (problems, failed) = mpsc::unbounded_channel();
    let picture = Picture::start(args.rate, args.size, layout, Outlets { pictures, problems })?;
    let mut arriving = Arriving::new(coded, failed)?;
    let teller = Teller { json: args.json };
    let put = put_all(args, layout, &picture, &mut arriving, &mut ingest, &teller).await;
    // A thread that waits for room is let go before the pipeline waits for its threads.
    drop(arriving);
    let stopped = picture.stop();
    let frames = put?;
    stopped?;
    ingest.end().await?;
    teller.ended(frames, layout);
    Ok(())
}

/// Puts parts until there are enough; how many frames they hold.
async fn put_all(
    args: &LiveTestArgs,
    layout: Layout,
    picture: &Picture,
    arriving: &mut Arriving,
    ingest: &mut Ingest,
    teller: &Teller,
) -> anyhow::Result<u64> {
    let end = args.seconds.map(|seconds| args.rate.frames_nearest(seconds));
    let mut parts = Parts::new(layout, args.size, end);
    let (mut is_behind, mut is_ending) = (false, false);
    loop {
        let Some(coded) = arriving.next().await? else {
            ensure!(!is_ending, "interrupted twice");
            // The part that is being made becomes the last, so that all that was put can be seen.
            parts.end_soon();
            is_ending = true;
            continue;
        };
        if parts.is_beginning() {
            let (description, init) = parts.describe(&coded.record)?;
            ingest.describe(description, init).await?;
            teller.begins(args, ingest.stream);
        }
        let Some(part) = parts.take(coded)? else { continue };
        ingest.put(&part, picture.wall_time_us(part.starts)).await?;
        teller.put(&part);
        let behind = picture.age(part.ends);
        if (behind > MOST_BEHIND) != is_behind {
            is_behind = !is_behind;
            teller.behind(is_behind.then_some(behind));
        }
        if parts.is_over() {
            return Ok(parts.frames());
        }
    }
}

/// All that is waited for.
struct Arriving {
    coded: mpsc::Receiver<Coded>,
    failed: mpsc::UnboundedReceiver<String>,
    interrupted: Signal,
    terminated: Signal,
}

impl Arriving {
    fn new(
        coded: mpsc::Receiver<Coded>,
        failed: mpsc::UnboundedReceiver<String>,
    ) -> anyhow::Result<Self> {
        let interrupted = signal(SignalKind::interrupt()).context("signals")?;
        let terminated = signal(SignalKind::terminate()).context("signals")?;
        Ok(Self { coded, failed, interrupted, terminated })
    }

    /// The next picture; `None` when somebody asks for the end.
    async fn next(&mut self) -> anyhow::Result<Option<Coded>> {
        tokio::select! {
            biased;
            _ = self.interrupted.recv() => Ok(None),
            _ = self.terminated.recv() => Ok(None),
            Some(problem) = self.failed.recv() => bail!("the pipeline failed: {problem}"),
            coded = self.coded.recv() => Ok(Some(coded.context("the pipeline stopped talking")?)),
        }
    }
}

/// Says what is done: to people on standard error, to programs on standard output.
struct Teller {
    json: bool,
}

impl Teller {
    fn begins(&self, args: &LiveTestArgs, stream: VideoId) {
        let (width, height) = args.size;
        let watch = format!("/live/{stream}/hls.m3u8");
        eprintln!(
            "{width}x{height}, {} frames a second, parts of {} ms, to {}\n\
             Watch {watch} at the origin's own address. {}",
            args.rate,
            args.part_ms,
            args.to,
            args.seconds.map_or("Ctrl-C ends it.".into(), |it| format!("It lasts {it} s.")),
        );
        self.line(json!({ "type": "begins", "stream": stream, "watch": watch }));
    }

    fn put(&self, part: &Part) {
        let (segment, number, bytes) = (part.segment, part.number, part.body.len());
        self.line(json!({ "type": "part", "segment": segment, "part": number, "bytes": bytes }));
    }

    fn behind(&self, behind: Option<Duration>) {
        match behind {
            Some(it) => eprintln!(
                "The stream is {:.1} s behind the clock: this host is busy, or the origin slow. \
                 A smaller --size costs less.",
                it.as_secs_f64()
            ),
            None => eprintln!("The stream has caught up with the clock."),
        }
        let behind_ms = behind.map_or(0, |it| it.as_millis() as u64);
        self.line(json!({ "type": "behind", "behind_ms": behind_ms }));
    }

    fn ended(&self, frames: u64, layout: Layout) {
        let seconds = Duration::from_nanos(layout.rate.frame_nanos(frames)).as_secs_f64();
        eprintln!("Ended after {seconds:.1} s.");
        self.line(json!({ "type": "ended", "frames": frames }));
    }

    fn line(&self, line: serde_json::Value) {
        if self.json {
            println!("{line}");
        }
    }
}

fn parse_id(text: &str) -> anyhow::Result<VideoId> {
    Ok(text.parse()?)
}

fn parse_size(text: &str) -> anyhow::Result<(u32, u32)> {
    let size = sample::parse_size(text)?;
    ensure!(size.0 >= LEAST_WIDTH, "a clock needs {LEAST_WIDTH} pixels");
    Ok(size)
}
