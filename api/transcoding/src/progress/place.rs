//! Where an encode stands among those that wait.

use crate::{
    error::TranscodingError,
    http::QueuePlace,
    repository::{Job, Transcode, ahead, statistics},
    service::Transcoding,
    state::{JobState, VideoState},
    workload::Flow,
};

/// Its place in the queue; `None` while a worker is at it, or has it next.
pub(crate) async fn of(
    service: &Transcoding,
    transcode: &Transcode,
    running: &[Job],
) -> Result<Option<QueuePlace>, TranscodingError> {
    let unfinished = matches!(transcode.state, VideoState::Queued | VideoState::Encoding);
    if !unfinished || !running.is_empty() {
        return Ok(None);
    }
    let db = service.deps.db.read();
    let first = statistics::first_open(db, (transcode.video, transcode.version)).await?;
    let Some(first) = first.filter(|job| job.state == JobState::Waiting) else { return Ok(None) };
    let now_us = service.now_us();
    let videos = ahead::videos(db, &first, now_us).await?;
    let flow = Flow::of(service).await?;
    let wait_s = flow.wait_s(&ahead::tally(db, &first, now_us).await?);
    Ok(Some(QueuePlace { position: videos + 1, wait_s: wait_s.map(f64::ceil) }))
}
