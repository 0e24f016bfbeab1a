//! A video by name, to be uploaded later.

use kinora_db::{new_video_id, retrying};
use kinora_media::{AccountId, Priority, TraceContext, VideoId};

use super::text;
use crate::{
    core::Core,
    error::Error,
    model::Visibility,
    repository::videos::{self, NewVideo},
};

/// What the owner says of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Description {
    pub(crate) title: Option<String>,
    pub(crate) visibility: Visibility,
    pub(crate) file_name: Option<String>,
    /// A profile's name.
    pub(crate) profile: Option<String>,
    pub(crate) priority: Priority,
    pub(crate) trace: Option<TraceContext>,
}

/// Creates a video that awaits its upload.
///
/// # Errors
/// [`Error::InvalidValue`] for a title that is none, [`Error::NoProfile`].
pub(crate) async fn create(
    core: &Core,
    account: &AccountId,
    description: Description,
) -> Result<VideoId, Error> {
    let file_name = description.file_name.as_deref().and_then(text::file_name);
    let title = match &description.title {
        Some(title) => text::title(title)?,
        None => text::title_from(file_name.as_deref()),
    };
    let video = NewVideo {
        id: new_video_id(),
        account: account.clone(),
        title,
        visibility: description.visibility,
        file_name,
        profile: core.profile(description.profile.as_deref())?,
        priority: description.priority,
        trace: description.trace,
    };
    retrying(|| insert(core, &video)).await?;
    tracing::info!(video.id = %video.id, "video created");
    Ok(video.id)
}

async fn insert(core: &Core, video: &NewVideo) -> Result<(), Error> {
    let mut tx = core.db.begin_write().await?;
    videos::insert(&mut tx, video, core.clock.now_us()).await?;
    Ok(tx.commit().await?)
}
