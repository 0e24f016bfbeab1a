//! Videos one after another, in the order of their ids: those of the database and those of the store, with
//! what the store has of each. Each folder is listed once, since listings cost money.

use std::collections::{BTreeMap, VecDeque};

use kinora_media::VideoId;
use kinora_store::{Key, ObjectMeta, ObjectStore, keys};

use crate::{error::TranscodingError, repository::transcodes, service::Transcoding};

/// Folders of the store that have a folder a video.
pub(super) const FOLDERS: [&str; 3] = keys::FOLDERS;

/// Objects a listing.
const BATCH: usize = 500;

/// By key, what the store has of a video.
pub(super) type Stored = BTreeMap<String, ObjectMeta>;

/// A walk over the videos after one.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    service: &'a Transcoding,
    last: Option<VideoId>,
    folders: Vec<Folder>,
}

impl<'a> Walk<'a> {
    /// Begins after `after`, or with the first.
    pub(super) fn after(service: &'a Transcoding, after: Option<VideoId>) -> Self {
        let begin = |name| Folder::after(name, after);
        Self { service, last: after, folders: FOLDERS.into_iter().map(begin).collect() }
    }

    /// The next video. Its objects were listed before anybody reads its rows, maybe a while ago.
    pub(super) async fn next(&mut self) -> Result<Option<(VideoId, Stored)>, TranscodingError> {
        let deps = &self.service.deps;
        let mut next = transcodes::next_video(deps.db.read(), self.last).await?;
        for folder in &mut self.folders {
            let stored = folder.next(&*deps.store).await?;
            next = [next, stored].into_iter().flatten().min_by_key(VideoId::to_string);
        }
        let Some(video) = next else { return Ok(None) };
        let mut stored = Stored::new();
        for folder in &mut self.folders {
            folder.take(&*deps.store, video, &mut stored).await?;
        }
        self.last = next;
        Ok(Some((video, stored)))
    }
}

/// A folder, as far as it was listed and not yet taken.
#[derive(Debug)]
struct Folder {
    name: &'static str,
    listed: VecDeque<ObjectMeta>,
    /// What was listed last.
    after: Option<Key>,
    /// Whether there is no more.
    over: bool,
}

impl Folder {
    fn after(name: &'static str, video: Option<VideoId>) -> Self {
        // After everything in the video's folder: `0` comes next to `/`.
        let after = video.and_then(|video| Key::new(format!("{name}{video}0")).ok());
        Self { name, listed: VecDeque::new(), after, over: false }
    }

    /// The video of the next object.
    async fn next(&mut self, store: &dyn ObjectStore) -> Result<Option<VideoId>, TranscodingError> {
        let folder = self.name;
        while let Some(object) = self.first(store).await? {
            let below = object.key.as_str().strip_prefix(folder).unwrap_or_default();
            if let Ok(video) = below.split('/').next().unwrap_or_default().parse() {
                return Ok(Some(video));
            }
            // Nothing of ours has such a name, so it is nobody's to judge.
            self.listed.pop_front();
        }
        Ok(None)
    }

    /// Takes what there is of the video, which nothing comes before.
    async fn take(
        &mut self,
        store: &dyn ObjectStore,
        video: VideoId,
        stored: &mut Stored,
    ) -> Result<(), TranscodingError> {
        let folder = format!("{}{video}/", self.name);
        while let Some(object) = self.first(store).await? {
            if !object.key.as_str().starts_with(&folder) {
                break;
            }
            let taken = self.listed.pop_front();
            stored.extend(taken.map(|object| (object.key.as_str().to_owned(), object)));
        }
        Ok(())
    }

    async fn first(
        &mut self,
        store: &dyn ObjectStore,
    ) -> Result<Option<&ObjectMeta>, TranscodingError> {
        if self.listed.is_empty() && !self.over {
            let found = store.list(self.name, self.after.as_ref(), BATCH).await?;
            self.over = found.len() < BATCH;
            self.after = found.last().map(|object| object.key.clone()).or(self.after.take());
            self.listed = found.into();
        }
        Ok(self.listed.front())
    }
}
