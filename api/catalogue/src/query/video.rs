//! One video.

use kinora_media::{AccountId, VideoId};

use super::view::Video;
use crate::{
    core::Core,
    error::Error,
    repository::{captions, view},
};

/// An owner's video.
///
/// # Errors
/// [`Error::NoVideo`].
pub(crate) async fn get(core: &Core, account: &AccountId, id: VideoId) -> Result<Video, Error> {
    let row = view::find(core.db.read(), id).await?;
    let row = row.filter(|row| row.account == *account).ok_or(Error::NoVideo)?;
    let mut captions = captions::of_videos(core.db.read(), &[id]).await?;
    let captions = captions.remove(&id).unwrap_or_default();
    Ok(Video::new(&core.config, row, captions, core.clock.now_us()))
}
