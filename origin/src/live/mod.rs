//! Live streams with low latency: parts arrive on a listener of their own, stay in memory for a
//! while, and go out the moment they are whole to everybody who waits for them.
//!
//! `directives` are the rules of RFC 8216bis 6.2.5, `track` is the state of one rendition and who
//! waits for it, `multivariant` the playlist of them all, `ingest` how media comes in, `answer` how
//! it goes out. The packager writes the playlists.

mod answer;
mod description;
mod directives;
mod ingest;
mod multivariant;
mod track;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use kinora_media::{Access, TrackId, VideoId};
use kinora_packager::hls::live::Report;

pub(crate) use self::directives::Directives;
use self::track::{Arrival, Track};
pub use self::{description::Description, ingest::serve_ingest};

/// Streams at once.
const MOST_STREAMS: usize = 64;
/// Renditions of one.
const MOST_TRACKS: usize = 16;
/// Bytes of media of all streams together.
const MOST_BYTES: i64 = 256 << 20;
/// A stream of which nothing was heard for this long makes room for another.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// The live streams of an origin. Clones share them: one takes media in, another sends it out.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Streams>);

#[derive(Debug, Default)]
struct Streams {
    by_id: RwLock<HashMap<VideoId, Arc<Stream>>>,
    bytes: AtomicI64,
}

/// A live stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: VideoId,
    pub(crate) access: Access,
    /// When it began; names of parts may come again in another that follows it.
    began: SystemTime,
    tracks: RwLock<BTreeMap<TrackId, Arc<Track>>>,
    heard: RwLock<Instant>,
}

/// Why media is not taken in.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    NotFound,
    Conflict(String),
    Full(&'static str),
}

impl Live {
    pub(crate) fn stream(&self, id: VideoId) -> Option<Arc<Stream>> {
        self.0.by_id.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Takes in what a rendition is; the first makes the stream.
    fn describe(&self, id: VideoId, track: TrackId, it: Description) -> Result<(), Refusal> {
        let mut streams = self.0.by_id.write().unwrap_or_else(PoisonError::into_inner);
        if !streams.contains_key(&id) {
            streams.retain(|_, stream| {
                let kept = stream.is_heard();
                if !kept {
                    self.0.bytes.fetch_sub(stream.close(), Ordering::Relaxed);
                }
                kept
            });
            if streams.len() >= MOST_STREAMS {
                return Err(Refusal::Full("there are too many streams"));
            }
        }
        let access = it.access;
        let stream = streams.entry(id).or_insert_with(|| Arc::new(Stream::new(id, access)));
        let mut tracks = stream.tracks.write().unwrap_or_else(PoisonError::into_inner);
        if stream.access != access {
            return Err(Refusal::Conflict("its other renditions have another access".into()));
        }
        if let Some(known) = tracks.get(&track) {
            let same = known.description == it;
            let problem = || Refusal::Conflict("what it is cannot change".into());
            return if same { Ok(()) } else { Err(problem()) };
        }
        if tracks.len() >= MOST_TRACKS {
            return Err(Refusal::Full("it has too many renditions"));
        }
        tracks.insert(track.clone(), Arc::new(Track::new(track, it)));
        Ok(())
    }

    fn begin(&self, id: VideoId, track: &TrackId, init: Bytes) -> Result<(), Refusal> {
        let stream = self.stream(id).ok_or(Refusal::NotFound)?;
        stream.track(track).ok_or(Refusal::NotFound)?.begin(init)
    }

    fn push(&self, id: VideoId, track: &TrackId, arrival: Arrival) -> Result<(), Refusal> {
        let stream = self.stream(id).ok_or(Refusal::NotFound)?;
        let track = stream.track(track).ok_or(Refusal::NotFound)?;
        if self.0.bytes.load(Ordering::Relaxed) > MOST_BYTES {
            return Err(Refusal::Full("the memory for live media is full"));
        }
        *stream.heard.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.bytes.fetch_add(track.push(arrival)?, Ordering::Relaxed);
        Ok(())
    }

    /// Nothing follows; what there is can be played to its end.
    fn end(&self, id: VideoId) -> Result<(), Refusal> {
        let stream = self.stream(id).ok_or(Refusal::NotFound)?;
        stream.tracks().iter().for_each(|track| track.end());
        Ok(())
    }

    fn remove(&self, id: VideoId) -> Result<(), Refusal> {
        let removed = self.0.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let stream = removed.ok_or(Refusal::NotFound)?;
        self.0.bytes.fetch_sub(stream.close(), Ordering::Relaxed);
        Ok(())
    }
}

impl Stream {
    fn new(id: VideoId, access: Access) -> Self {
        let (tracks, heard) = (RwLock::default(), RwLock::new(Instant::now()));
        Self { id, access, began: SystemTime::now(), tracks, heard }
    }

    fn track(&self, id: &TrackId) -> Option<Arc<Track>> {
        self.tracks.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn tracks(&self) -> Vec<Arc<Track>> {
        let tracks = self.tracks.read().unwrap_or_else(PoisonError::into_inner);
        tracks.values().cloned().collect()
    }

    /// How far all renditions but one have come.
    fn reports(&self, but: &TrackId) -> Vec<Report> {
        let others = self.tracks().into_iter().filter(|track| track.id != *but);
        let report = |track: Arc<Track>| {
            Some(Report { uri: format!("{}.m3u8", track.id), position: track.position()? })
        };
        others.filter_map(report).collect()
    }

    fn is_heard(&self) -> bool {
        self.heard.read().unwrap_or_else(PoisonError::into_inner).elapsed() < FORGOTTEN
    }

    fn close(&self) -> i64 {
        self.tracks().iter().map(|track| track.close()).sum()
    }
}
