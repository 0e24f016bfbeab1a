//! Trying a video again whose encode failed.

use kinora_db::retrying;
use kinora_media::{AccountId, TraceContext, VideoId};

use crate::{
    core::Core,
    error::Error,
    model::State,
    repository::{
        media,
        videos::{self, VideoHead},
    },
    upload::finish,
};

/// Has a failed video encoded once more, as a new version: what may have gone wrong is mended, or
/// was the machine's fault. Its source is stored still.
///
/// # Errors
/// [`Error::NoVideo`], [`Error::NotFailed`], and [`Error::NoSource`] for a video whose upload was
/// never whole.
pub(crate) async fn retry(
    core: &Core,
    account: &AccountId,
    video: VideoId,
    trace: Option<TraceContext>,
) -> Result<(), Error> {
    let now_us = core.clock.now_us();
    let version = retrying(|| begin(core, account, video, trace, now_us)).await?;
    core.db.wake_outbox();
    tracing::info!(video.id = %video, video.version = version, "a failed video is tried again");
    Ok(())
}

async fn begin(
    core: &Core,
    account: &AccountId,
    video: VideoId,
    trace: Option<TraceContext>,
    now_us: i64,
) -> Result<u32, Error> {
    let mut tx = core.db.begin_write().await?;
    let head = videos::head(&mut tx, account, video).await?.ok_or(Error::NoVideo)?;
    if head.state != State::Failed {
        return Err(Error::NotFailed);
    }
    let source = videos::begin_again(&mut tx, video, now_us).await?.ok_or(Error::NoSource)?;
    media::forget(&mut tx, video).await?;
    // It follows from who asked for it now.
    let head = VideoHead { trace: trace.or(head.trace), ..head };
    finish::append(&mut tx, account, video, head, source, now_us).await?;
    tx.commit().await?;
    Ok(source.version)
}
