//! The AAC encoder.

use bytes::Bytes;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;
use kinora_plan::encoder::AudioSpec;

use super::mix::SURROUND;
use crate::{PipelineError, bus};

/// Samples of an AAC-LC frame (ISO/IEC 14496-3 4.5.1.1).
pub(super) const FRAME: u64 = 1024;
/// Encoders by policy, best first (their ranks say nothing), the channels they take at most, and
/// the samples that come out before the first that went in: measured, see the tests.
pub(super) const POLICY: [(&str, u16, u32); 2] = [("avenc_aac", 6, 1024), ("voaacenc", 2, 1600)];
/// Samples that may wait for the encoder, so that decoding does not run far ahead.
const WAITING_BYTES: u64 = 1 << 20;
/// How often a wait looks for errors.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// One coded frame.
pub(super) type Frame = Bytes;

/// A running encoder.
pub(super) struct Encoder {
    pipeline: gst::Pipeline,
    gst_bus: gst::Bus,
    input: gst_app::AppSrc,
    output: gst_app::AppSink,
    priming: u32,
    asc: Option<Bytes>,
    rate: u64,
    channels: usize,
    /// Sample frames that went in.
    taken: u64,
}

impl Encoder {
    /// Starts the best encoder there is.
    pub(super) fn start(spec: &AudioSpec) -> Result<Self, PipelineError> {
        let able = |(name, most, _): &&(&str, u16, u32)| {
            spec.channels <= *most && gst::ElementFactory::find(name).is_some()
        };
        let (name, _, priming) =
            POLICY.iter().find(able).ok_or(PipelineError::MissingElement(POLICY[0].0))?;
        Self::start_with(spec, name, *priming)
    }

    pub(super) fn start_with(
        spec: &AudioSpec,
        name: &'static str,
        priming: u32,
    ) -> Result<Self, PipelineError> {
        let make = |name: &'static str| {
            let element = gst::ElementFactory::make(name).build();
            element.map_err(|_| PipelineError::MissingElement(name))
        };
        let (convert, encoder) = (make("audioconvert")?, make(name)?);
        let bitrate = i32::try_from(spec.bitrate)
            .map_err(|_| PipelineError::Spec(format!("{} bits a second", spec.bitrate)))?;
        encoder.set_property("bitrate", bitrate);
        let info = gst_audio::AudioInfo::builder(
            gst_audio::AUDIO_FORMAT_F32,
            spec.sample_rate,
            u32::from(spec.channels),
        );
        let info = if spec.channels == 6 { info.positions(&SURROUND) } else { info }.build()?;
        let input = gst_app::AppSrc::builder()
            .caps(&info.to_caps()?)
            .format(gst::Format::Time)
            .block(true)
            .max_bytes(WAITING_BYTES)
            .build();
        let output = gst_app::AppSink::builder().sync(false).async_(false).build();
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([input.upcast_ref(), &convert, &encoder, output.upcast_ref()])?;
        gst::Element::link_many([input.upcast_ref(), &convert, &encoder, output.upcast_ref()])?;
        pipeline
            .set_state(gst::State::Playing)
            .map_err(|error| PipelineError::Internal(format!("{name}: {error}")))?;
        let gst_bus = pipeline.bus().expect("a pipeline has a bus");
        Ok(Self {
            pipeline,
            gst_bus,
            input,
            output,
            priming,
            asc: None,
            rate: u64::from(spec.sample_rate),
            channels: usize::from(spec.channels),
            taken: 0,
        })
    }

    /// The AudioSpecificConfig and the priming; known once a frame came out.
    pub(super) fn config(&self) -> Option<(Bytes, u32)> {
        self.asc.clone().map(|asc| (asc, self.priming))
    }

    /// Takes interleaved samples; gives the frames that are ready.
    pub(super) fn encode(&mut self, samples: &[f32]) -> Result<Vec<Frame>, PipelineError> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let writable = buffer.get_mut().expect("a new buffer has one owner");
        let time = |taken: u64| {
            let nanos = u128::from(taken) * 1_000_000_000 / u128::from(self.rate.max(1));
            gst::ClockTime::from_nseconds(u64::try_from(nanos).unwrap_or(u64::MAX - 1))
        };
        let start = time(self.taken);
        self.taken += (samples.len() / self.channels.max(1)) as u64;
        writable.set_pts(start);
        writable.set_duration(time(self.taken).saturating_sub(start));
        self.input
            .push_buffer(buffer)
            .map_err(|error| self.error().unwrap_or_else(|| refused(&error)))?;
        self.ready(gst::ClockTime::ZERO)
    }

    /// Ends the sound; gives all frames that are left.
    pub(super) fn finish(&mut self) -> Result<Vec<Frame>, PipelineError> {
        // Silence for the priming to push the sound out, and to fill the last frame: encoders
        // differ in what they do with one that is not full.
        let tail = self.taken.next_multiple_of(FRAME) - self.taken + 2 * FRAME;
        let mut frames = self.encode(&vec![0.0; tail as usize * self.channels])?;
        self.input
            .end_of_stream()
            .map_err(|error| self.error().unwrap_or_else(|| refused(&error)))?;
        while !self.output.is_eos() {
            frames.extend(self.ready(POLL)?);
        }
        Ok(frames)
    }

    fn ready(&mut self, patience: gst::ClockTime) -> Result<Vec<Frame>, PipelineError> {
        let mut frames = Vec::new();
        while let Some(sample) = self.output.try_pull_sample(patience) {
            if self.asc.is_none() {
                self.asc = sample.caps().and_then(codec_data);
            }
            if let Some(buffer) = sample.buffer() {
                frames.push(Bytes::copy_from_slice(&buffer.map_readable()?));
            }
        }
        self.error().map_or(Ok(frames), Err)
    }

    fn error(&self) -> Option<PipelineError> {
        bus::internal_error(&self.gst_bus)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn refused(error: &gst::FlowError) -> PipelineError {
    PipelineError::Internal(format!("the AAC encoder takes no sound: {error}"))
}

fn codec_data(caps: &gst::CapsRef) -> Option<Bytes> {
    let data = caps.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
    let map = data.map_readable().ok()?;
    Some(Bytes::copy_from_slice(&map))
}
