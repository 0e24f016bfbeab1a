//! An account's videos, newest first.

use kinora_http::{Cursor, Page};
use kinora_media::{AccountId, VideoId};

use super::view::Video;
use crate::{
    core::Core,
    error::Error,
    model::State,
    repository::{captions, view},
};

/// A page of an account's videos.
pub(crate) async fn list(
    core: &Core,
    account: &AccountId,
    state: Option<State>,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<Page<Video>, Error> {
    let rows = view::list(core.db.read(), account, state, cursor, limit + 1).await?;
    let page = Page::from_rows(rows, limit, |row| Cursor {
        created_at_us: row.created_at_us,
        id: row.id.0,
    });
    let ids: Vec<VideoId> = page.items.iter().map(|row| row.id).collect();
    let mut captions = captions::of_videos(core.db.read(), &ids).await?;
    let now_us = core.clock.now_us();
    let view = |row: view::VideoRow| {
        let captions = captions.remove(&row.id).unwrap_or_default();
        Video::new(&core.config, row, captions, now_us)
    };
    Ok(Page { items: page.items.into_iter().map(view).collect(), next_cursor: page.next_cursor })
}
