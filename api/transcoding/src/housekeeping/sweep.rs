//! Removing what lost attempts left behind in a finished encode.

use std::collections::BTreeSet;

use kinora_media::{Pictures, init_name};
use kinora_store::{ObjectMeta, keys};

use super::remove::folder;
use crate::{
    config::micros,
    error::TranscodingError,
    repository::{chores::DueChore, extras, objects, transcodes},
    service::Transcoding,
    state::Chore,
};

/// Parameter sets a title can have: those of its first encoder, and those after a switch.
const GENERATIONS: u32 = 2;
/// Objects a listing.
const BATCH: usize = 500;

/// Removes what the index does not name and nobody can be about to name: all jobs are over, and
/// it is old. Comes back for what is too young.
pub(super) async fn sweep(
    service: &Transcoding,
    chore: &DueChore,
) -> Result<Option<(Chore, i64)>, TranscodingError> {
    let db = service.deps.db.read();
    let Some(transcode) = transcodes::find(db, chore.video, chore.version).await? else {
        return Ok(None);
    };
    let extras = extras::find(db, (chore.video, chore.version)).await?;
    let pictures = extras.pictures.iter().flat_map(Pictures::objects);
    let texts = transcode.frozen.iter().flat_map(|frozen| &frozen.texts);
    let texts = texts.map(|text| (text.track.as_str(), text.object.as_str()));
    let named: BTreeSet<(&str, &str)> =
        texts.chain(pictures.map(|object| (keys::PICTURES, object))).collect();
    let (now_us, age_us) = (service.now_us(), micros(service.deps.config.sweep_ms));
    let (folder, store) = (folder(chore), &service.deps.store);
    let (mut after, mut young) = (None, false);
    loop {
        let found = store.list(&folder, after.as_ref(), BATCH).await?;
        for object in &found {
            if !is_stray(service, chore, &folder, &named, object).await? {
                continue;
            }
            if now_us.saturating_sub(object.modified_at_us) < age_us {
                young = true;
            } else {
                tracing::info!(key = %object.key, "an object that nothing names is removed");
                store.delete(&object.key).await?;
            }
        }
        if found.len() < BATCH {
            break;
        }
        after = found.into_iter().next_back().map(|object| object.key);
    }
    Ok(young.then(|| (Chore::Sweep, now_us.saturating_add(age_us))))
}

/// Whether an object is one of an attempt that lost.
async fn is_stray(
    service: &Transcoding,
    chore: &DueChore,
    folder: &str,
    named: &BTreeSet<(&str, &str)>,
    object: &ObjectMeta,
) -> Result<bool, TranscodingError> {
    let name = object.key.as_str().strip_prefix(folder).and_then(|rest| rest.split_once('/'));
    let Some((track, file)) = name else { return Ok(false) };
    if track == "index" || is_init(file) || named.contains(&(track, file)) {
        return Ok(false);
    }
    let encode = (chore.video, chore.version);
    Ok(!objects::is_referenced(service.deps.db.read(), encode, track, file).await?)
}

/// Whether a file of a track is an initialisation segment that a title can have.
pub(crate) fn is_init(file: &str) -> bool {
    (0..GENERATIONS).any(|generation| file == init_name(generation))
}
