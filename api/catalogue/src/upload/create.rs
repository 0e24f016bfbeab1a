//! Making an upload, and its video where there is none.

use kinora_db::{new_video_id, retrying};
use kinora_media::{AccountId, TraceContext, VideoId};

use super::{finish, metadata::Metadata, room, turn};
use crate::{
    command::text,
    core::Core,
    error::Error,
    model::{State, UploadId, UploadState, Visibility},
    repository::{
        media,
        uploads::{self, UploadRow},
        videos::{self, NewVideo},
    },
};

/// Creates an upload of `size` bytes. `raw` is the metadata as it came, to be given back.
///
/// # Errors
/// [`Error::UploadTooLarge`], [`Error::TooManyUploads`], [`Error::QueueFull`], [`Error::QuotaExceeded`],
/// [`Error::MediaExceeded`], [`Error::NoProfile`], [`Error::Full`]; for an existing video also
/// [`Error::NoVideo`], [`Error::NotAwaitingUpload`], [`Error::UploadExists`].
pub(crate) async fn create(
    core: &Core,
    account: &AccountId,
    size: u64,
    (metadata, raw): (Metadata, Option<String>),
    trace: Option<TraceContext>,
) -> Result<UploadRow, Error> {
    if size > core.config.max_upload_bytes {
        return Err(Error::UploadTooLarge { limit: core.config.max_upload_bytes });
    }
    let profile = core.profile(metadata.profile.as_deref())?;
    let now_us = core.clock.now_us();
    let mut upload = UploadRow {
        id: UploadId::new(),
        video: metadata.video.unwrap_or_else(new_video_id),
        account: account.clone(),
        state: UploadState::Active,
        size,
        received: 0,
        metadata: raw,
        expires_at_us: core.upload_expiry_us(now_us),
    };
    if size == 0 {
        upload.state = UploadState::Finished;
    }
    retrying(|| insert(core, &upload, &metadata, &profile, trace, now_us)).await?;
    tracing::info!(video.id = %upload.video, upload.id = %upload.id, upload.size = size, "upload created");
    Ok(upload)
}

async fn insert(
    core: &Core,
    upload: &UploadRow,
    metadata: &Metadata,
    profile: &str,
    trace: Option<TraceContext>,
    now_us: i64,
) -> Result<(), Error> {
    let UploadRow { account, size, .. } = upload;
    let mut tx = core.db.begin_write().await?;
    let limit = core.config.max_active_uploads;
    if uploads::count_active(&mut tx, account).await? >= i64::from(limit) {
        return Err(Error::TooManyUploads(limit));
    }
    turn::check(core, &mut tx, account, now_us).await?;
    if let Some(quota) = core.config.quota_bytes {
        // Counted and reserved in one transaction: two that race for the rest cannot both have it.
        let held = uploads::held(&mut tx, account).await?;
        if held.saturating_add(*size) > quota {
            return Err(Error::QuotaExceeded { quota, held });
        }
    }
    if let Some(quota_ms) = core.config.quota_media_ms {
        let held_ms = media::held_us(&mut tx, account).await? / 1000;
        if held_ms >= quota_ms {
            return Err(Error::MediaExceeded { quota_ms, held_ms });
        }
    }
    room::check(core, &mut tx, *size).await?;
    if metadata.video.is_some() {
        expect_awaiting(&mut tx, account, upload.video).await?;
        if let Some(name) = &metadata.file_name {
            videos::name_file(&mut tx, upload.video, name).await?;
        }
        if metadata.profile.is_some() {
            videos::choose_profile(&mut tx, upload.video, profile).await?;
        }
        if let Some(priority) = metadata.priority {
            videos::set_priority(&mut tx, upload.video, priority).await?;
        }
    } else {
        let video = NewVideo {
            id: upload.video,
            account: account.clone(),
            title: text::title_from(metadata.file_name.as_deref()),
            visibility: Visibility::default(),
            file_name: metadata.file_name.clone(),
            profile: profile.to_owned(),
            priority: metadata.priority.unwrap_or_default(),
            trace,
        };
        videos::insert(&mut tx, &video, now_us).await?;
    }
    let row = UploadRow { state: UploadState::Active, ..upload.clone() };
    uploads::insert(&mut tx, &row, now_us).await?;
    videos::advance(&mut tx, upload.video, State::Uploading, None, now_us).await?;
    if *size == 0 {
        finish::refuse_empty(&mut tx, upload, now_us).await?;
    }
    Ok(tx.commit().await?)
}

async fn expect_awaiting(
    tx: &mut sqlx::AnyConnection,
    account: &AccountId,
    video: VideoId,
) -> Result<(), Error> {
    let head = videos::head(tx, account, video).await?.ok_or(Error::NoVideo)?;
    if let Some(active) = uploads::active_of(tx, video).await? {
        return Err(Error::UploadExists(active));
    }
    if head.state == State::AwaitingUpload { Ok(()) } else { Err(Error::NotAwaitingUpload) }
}
