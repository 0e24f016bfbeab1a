//! What there is of a video: rows, objects, and what its heads list.

use std::collections::BTreeMap;

use kinora_media::{ChunkEntry, Head, Page, TrackId, VideoId};
use kinora_store::{Key, ObjectMeta, ObjectStore, keys};

use super::walk::{FOLDERS, Stored};
use crate::{
    config::micros,
    error::TranscodingError,
    publisher::swap,
    repository::{
        Transcode, chores,
        extras::{self, Extras},
        objects, statistics, transcodes,
    },
    service::Transcoding,
    state::{Chore, JobState},
};

/// Objects a listing.
const BATCH: usize = 500;

/// A video.
#[derive(Debug)]
pub(super) struct Evidence {
    pub video: VideoId,
    pub now_us: i64,
    /// What is younger may yet be named, or is for a sweep that is not due.
    pub young_us: i64,
    pub encodes: Vec<Encode>,
    /// By key.
    pub stored: Stored,
}

/// One encode of it.
#[derive(Debug)]
pub(super) struct Encode {
    pub row: Transcode,
    pub chore: Option<Chore>,
    pub open_jobs: u64,
    pub accepted: BTreeMap<TrackId, Vec<ChunkEntry>>,
    pub extras: Extras,
    pub index: Index,
}

/// Its segment index, as it is stored.
#[derive(Debug)]
pub(super) enum Index {
    None,
    /// Why.
    Unreadable(String),
    Read {
        head: Box<Head>,
        /// Its pages, `None` where none is readable under that name.
        pages: Vec<Option<Page>>,
    },
}

impl Evidence {
    /// Tells whether a row changed.
    pub(super) fn revisions(&self) -> Vec<(u32, i64)> {
        self.encodes.iter().map(|encode| (encode.row.version, encode.row.revision)).collect()
    }

    /// Where an encode's objects lie.
    pub(super) fn folder_of(&self, encode: &Encode) -> String {
        format!("{}{}/", keys::media_folder(self.video), encode.row.version)
    }

    /// What lies in a folder, by its name there.
    pub(super) fn stored_in(
        &self,
        folder: &str,
    ) -> impl Iterator<Item = (&str, &ObjectMeta)> + use<'_> {
        let folder = folder.to_owned();
        self.stored
            .iter()
            .filter_map(move |(key, object)| Some((key.strip_prefix(&*folder)?, object)))
    }
}

pub(super) async fn revisions(
    service: &Transcoding,
    video: VideoId,
) -> Result<Vec<(u32, i64)>, TranscodingError> {
    let rows = transcodes::of_video(service.deps.db.read(), video).await?;
    Ok(rows.iter().map(|row| (row.version, row.revision)).collect())
}

/// Reads what there is of a video. `stored` is what the store had of it when it was listed, if it was.
pub(super) async fn gather(
    service: &Transcoding,
    video: VideoId,
    stored: Option<Stored>,
) -> Result<Evidence, TranscodingError> {
    let rows = transcodes::of_video(service.deps.db.read(), video).await?;
    let mut encodes = Vec::new();
    for row in rows {
        encodes.push(encode(service, row).await?);
    }
    let stored = match stored {
        Some(stored) => stored,
        None => listed(service, video).await?,
    };
    let young_us = micros(service.deps.config.sweep_ms);
    Ok(Evidence { video, now_us: service.now_us(), young_us, encodes, stored })
}

/// What the store has of a video now.
async fn listed(service: &Transcoding, video: VideoId) -> Result<Stored, TranscodingError> {
    let mut stored = Stored::new();
    for folder in FOLDERS {
        list(&*service.deps.store, &format!("{folder}{video}/"), &mut stored).await?;
    }
    Ok(stored)
}

async fn encode(service: &Transcoding, row: Transcode) -> Result<Encode, TranscodingError> {
    let db = service.deps.db.read();
    let id = (row.video, row.version);
    let over = [JobState::Done, JobState::Failed, JobState::Cancelled];
    let tally = statistics::tally(db, id).await?;
    let open = tally.iter().filter(|tally| !over.contains(&tally.state));
    // The index first: what it shows was accepted before.
    let index = index(service, &row).await?;
    let accepted = objects::from_page(db, id, 0).await?.by_track;
    let entries = |objects: Vec<objects::MediaObject>| objects.into_iter().map(|o| o.entry);
    Ok(Encode {
        chore: chores::of_encode(db, id).await?,
        open_jobs: open.map(|tally| tally.jobs).sum(),
        accepted: accepted.into_iter().map(|(t, o)| (t, entries(o).collect())).collect(),
        extras: extras::find(db, id).await?,
        index,
        row,
    })
}

async fn index(service: &Transcoding, row: &Transcode) -> Result<Index, TranscodingError> {
    let &Transcode { video, version, .. } = row;
    let head = match swap::read(service, video, version).await {
        Ok(Some(current)) => current.head,
        Ok(None) => return Ok(Index::None),
        Err(TranscodingError::Index { what, .. }) => return Ok(Index::Unreadable(what)),
        Err(error) => return Err(error),
    };
    let mut pages = Vec::new();
    for page in &head.pages {
        // Not one of our own names if the head is damaged.
        let key = Key::new(format!("{}{version}/index/{}", keys::media_folder(video), page.object));
        let found = match key {
            Ok(key) => service.deps.store.get(&key).await?,
            Err(_) => None,
        };
        pages.push(found.and_then(|(_, bytes)| serde_json::from_slice(&bytes).ok()));
    }
    Ok(Index::Read { head: Box::new(head), pages })
}

/// Everything in a folder, by key.
pub(crate) async fn list(
    store: &dyn ObjectStore,
    folder: &str,
    stored: &mut Stored,
) -> Result<(), TranscodingError> {
    let mut after = None;
    loop {
        let found = store.list(folder, after.as_ref(), BATCH).await?;
        let last = found.len() < BATCH;
        after = found.last().map(|object| object.key.clone());
        stored.extend(found.into_iter().map(|object| (object.key.as_str().to_owned(), object)));
        if last {
            return Ok(());
        }
    }
}
