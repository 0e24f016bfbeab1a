//! The catalogue's events come in.

use kinora_db::{inbox, new_job_id, outbox};
use kinora_media::{Priority, VideoId};
use kinora_plan::job::JobClass;
use kinora_queue::{Event, EventData};
use sqlx::AnyConnection;

use super::{PRODUCER, ending};
use crate::{
    error::TranscodingError,
    repository::{
        Reason,
        jobs::{self, NewJob},
        transcodes::{self, NewTranscode},
    },
    service::Transcoding,
    state::VideoState,
};

/// The encode that an upload leads to; of what was deleted before it was whole, too.
const FIRST_VERSION: u32 = 1;

/// Takes an event in: its effect, or nothing if it has had it. Afterwards the delivery can be
/// finished.
pub(crate) async fn on_event(service: &Transcoding, event: Event) -> Result<(), TranscodingError> {
    // What we said ourselves comes round too.
    if event.producer == PRODUCER {
        return Ok(());
    }
    let video = event.video;
    let mut tx = service.deps.db.begin_write().await?;
    let mut deleted = false;
    for due in inbox::accept(&mut tx, PRODUCER, event).await? {
        match &due.data {
            EventData::Uploaded { .. } => uploaded(service, &mut tx, &due).await?,
            EventData::Deleted => {
                self::deleted(service, &mut tx, &due).await?;
                deleted = true;
            }
            // Other services' words about videos are none of our business.
            _ => {}
        }
    }
    tx.commit().await?;
    service.deps.db.wake_outbox();
    service.wake.dispatch.notify_one();
    service.changed(video);
    if deleted {
        ending::ended(service, video).await;
    }
    Ok(())
}

/// A new encode and the job that begins it.
async fn uploaded(
    service: &Transcoding,
    tx: &mut AnyConnection,
    event: &Event,
) -> Result<(), TranscodingError> {
    let EventData::Uploaded { source_key, size, signed, captions, profile, priority, version } =
        &event.data
    else {
        return Ok(());
    };
    let version = *version;
    let now_us = service.now_us();
    let new = NewTranscode {
        video: event.video,
        version,
        account: &event.account,
        state: VideoState::Queued,
        source_key,
        source_size: *size,
        signed: *signed,
        captions,
        profile: profile.as_deref(),
        priority: *priority,
        trace: event.trace,
        now_us,
    };
    if !transcodes::insert(tx, &new).await? {
        return Ok(());
    }
    let trace_id = event.trace.map(|trace| trace.trace_id());
    tracing::info!(video.id = %event.video, video.version = version, trace_id, "a video is to be encoded");
    if *size == 0 {
        return empty(tx, event, now_us).await;
    }
    let job = NewJob {
        id: new_job_id(),
        class: JobClass::Probe,
        track: None,
        chunk: None,
        device: None,
        priority: 0,
        position_us: 0,
        work: 0,
    };
    let owner = (event.video, version, &event.account);
    Ok(jobs::insert(tx, owner, now_us, &job, now_us).await?)
}

async fn empty(tx: &mut AnyConnection, event: &Event, now_us: i64) -> Result<(), TranscodingError> {
    let reason = Reason {
        code: "empty_file".into(),
        message: "The file is empty: nothing was in it to encode.".into(),
    };
    if let Some(transcode) = transcodes::find(&mut *tx, event.video, FIRST_VERSION).await? {
        ending::fail(tx, &transcode, &reason, now_us).await?;
    }
    Ok(())
}

/// Every encode ends. A video that was deleted before its upload was whole leaves a cancelled
/// encode behind, so that its objects are removed like those of others.
async fn deleted(
    service: &Transcoding,
    tx: &mut AnyConnection,
    event: &Event,
) -> Result<(), TranscodingError> {
    let now_us = service.now_us();
    let video: VideoId = event.video;
    let new = NewTranscode {
        video,
        version: FIRST_VERSION,
        account: &event.account,
        state: VideoState::Queued,
        source_key: "",
        source_size: 0,
        signed: true,
        captions: &[],
        profile: None,
        priority: Priority::default(),
        trace: event.trace,
        now_us,
    };
    transcodes::insert(tx, &new).await?;
    transcodes::cancel(tx, video, now_us).await?;
    jobs::cancel(tx, video, None, now_us).await?;
    let trace_id = event.trace.map(|trace| trace.trace_id());
    tracing::info!(video.id = %video, trace_id, "a video was deleted");
    Ok(())
}

/// Says something about an encode, as part of the transaction that makes it true.
pub(crate) async fn announce(
    tx: &mut AnyConnection,
    transcode: &crate::repository::Transcode,
    data: EventData,
    now_us: i64,
) -> Result<(), TranscodingError> {
    let (account, trace) = (&transcode.account, transcode.trace);
    outbox::append(tx, PRODUCER, account, transcode.video, data, trace, now_us).await?;
    Ok(())
}
