//! What the watch page asks for.

use std::net::IpAddr;

use kinora_http::{Problem, Subject, Viewer};
use kinora_media::VideoId;

use super::{links::Token, view::Playback};
use crate::{core::Core, error::Error, model::Visibility, repository::view};

/// How a video plays, for whoever may watch it.
///
/// # Errors
/// 404 or 403 as [`Viewer::require`] says; 400 where somebody else than the owner names a client.
pub(crate) async fn get(
    core: &Core,
    viewer: &Viewer,
    id: VideoId,
    client: Option<IpAddr>,
) -> Result<Playback, Problem> {
    let row = view::find(core.db.read(), id).await.map_err(Error::from)?;
    let row = row.ok_or(Error::NoVideo)?;
    let now_us = core.clock.now_us();
    let public = row.visibility == Visibility::Public;
    let subject = Subject { video: id, account: &row.account, public };
    viewer.require(&core.config.token_keys.get(), subject, now_us)?;
    let owner = viewer.principal.as_ref().is_some_and(|p| p.account == row.account);
    let token = match viewer.token.as_deref().filter(|_| !owner) {
        Some(_) if client.is_some() => {
            return Err(Problem::invalid_request("Only its owner says for which client it is"));
        }
        Some(token) => Token::Carried(token),
        None => Token::New(client),
    };
    Ok(Playback::new(&core.config, row, token, now_us))
}
