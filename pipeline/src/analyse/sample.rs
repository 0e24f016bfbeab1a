//! One sample: every rung encoded, the top one judged.

use std::{fs, path::Path};

use gstreamer as gst;
use kinora_media::TrackId;
use kinora_plan::{
    Chunk, Rung,
    encoder::ChunkSpec,
    quality::{AnalysisSpec, Candidate, Coded, Sample, SampleAnalysis},
};

use super::{
    judge::{self, Reference},
    replay,
    taps::{self, Picture, Stream},
};
use crate::{PipelineError, chunk::Encoding, decode::VideoFrames, source::Source, tone::ToSdr};

/// Of a sample that has fewer of its frames than this, percent, nothing is learnt.
const LEAST_PERCENT: u64 = 50;

/// Encodes and judges one place; `None` where it is black or too little of it can be decoded.
pub(super) fn measure(
    spec: &AnalysisSpec,
    place: Sample,
    source: &Source,
) -> Result<Option<SampleAnalysis>, PipelineError> {
    let range = place.first_frame..place.first_frame.saturating_add(place.frames);
    let mut frames = VideoFrames::open(source, &spec.video, range, false, false)?;
    let Some(first) = frames.pull()? else { return Ok(None) };
    let mut to_sdr = ToSdr::new(&spec.video);
    let glance = to_sdr.frame(first.buffer.clone(), &first.caps)?;
    if judge::is_black(&glance, &to_sdr.caps(&first.caps)?)? {
        return Ok(None);
    }
    let folder = spec.output_dir.join(format!("sample-{}", place.first_frame));
    let task = task(spec, place, &folder)?;
    let rate = spec.rungs[0].frame_rate;
    let judged = judged(place.frames);
    let (mut streams, mut pictures) = (Vec::new(), None);
    let mut encoding = Encoding::start_watched(&task, &first.caps, |outputs| {
        streams = outputs.iter().map(taps::listen).collect();
        pictures = outputs.first().map(|top| taps::watch(top, rate, &judged)).transpose()?;
        Ok(())
    })?;
    let mut next = Some(first);
    while let Some(frame) = next {
        encoding.push(frame)?;
        next = frames.pull()?;
    }
    let placed = frames.accounting().placed;
    drop(frames);
    encoding.finish(placed, |_| {})?;
    // What the packager wrote is not needed; a folder that stays goes with the job's scratch.
    let _ = fs::remove_dir_all(&folder);
    if placed * 100 < place.frames * LEAST_PERCENT {
        return Ok(None);
    }
    let streams: Vec<Stream> = streams.iter().map(taps::take).collect();
    let pictures = pictures.as_ref().map(taps::take).unwrap_or_default();
    let coded: Vec<Coded> = task
        .rungs
        .iter()
        .zip(&streams)
        .map(|(rung, stream)| size(stream, spec.gop_frames / u64::from(rung.rate_divisor.get())))
        .collect();
    let candidates = candidates(spec, &pictures, streams, &coded)?;
    let rungs = coded[..spec.rungs.len()].to_vec();
    Ok(Some(SampleAnalysis { sample: place, rungs, candidates }))
}

/// A chunk of every rung, and of the top one with each raise of its CRF.
fn task(spec: &AnalysisSpec, place: Sample, folder: &Path) -> Result<ChunkSpec, PipelineError> {
    let top = &spec.rungs[0];
    let raised = spec.crf_raises.iter().map(|raise| {
        let track = TrackId::new(format!("raise{raise}"))
            .map_err(|error| PipelineError::Internal(format!("a candidate's name: {error}")))?;
        Ok(Rung { track, crf: top.crf.saturating_add(*raise), ..top.clone() })
    });
    let rungs = spec.rungs.iter().cloned().map(Ok).chain(raised);
    Ok(ChunkSpec {
        source_size: spec.source_size,
        video: spec.video.clone(),
        chunk: Chunk {
            index: 0,
            first_frame: place.first_frame,
            frames: place.frames,
            segment_frames: spec.gop_frames,
        },
        last: false,
        sequential: false,
        gop_frames: spec.gop_frames,
        rungs: rungs.collect::<Result<_, PipelineError>>()?,
        layout: None,
        encoder: Default::default(),
        generation: 0,
        output_dir: folder.to_owned(),
    })
}

/// Which pictures are judged: two neighbours, because every other one is often coded with fewer
/// bits, in the second half, where the encoder has left its first key frame behind.
fn judged(frames: u64) -> Vec<u64> {
    let first = frames * 5 / 8;
    let mut judged = vec![first, (first + 1).min(frames - 1)];
    judged.dedup();
    judged
}

/// A GOP of `gop` pictures as the sample has them on average: a sample is shorter, and all of it
/// would count its key frame too much.
fn size(stream: &Stream, gop: u64) -> Coded {
    let is_key = |unit: &&gst::Buffer| !unit.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let (keys, others): (Vec<&gst::Buffer>, Vec<_>) = stream.units.iter().partition(is_key);
    let mean = |units: &[&gst::Buffer]| {
        let bytes: u64 = units.iter().map(|unit| unit.size() as u64).sum();
        bytes.checked_div(units.len() as u64).unwrap_or(0)
    };
    let key_bytes = mean(&keys);
    Coded { key_bytes, gop_bytes: key_bytes + mean(&others) * gop.saturating_sub(1) }
}

fn candidates(
    spec: &AnalysisSpec,
    originals: &[Picture],
    mut streams: Vec<Stream>,
    coded: &[Coded],
) -> Result<Vec<Candidate>, PipelineError> {
    let positions: Vec<u64> = originals.iter().map(|picture| picture.position).collect();
    if positions.is_empty() {
        return Err(PipelineError::Internal("no picture of a sample was kept to judge".into()));
    }
    let references: Vec<Reference> =
        originals.iter().map(Reference::new).collect::<Result<_, _>>()?;
    // The top rung itself stands first, its raises after all rungs.
    let raises = spec.crf_raises.iter().copied().zip(spec.rungs.len()..);
    let mut candidates = Vec::with_capacity(1 + spec.crf_raises.len());
    for (crf_raise, index) in std::iter::once((0, 0)).chain(raises) {
        let pictures = replay::pictures(std::mem::take(&mut streams[index]), &positions)?;
        let mut sum = 0_i64;
        for (reference, picture) in references.iter().zip(&pictures) {
            sum += i64::from(reference.score(picture)?);
        }
        let mean = sum / i64::try_from(references.len()).unwrap_or(i64::MAX);
        let score = i32::try_from(mean).unwrap_or(i32::MIN);
        candidates.push(Candidate { crf_raise, coded: coded[index], score });
    }
    Ok(candidates)
}
