//! A worker that encodes nothing: every source is a silent film of the length it was told, every
//! chunk is done at once, or after as many milliseconds as it was told, and no object is stored. So
//! what is left is the time that the queue and the orchestrator take.
//! `cargo run --workspace --example stub_worker URL SECONDS SLOTS [MILLISECONDS]`.

use std::{sync::Arc, time::Duration};

use kinora_media::{FrameRate, SegmentEntry};
use kinora_plan::{
    Orientation, ProbeReport, Rung, VideoStream,
    encoder::{ChunkSpec, Failure, FailureKind},
    job::{JobClass, JobMessage, JobPayload, JobReport, Report, StoredChunk},
};
use kinora_queue::{AmqpQueue, JobQueue, QueueError, Trust};

/// What kinorad names everything after.
const NAMESPACE: &str = "kinora";
const FRAMES_A_SECOND: u32 = 30;
const SECOND_NS: u64 = 1_000_000_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(url), Some(seconds), Some(slots)) = (words.next(), words.next(), words.next()) else {
        return Err("usage: stub_worker URL SECONDS SLOTS [MILLISECONDS]".into());
    };
    let (seconds, slots): (u64, usize) = (seconds.parse()?, slots.parse()?);
    let a_chunk = Duration::from_millis(words.next().as_deref().unwrap_or("0").parse()?);
    let queue = Arc::new(AmqpQueue::open(&url, NAMESPACE, Trust::default()).await?);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..slots {
        let queue = Arc::clone(&queue);
        tasks.spawn(async move { work(&queue, seconds, a_chunk).await });
    }
    match tasks.join_next().await {
        Some(ended) => Ok(ended??),
        None => Err("no slots".into()),
    }
}

/// One job after the other, reported before it is taken off its lane, as a worker does it.
async fn work(queue: &AmqpQueue, seconds: u64, a_chunk: Duration) -> Result<(), QueueError> {
    loop {
        let delivery = queue.receive(&JobClass::ALL, &[]).await?;
        let JobMessage { job, attempt, trace, .. } = delivery.message;
        if matches!(delivery.message.payload, JobPayload::EncodeChunk(_)) {
            tokio::time::sleep(a_chunk).await;
        }
        let report = answer(&delivery.message, seconds);
        queue.report(&JobReport { job, attempt, worker: "stub".into(), trace, report }).await?;
        queue.finish(delivery.receipt).await?;
    }
}

fn answer(message: &JobMessage, seconds: u64) -> Report {
    match &message.payload {
        JobPayload::Probe(_) => Report::Probed(Box::new(probed(seconds))),
        JobPayload::EncodeChunk(spec) => Report::ChunkEncoded {
            frames: spec.chunk.frames,
            objects: spec.rungs.iter().map(|rung| rendition(message, spec, rung)).collect(),
            warnings: vec![],
        },
        // A silent film has no other jobs that it cannot do without.
        _ => Report::Failed(Failure {
            kind: FailureKind::Input,
            code: "stub".into(),
            message: "A stub makes no pictures.".into(),
        }),
    }
}

fn probed(seconds: u64) -> ProbeReport {
    let rate = FrameRate::new(FRAMES_A_SECOND, 1).expect("neither is zero");
    ProbeReport {
        container: "video/quicktime".into(),
        size: 1,
        promised_duration_ns: None,
        seekable: true,
        scanned_whole: true,
        video: Some(VideoStream {
            stream_id: "stub/001".into(),
            codec: "video/x-h264".into(),
            width: 640,
            height: 360,
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
            end_pts_ns: seconds * SECOND_NS,
            frames: seconds * u64::from(FRAMES_A_SECOND),
            key_frames_ns: (0..seconds).map(|second| second * SECOND_NS).collect(),
            coded: None,
        }),
        audio: vec![],
        subtitles: vec![],
        chapters: vec![],
        warnings: vec![],
        encoders: vec![],
    }
}

fn rendition(message: &JobMessage, spec: &ChunkSpec, rung: &Rung) -> StoredChunk {
    let divisor = u64::from(rung.rate_divisor.get());
    let ticks = u64::from(rung.frame_rate.frame_ticks());
    let step = usize::try_from(spec.chunk.segment_frames).expect("a segment's frames are few");
    let last = spec.chunk.frames;
    let segments = (0..last).step_by(step).map(|first| {
        let frames = (last - first).min(spec.chunk.segment_frames);
        SegmentEntry::new(100_000, frames / divisor * ticks)
    });
    StoredChunk {
        track: rung.track.clone(),
        object: format!("{:05}-{}.m4s", spec.chunk.index, message.attempt),
        codec: "avc1.64001e".into(),
        start: spec.chunk.first_frame / divisor * ticks,
        segments: segments.collect(),
    }
}
