//! Which video comes next: the first id after another in the database or the store.

use kinora_media::VideoId;
use kinora_store::{Key, keys};

use crate::{error::TranscodingError, repository::transcodes, service::Transcoding};

/// Folders of the store that have a folder a video.
pub(super) const FOLDERS: [&str; 3] = keys::FOLDERS;

pub(super) async fn next(
    service: &Transcoding,
    after: Option<VideoId>,
) -> Result<Option<VideoId>, TranscodingError> {
    let mut next = transcodes::next_video(service.deps.db.read(), after).await?;
    for folder in FOLDERS {
        let stored = next_stored(service, folder, after).await?;
        next = [next, stored].into_iter().flatten().min_by_key(VideoId::to_string);
    }
    Ok(next)
}

async fn next_stored(
    service: &Transcoding,
    folder: &str,
    after: Option<VideoId>,
) -> Result<Option<VideoId>, TranscodingError> {
    let mut after = after.and_then(|video| beyond(folder, &video.to_string()));
    loop {
        let found = service.deps.store.list(folder, after.as_ref(), 1).await?;
        let Some(object) = found.first() else { return Ok(None) };
        let below = object.key.as_str().strip_prefix(folder).unwrap_or_default();
        let name = below.split('/').next().unwrap_or_default();
        match name.parse() {
            Ok(video) => return Ok(Some(video)),
            // Nothing of ours has such a name, so it is nobody's to judge.
            Err(_) => after = beyond(folder, name),
        }
    }
}

/// A key after everything in the folder of that name: `0` comes next to `/`.
fn beyond(folder: &str, name: &str) -> Option<Key> {
    Key::new(format!("{folder}{name}0")).ok()
}
