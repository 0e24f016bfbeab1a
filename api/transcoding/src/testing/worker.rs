//! A worker: from a message to the objects it stores and the reports it sends, in order.

use bytes::Bytes;
use kinora_media::{Picture, Pictures, SegmentEntry, Sheet, Storyboard, TrackId, init_name};
use kinora_plan::{
    Rung,
    encoder::{AudioSpec, ChunkSpec, Failure, FailureKind},
    job::{JobMessage, JobPayload, JobProgress, JobReport, Report, StoredChunk, StoredText},
    quality::{Analysis, AnalysisSpec, Candidate, Coded, SampleAnalysis},
};
use kinora_store::keys;

use super::{film::Film, store::SimStore};

/// Ticks of sound an encoder puts before the first.
pub(crate) const PRIMING: u32 = 1024;
/// By how much segments of devices are larger than others.
pub(crate) const ON_DEVICE: u64 = 10_000;

/// What a worker reports of a job, in order. Sizes differ from attempt to attempt, so that a
/// mixture of two would show.
pub(crate) fn work(message: &JobMessage, film: Film) -> Vec<JobReport> {
    let reports = match &message.payload {
        JobPayload::Probe(_) => vec![Report::Probed(Box::new(film.probed()))],
        JobPayload::EncodeChunk(spec) => vec![chunk(message, spec)],
        JobPayload::EncodeAudio { track, spec, first_part } => {
            sound(message, track, spec, *first_part)
        }
        JobPayload::Analyse(spec) => vec![samples(spec)],
        JobPayload::MakePictures(_) => vec![made(message)],
        JobPayload::ExtractText { tracks, .. } => vec![extracted(message, tracks)],
    };
    reports.into_iter().map(|report| said(message, report)).collect()
}

/// Stores the objects of a report, before it is sent.
pub(crate) fn store(store: &SimStore, message: &JobMessage, report: &JobReport) {
    match &report.report {
        Report::ChunkEncoded { objects, .. } => {
            objects.iter().for_each(|object| put(store, message, object));
        }
        Report::AudioPartEncoded { object, .. } => put(store, message, object),
        Report::PicturesMade { pictures, .. } => pictures.objects().for_each(|object| {
            let key = keys::picture(message.video, message.version, object).unwrap();
            store.write(&key, Bytes::from(format!("{object:?}")));
        }),
        Report::TextExtracted { texts, .. } => texts.iter().for_each(|text| {
            let key = keys::track_object(message.video, message.version, &text.track, &text.object);
            store.write(&key, Bytes::from_static(b"WEBVTT\n"));
        }),
        _ => {}
    }
}

/// What a worker says that could not.
pub(crate) fn fail(message: &JobMessage, kind: FailureKind) -> JobReport {
    let failure = Failure { kind, code: "broken".into(), message: "It broke.".into() };
    said(message, Report::Failed(failure))
}

/// A sign of life.
pub(crate) fn progress(message: &JobMessage, done: u64, total: u64) -> JobProgress {
    let JobMessage { job, attempt, .. } = *message;
    JobProgress { job, attempt, worker: "sim".into(), done, total }
}

fn said(message: &JobMessage, report: Report) -> JobReport {
    let JobMessage { job, attempt, trace, .. } = *message;
    JobReport { job, attempt, worker: "sim".into(), trace, report }
}

fn put(store: &SimStore, message: &JobMessage, object: &StoredChunk) {
    let (video, version) = (message.video, message.version);
    let generation = match &message.payload {
        JobPayload::EncodeChunk(spec) => spec.generation,
        _ => 0,
    };
    let init = keys::track_object(video, version, &object.track, &init_name(generation));
    store.write(&init, Bytes::from_static(b"init"));
    let key = keys::track_object(video, version, &object.track, &object.object);
    let bytes: u64 = object.segments.iter().map(|segment| segment.size).sum();
    store.write(&key, Bytes::from(vec![0; usize::try_from(bytes).unwrap()]));
}

/// A picture with little in it: fewer bits do.
fn samples(spec: &AnalysisSpec) -> Report {
    let coded = |kbps: u64| Coded { key_bytes: kbps * 40, gop_bytes: kbps * 250 };
    let rungs = (0..spec.rungs.len() as u64).map(|index| coded(200 >> index.min(3))).collect();
    let candidate = |(crf_raise, kbps, score)| Candidate { crf_raise, coded: coded(kbps), score };
    let points = [(0, 200, 95_000), (5, 130, 90_000), (10, 80, 60_000)];
    let measured = SampleAnalysis {
        sample: spec.samples[0],
        rungs,
        candidates: points.map(candidate).to_vec(),
    };
    Report::Analysed(Analysis { samples: vec![measured] })
}

fn made(message: &JobMessage) -> Report {
    let object = |stem: &str| format!("{stem}-{}.jpg", message.attempt);
    let picture = |stem| Picture { object: object(stem), size: 9, width: 320, height: 180 };
    let storyboard = Storyboard {
        tile_width: 160,
        tile_height: 90,
        columns: 10,
        rows: 10,
        interval_us: 1_000_000,
        tiles: 5,
        sheets: vec![Sheet { object: object("storyboard-000"), size: 9 }],
    };
    let pictures = Pictures { poster: picture("poster"), small: picture("small"), storyboard };
    Report::PicturesMade { pictures: Box::new(pictures), warnings: vec![] }
}

fn extracted(message: &JobMessage, tracks: &[TrackId]) -> Report {
    let object = keys::text_object(message.attempt);
    let text =
        |track: &TrackId| StoredText { track: track.clone(), object: object.clone(), size: 7 };
    Report::TextExtracted { texts: tracks.iter().map(text).collect(), warnings: vec![] }
}

fn chunk(message: &JobMessage, spec: &ChunkSpec) -> Report {
    let objects = spec.rungs.iter().map(|rung| rendition(message, spec, rung)).collect();
    Report::ChunkEncoded { frames: spec.chunk.frames, objects, warnings: vec![] }
}

fn rendition(message: &JobMessage, spec: &ChunkSpec, rung: &Rung) -> StoredChunk {
    let divisor = u64::from(rung.rate_divisor.get());
    let ticks = u64::from(rung.frame_rate.frame_ticks());
    let (mut segments, mut left) = (Vec::new(), spec.chunk.frames);
    while left > 0 {
        let frames = left.min(spec.chunk.segment_frames);
        // Nor may two encoders be mixed.
        let device = if spec.encoder.is_software() { 0 } else { ON_DEVICE };
        let size = 1000 + u64::from(message.attempt) + device;
        segments.push(SegmentEntry::new(size, frames / divisor * ticks));
        left -= frames;
    }
    StoredChunk {
        track: rung.track.clone(),
        object: keys::chunk_object(spec.chunk.index, message.attempt),
        codec: "avc1.64001e".into(),
        start: spec.chunk.first_frame / divisor * ticks,
        segments,
    }
}

fn sound(message: &JobMessage, track: &TrackId, spec: &AudioSpec, first: u32) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut segments = cut(spec).into_iter().peekable();
    let (mut start, mut part) = (0, 0);
    while segments.peek().is_some() {
        let count = spec.part_segments.get(part).or(spec.part_segments.last()).copied().unwrap();
        let taken: Vec<_> = segments.by_ref().take(usize::try_from(count).unwrap()).collect();
        let index = u32::try_from(part).unwrap();
        let duration: u64 = taken.iter().map(|segment| segment.duration).sum();
        if index >= first {
            let object = StoredChunk {
                track: track.clone(),
                object: keys::chunk_object(index, message.attempt),
                codec: "mp4a.40.2".into(),
                start,
                segments: taken,
            };
            reports.push(Report::AudioPartEncoded { part: index, priming: PRIMING, object });
        }
        start += duration;
        part += 1;
    }
    let parts = u32::try_from(part).unwrap();
    reports.push(Report::AudioEncoded { parts, duration: start, loudness: None, warnings: vec![] });
    reports
}

/// The segments of a soundtrack, cut at AAC frames nearest to where the picture's end.
fn cut(spec: &AudioSpec) -> Vec<SegmentEntry> {
    let length_ns = (spec.audio.end_pts_ns - spec.origin_ns).max(spec.duration_ns);
    let mut ends = spec.boundaries_ns.clone();
    while ends.last().is_none_or(|end| *end < length_ns) {
        ends.push(ends.last().unwrap_or(&0) + spec.segment_ns);
    }
    let frame_ns = 1024.0 * 1e9 / f64::from(spec.sample_rate);
    let ticks = |ns: u64| (ns as f64 / frame_ns).round() as u64 * 1024 + u64::from(PRIMING);
    let mut start = 0;
    let mut segments = Vec::new();
    for end in ends.iter().map(|end| ticks(*end.min(&length_ns))) {
        if end > start {
            segments.push(SegmentEntry::new(500, end - start));
            start = end;
        }
    }
    segments
}
