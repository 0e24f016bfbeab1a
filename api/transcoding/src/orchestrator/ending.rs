//! Ends that are not `ready`.

use kinora_db::outbox;
use kinora_plan::job::Control;
use kinora_queue::EventData;
use sqlx::AnyConnection;

use super::PRODUCER;
use crate::{
    error::TranscodingError,
    repository::{Reason, Transcode, jobs, transcodes},
    service::Transcoding,
};

/// `failed`: no job of it goes on, its media will be removed, everybody is told why. `false` if
/// it had ended before.
pub(crate) async fn fail(
    tx: &mut AnyConnection,
    transcode: &Transcode,
    reason: &Reason,
    now_us: i64,
) -> Result<bool, TranscodingError> {
    let &Transcode { video, version, .. } = transcode;
    if !transcodes::fail(tx, (video, version), false, reason, now_us).await? {
        return Ok(false);
    }
    jobs::cancel(tx, video, Some(version), now_us).await?;
    let data = EventData::Failed { code: reason.code.clone(), reason: reason.message.clone() };
    let (account, trace) = (&transcode.account, transcode.trace);
    outbox::append(tx, PRODUCER, account, video, data, trace, now_us).await?;
    let trace_id = trace.map(|trace| trace.trace_id());
    tracing::info!(video.id = %video, trace_id, reason.code, reason.message, "a video failed");
    Ok(true)
}

/// After the commit of an end: workers stop, housekeeping begins.
pub(crate) async fn ended(service: &Transcoding, video: kinora_media::VideoId) {
    service.deps.db.wake_outbox();
    service.wake.chores.notify_one();
    service.wake.dispatch.notify_one();
    service.changed(video);
    // Lossy on purpose: a worker that does not hear it finds its result refused.
    if let Err(error) = service.deps.queue.publish_control(&Control::CancelVideo { video }).await {
        tracing::debug!(video.id = %video, %error, "workers could not be told to stop");
    }
}
