//! Caption files that come with a video.

mod language;

use bytes::Bytes;
use kinora_db::retrying;
use kinora_media::{AccountId, TrackId, VideoId};
use kinora_packager::text::{self as captions_text, TextFormat};
use kinora_store::{Condition, Key, Put, keys};

pub(crate) use language::language;

use crate::{
    core::Core,
    error::Error,
    model::State,
    repository::{
        captions::{self, CaptionsRow},
        videos,
    },
};

/// Caption files a video may have.
const MAX_FILES: usize = 32;
/// Tries to replace an object that others replace at the same time.
const TRIES: usize = 5;

/// Captions as they were stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) captions: CaptionsRow,
    /// Whether there were none in this language.
    pub(crate) new: bool,
}

/// Checks a caption file and stores it as WebVTT, in place of one of the same language.
///
/// # Errors
/// [`Error::Captions`] for a file that is none, [`Error::NotAwaitingUpload`] once the upload is
/// finished, [`Error::TooManyCaptions`].
pub(crate) async fn put(
    core: &Core,
    account: &AccountId,
    video: VideoId,
    language: TrackId,
    name: String,
    format: TextFormat,
    body: Bytes,
) -> Result<Stored, Error> {
    // Before anything is stored; the transaction looks again.
    expect_open(&mut *core.db.read().acquire().await?, account, video, &language).await?;
    let parsed = move || captions_text::parse(&body, Some(format));
    let parsed = tokio::task::spawn_blocking(parsed).await.map_err(|_| Error::Stopping)??;
    let object = keys::source_captions(video, &language);
    let cues = parsed.cue_count() as u64;
    store(core, &object, parsed.to_string().into()).await?;
    let row = CaptionsRow { language, name, cues, object };
    let kept = retrying(|| keep(core, account, video, &row)).await;
    if kept.is_err() {
        // The upload finished or the video went while the file was on its way: an object that
        // no row names is nobody's.
        let mut connection = core.db.read().acquire().await?;
        let named = captions::of_video(&mut connection, video).await?;
        if named.iter().all(|other| other.object != row.object) {
            core.store.delete(&row.object).await?;
        }
    }
    Ok(Stored { new: kept?, captions: row })
}

async fn keep(
    core: &Core,
    account: &AccountId,
    video: VideoId,
    row: &CaptionsRow,
) -> Result<bool, Error> {
    let mut tx = core.db.begin_write().await?;
    expect_open(&mut tx, account, video, &row.language).await?;
    let new = captions::put(&mut tx, video, row, core.clock.now_us()).await?;
    tx.commit().await?;
    Ok(new)
}

async fn expect_open(
    connection: &mut sqlx::AnyConnection,
    account: &AccountId,
    video: VideoId,
    language: &TrackId,
) -> Result<(), Error> {
    let head = videos::head(connection, account, video).await?.ok_or(Error::NoVideo)?;
    if head.state > State::Uploading {
        return Err(Error::NotAwaitingUpload);
    }
    let others = captions::of_video(connection, video).await?;
    let others = others.iter().filter(|row| row.language != *language).count();
    if others >= MAX_FILES { Err(Error::TooManyCaptions(MAX_FILES)) } else { Ok(()) }
}

/// Writes the object, over another one if need be. The last of several writers wins.
async fn store(core: &Core, key: &Key, body: Bytes) -> Result<(), Error> {
    for _ in 0..TRIES {
        let condition = match core.store.head(key).await? {
            Some(found) => Condition::Matches(found.etag),
            None => Condition::Absent,
        };
        if let Put::Stored { .. } = core.store.put(key, body.clone(), condition).await? {
            return Ok(());
        }
    }
    Err(Error::UploadLocked)
}
