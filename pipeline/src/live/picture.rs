//! The pipeline: pattern, clock, encoder.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use bytes::Bytes;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use kinora_media::FrameRate;
use tokio::sync::mpsc;

use super::parts::Layout;
use crate::{coded, sample};

/// Pictures that wait to be put; then the encoder waits.
pub(super) const MOST_WAITING: usize = 8;
/// The VBV buffer: what the encoder may spend in advance.
const VBV_MS: u32 = 500;
/// Bits a second that even a small picture gets.
const LEAST_KBPS: u32 = 500;

/// Where a pipeline's pictures go, which it waits for, and what went wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Outlets {
    pub(super) pictures: mpsc::Sender<Coded>,
    pub(super) problems: mpsc::UnboundedSender<String>,
}

/// A coded picture.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) key: bool,
    /// When it was made, since the pipeline began.
    pub(super) made: Duration,
    /// AVCDecoderConfigurationRecord.
    pub(super) record: Bytes,
    pub(super) data: Bytes,
}

/// What the encoder aims at: a tenth of a bit for each pixel.
pub(super) fn kbps(rate: FrameRate, (width, height): (u32, u32)) -> u32 {
    let pixels = u64::from(width) * u64::from(height) * u64::from(rate.num.get());
    let kbps = pixels / u64::from(rate.den.get()) / 10_000;
    u32::try_from(kbps).unwrap_or(u32::MAX / 2000).max(LEAST_KBPS)
}

/// The pipeline as it runs.
#[derive(Debug)]
pub(super) struct Picture(gst::Pipeline);

impl Picture {
    /// Starts it.
    pub(super) fn start(
        rate: FrameRate,
        size: (u32, u32),
        layout: Layout,
        outlets: Outlets,
    ) -> anyhow::Result<Self> {
        gst::init().context("GStreamer")?;
        let pattern = sample::live_pattern(rate, size, &encoder(kbps(rate, size), layout.segment));
        let pipeline = gst::parse::launch(&pattern).context("pipeline")?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().ok().context("not a pipeline")?;
        sample::draw_clock(&pipeline, size, SystemTime::now)?;
        collect(&pipeline, outlets.clone())?;
        pipeline.bus().context("a pipeline has a bus")?.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let text = format!("{} ({})", error.error(), error.debug().unwrap_or_default());
                // Who no longer listens is stopping.
                let _ = outlets.problems.send(text);
            }
            gst::BusSyncReply::Drop
        });
        let picture = Self(pipeline);
        picture.0.set_state(gst::State::Playing).context("starting the pipeline")?;
        Ok(picture)
    }

    /// How long ago it was, at `time` since the pipeline began.
    pub(super) fn age(&self, time: Duration) -> Duration {
        let now = self.0.current_running_time().map_or(Duration::ZERO, Into::into);
        now.saturating_sub(time)
    }

    /// What the wall clock showed then, microseconds since 1970.
    pub(super) fn wall_time_us(&self, time: Duration) -> u128 {
        let then = SystemTime::now() - self.age(time);
        then.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros()
    }

    pub(super) fn stop(&self) -> anyhow::Result<()> {
        self.0.set_state(gst::State::Null).context("stopping the pipeline")?;
        Ok(())
    }
}

/// Nothing that waits for later pictures, and key frames where segments begin and nowhere else.
fn encoder(kbps: u32, gop: u64) -> String {
    format!(
        "x264enc tune=zerolatency speed-preset=superfast bitrate={kbps} vbv-buf-capacity={VBV_MS} \
           key-int-max={gop} aud=false option-string=min-keyint={gop}:scenecut=0:open-gop=0 \
         ! video/x-h264,stream-format=avc,alignment=au,profile=main \
         ! appsink name=coded async=false sync=false qos=false enable-last-sample=false"
    )
}

fn collect(pipeline: &gst::Pipeline, outlets: Outlets) -> anyhow::Result<()> {
    let sink = pipeline.by_name("coded").and_then(|it| it.downcast::<AppSink>().ok());
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let Some(coded) = coded(&sample) else {
            let _ = outlets.problems.send("a coded picture lacks its time or its data".into());
            return Err(gst::FlowError::Eos);
        };
        outlets.pictures.blocking_send(coded).map_err(|_| gst::FlowError::Eos)?;
        Ok(gst::FlowSuccess::Ok)
    });
    sink.context("the pipeline has a sink")?.set_callbacks(callbacks.build());
    Ok(())
}

fn coded(sample: &gst::SampleRef) -> Option<Coded> {
    let buffer = sample.buffer_owned()?;
    Some(Coded {
        key: coded::is_key(&buffer),
        made: coded::running_time(sample)?.into(),
        record: Bytes::copy_from_slice(&coded::record(sample)?),
        data: Bytes::from_owner(buffer.into_mapped_buffer_readable().ok()?),
    })
}
