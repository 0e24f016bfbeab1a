//! What the watch page asks for.

use kinora_http::{Problem, Subject, Viewer};
use kinora_media::VideoId;

use super::view::Playback;
use crate::{core::Core, error::Error, model::Visibility, repository::view};

/// How a video plays, for whoever may watch it.
///
/// # Errors
/// 404 or 403 as [`Viewer::require`] says.
pub(crate) async fn get(core: &Core, viewer: &Viewer, id: VideoId) -> Result<Playback, Problem> {
    let row = view::find(core.db.read(), id).await.map_err(Error::from)?;
    let row = row.ok_or(Error::NoVideo)?;
    let now_us = core.clock.now_us();
    let public = row.visibility == Visibility::Public;
    let subject = Subject { video: id, account: &row.account, public };
    viewer.require(&core.config.token_keys.get(), subject, now_us)?;
    let owner = viewer.principal.as_ref().is_some_and(|p| p.account == row.account);
    let carried = viewer.token.as_deref().filter(|_| !owner);
    Ok(Playback::new(&core.config, row, carried, now_us))
}
