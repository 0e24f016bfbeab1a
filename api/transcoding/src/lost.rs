//! Encodes whose objects are gone: after a restore beside a store that lost some of them.

use std::collections::BTreeMap;

use kinora_db::{Clock, Database, retrying};
use kinora_media::VideoId;
use kinora_store::{ObjectStore, keys};

use crate::{
    audit::list,
    error::TranscodingError,
    repository::{Reason, Transcode, objects, transcodes},
    state::VideoState,
};

/// A finished encode that cannot be played, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Of which video.
    pub video: VideoId,
    /// Which encode of it.
    pub version: u32,
    /// Objects that are not in the store, or not whole.
    pub objects: u64,
    /// What people are told: a stable word.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

/// Finds finished encodes of which objects are missing. Where `give_up` is set they have failed from
/// then on, and what is left of them is removed when Kinora runs. Nobody else may be at work on the
/// tables.
///
/// # Errors
/// The database or the store does not answer.
pub async fn lost_media(
    db: &Database,
    store: &dyn ObjectStore,
    clock: &Clock,
    give_up: bool,
) -> Result<Vec<Lost>, TranscodingError> {
    let (mut lost, mut after) = (Vec::new(), None);
    while let Some(video) = transcodes::next_video(db.read(), after).await? {
        after = Some(video);
        for encode in transcodes::of_video(db.read(), video).await? {
            if encode.state != VideoState::Ready {
                continue;
            }
            let Some(found) = missing(db, store, &encode).await? else { continue };
            if give_up {
                retrying(|| fail(db, clock, &found)).await?;
            }
            lost.push(found);
        }
    }
    Ok(lost)
}

async fn missing(
    db: &Database,
    store: &dyn ObjectStore,
    encode: &Transcode,
) -> Result<Option<Lost>, TranscodingError> {
    let &Transcode { video, version, .. } = encode;
    let folder = format!("{}{version}/", keys::media_folder(video));
    let mut stored = BTreeMap::new();
    list(store, &folder, &mut stored).await?;
    let has = |name: &str, least: u64| {
        stored.get(&format!("{folder}{name}")).is_some_and(|object| object.size >= least)
    };
    let mut objects = u64::from(!has("index/head.json", 1));
    for (track, accepted) in objects::from_page(db.read(), (video, version), 0).await?.by_track {
        for object in accepted {
            let bytes = object.entry.segments.iter().map(|segment| segment.size).sum();
            objects += u64::from(!has(&format!("{track}/{}", object.entry.object), bytes));
        }
    }
    if objects == 0 {
        return Ok(None);
    }
    let what = match store.head(&keys::source(video)).await? {
        Some(_) => "its source is there: try it again to have it encoded anew",
        None => "its source is gone, too: upload it again",
    };
    Ok(Some(Lost {
        video,
        version,
        objects,
        code: "media_lost",
        message: format!("The store lost what was encoded of it ({objects} objects); {what}"),
    }))
}

async fn fail(db: &Database, clock: &Clock, lost: &Lost) -> Result<(), TranscodingError> {
    let reason = Reason { code: lost.code.to_owned(), message: lost.message.clone() };
    let mut tx = db.begin_write().await?;
    let encode = (lost.video, lost.version);
    transcodes::fail(&mut tx, encode, true, &reason, clock.now_us()).await?;
    Ok(tx.commit().await?)
}
