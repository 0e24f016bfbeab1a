//! What there is of a video: rows, the spool, and what players are shown.

use kinora_media::{Status, VideoId};
use kinora_store::{Key, keys};
use serde::Deserialize;

use crate::{
    core::Core,
    error::Error,
    model::{UploadId, UploadState},
    repository::audit::{self, Held, Rows},
};

/// A video, with all that is to agree with it.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) video: VideoId,
    pub(super) now_us: i64,
    pub(super) rows: Rows,
    /// Bytes of its source, if it is stored.
    pub(super) source: Option<u64>,
    /// Bytes in the spool of its active upload.
    pub(super) spooled: Option<u64>,
    /// Heads of its presentations, by version.
    pub(super) shown: Vec<Shown>,
}

/// A presentation, as its head has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) version: u32,
    pub(super) status: Status,
    /// When it was last written.
    pub(super) at_us: i64,
}

/// Uploads and spool files that no video has.
#[derive(Debug)]
pub(super) struct Strays {
    pub(super) now_us: i64,
    /// Uploads that count for their account, although their videos do not.
    pub(super) held: Vec<Held>,
    /// Spool files of uploads that ended or are not known, and when they were written last.
    pub(super) spooled: Vec<(UploadId, i64)>,
}

/// The one thing of a head that matters here.
#[derive(Deserialize)]
struct Head {
    status: Status,
}

pub(super) async fn rows(core: &Core, video: VideoId) -> Result<Rows, Error> {
    Ok(audit::rows(core.db.read(), video).await?)
}

pub(super) async fn gather(core: &Core, video: VideoId) -> Result<Evidence, Error> {
    let rows = rows(core, video).await?;
    // After the rows: what is handed over leaves the spool for the store, never the other way.
    let spooled = match rows.uploads.iter().find(|upload| upload.state == UploadState::Active) {
        Some(upload) => core.spool.length(upload.id).await?,
        None => None,
    };
    let source = core.store.head(&keys::source(video)).await?.map(|source| source.size);
    let shown = shown(core, video).await?;
    Ok(Evidence { video, now_us: core.clock.now_us(), rows, source, spooled, shown })
}

/// The heads of all versions that have media.
async fn shown(core: &Core, video: VideoId) -> Result<Vec<Shown>, Error> {
    let folder = keys::media_folder(video);
    let (mut shown, mut after) = (Vec::new(), None);
    while let Some(name) = next_folder(core, &folder, after.as_ref()).await? {
        after = beyond(&folder, &name);
        let Ok(version) = name.parse() else { continue };
        let Some((meta, bytes)) = core.store.get(&keys::head(video, version)).await? else {
            continue;
        };
        // One that cannot be read is transcoding's to tell of.
        if let Ok(Head { status }) = serde_json::from_slice(&bytes) {
            shown.push(Shown { version, status, at_us: meta.modified_at_us });
        }
    }
    Ok(shown)
}

pub(super) async fn uploads(core: &Core) -> Result<Strays, Error> {
    let held = audit::held_for_nothing(core.db.read()).await?;
    let mut spooled = Vec::new();
    for id in core.spool.list().await? {
        let Some(written_at_us) = core.spool.written_at_us(id).await? else { continue };
        if !audit::is_active(core.db.read(), id).await? {
            spooled.push((id, written_at_us));
        }
    }
    Ok(Strays { now_us: core.clock.now_us(), held, spooled })
}

/// The first video after another, in the catalogue or among those that have media.
pub(super) async fn next(core: &Core, after: Option<VideoId>) -> Result<Option<VideoId>, Error> {
    let known = audit::next_video(core.db.read(), after).await?;
    let folder = MEDIA;
    let mut from = after.and_then(|video| beyond(folder, &video.to_string()));
    let stored = loop {
        let Some(name) = next_folder(core, folder, from.as_ref()).await? else { break None };
        match name.parse() {
            Ok(video) => break Some(video),
            // Nothing of ours has such a name.
            Err(_) => from = beyond(folder, &name),
        }
    };
    Ok([known, stored].into_iter().flatten().min_by_key(VideoId::to_string))
}

const MEDIA: &str = "media/";

/// The name of the first folder within another, after a key.
async fn next_folder(
    core: &Core,
    folder: &str,
    after: Option<&Key>,
) -> Result<Option<String>, Error> {
    let found = core.store.list(folder, after, 1).await?;
    let below = found.first().and_then(|object| object.key.as_str().strip_prefix(folder));
    Ok(below.and_then(|below| below.split('/').next()).map(str::to_owned))
}

/// A key after everything in the folder of that name: `0` comes next to `/`.
fn beyond(folder: &str, name: &str) -> Option<Key> {
    Key::new(format!("{folder}{name}0")).ok()
}
