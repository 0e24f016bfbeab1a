//! One rendition of a live stream: its newest media, and who waits for more.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use kinora_media::TrackId;
use kinora_packager::{
    PackagerError,
    hls::live::{
        Form, Hint, HintKind, LivePlaylist, Opening, Part, Position, Report, Resource, Settings,
    },
};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{Description, Directives, Refusal, directives::Bad};
use crate::{Metrics, http::Coding};

/// Seconds of media that playlists list; as much again can still be fetched, by who has an older
/// playlist (RFC 8216bis 6.2.2).
const WINDOW_S: u64 = 30;
/// After so many target durations a request that waits is given up (6.2.5.2).
const PATIENCE: u32 = 3;

/// A rendition.
#[derive(Debug)]
pub(crate) struct Track {
    pub(super) id: TrackId,
    pub(super) description: Description,
    settings: Settings,
    state: Mutex<State>,
    /// Told after every change.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    init: Option<Bytes>,
    /// From the first part on.
    playlist: Option<LivePlaylist>,
    /// The segment that is open or comes next, and its parts.
    next: (u64, u64),
    is_open: bool,
    segments: BTreeMap<u64, Segment>,
    /// What was written of the present state, in each form that was asked for.
    written: HashMap<(Form, Coding), Written>,
    gone: bool,
}

#[derive(Debug, Default)]
struct Segment {
    parts: Vec<Bytes>,
    duration: u64,
    /// All of them, once there are all.
    whole: Option<Bytes>,
}

/// A playlist as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) bytes: Bytes,
    /// What names it: the beginning of its SHA-256.
    pub(crate) hash: u64,
}

/// A part that arrives.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) segment: u64,
    pub(super) part: u64,
    pub(super) duration: u64,
    pub(super) independent: bool,
    /// Whether it is the last of its segment.
    pub(super) last: bool,
    /// When it began, of the first part of a segment, microseconds since 1970.
    pub(super) date_time_us: Option<i64>,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There is nothing by that name, or no more.
    NotFound,
    Bad(Bad),
    /// It did not come in time.
    Late,
}

impl Track {
    pub(super) fn new(id: TrackId, description: Description) -> Self {
        let settings = Settings {
            timescale: description.timescale,
            target_duration_s: description.target_duration_s,
            part_target: Some(description.part_target),
            independent: description.independent,
        };
        let (changed, _) = watch::channel(());
        Self { id, description, settings, state: Mutex::default(), changed }
    }

    /// Takes the initialisation segment, before the first part.
    pub(super) fn begin(&self, init: Bytes) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.playlist.is_some() {
            return Err(Refusal::Conflict("it has begun: its initialisation segment stays".into()));
        }
        state.init = Some(init);
        Ok(())
    }

    /// Takes a part. Returns by how many bytes more or fewer are held now.
    pub(super) fn push(&self, arrival: Arrival) -> Result<i64, Refusal> {
        let mut state = self.state();
        let before = state.bytes();
        state.push(&self.id, &self.settings, arrival)?;
        state.forget(&self.settings);
        state.written.clear();
        let held = state.bytes() - before;
        drop(state);
        self.changed.send_replace(());
        Ok(held)
    }

    /// Nothing follows.
    pub(super) fn end(&self) {
        let mut state = self.state();
        if let Some(playlist) = &mut state.playlist {
            playlist.finish_stream();
        }
        state.written.clear();
        drop(state);
        self.changed.send_replace(());
    }

    /// Lets go of everything, and of everybody who waits. Returns the bytes that were held.
    pub(super) fn close(&self) -> i64 {
        let mut state = self.state();
        let held = state.bytes();
        *state = State { gone: true, ..State::default() };
        drop(state);
        self.changed.send_replace(());
        held
    }

    pub(super) fn position(&self) -> Option<Position> {
        self.state().playlist.as_ref()?.position()
    }

    pub(crate) fn target_duration(&self) -> Duration {
        Duration::from_secs(self.settings.target_duration_s.into())
    }

    pub(crate) fn init(&self) -> Option<Bytes> {
        self.state().init.clone()
    }

    /// A whole segment.
    pub(crate) fn segment(&self, segment: u64) -> Option<Bytes> {
        self.state().segments.get(&segment)?.whole.clone()
    }

    /// A part; one that was hinted at is waited for.
    pub(crate) async fn part(
        &self,
        segment: u64,
        part: u64,
        metrics: &Metrics,
    ) -> Result<Bytes, Missing> {
        self.wait(metrics, |state| match state.part(segment, part) {
            Some(bytes) => Ok(Some(bytes)),
            None if state.is_hinted(segment, part) => Ok(None),
            None => Err(Missing::NotFound),
        })
        .await
    }

    /// The playlist, once it lists what is asked for. All who wait for the same get the same bytes.
    pub(crate) async fn playlist(
        &self,
        directives: Directives,
        coding: Coding,
        reports: impl Fn() -> Vec<Report>,
        metrics: &Metrics,
    ) -> Result<Written, Missing> {
        let form = (directives.form, coding);
        let met = |state: &State| {
            let playlist = state.playlist.as_ref().ok_or(Missing::NotFound)?;
            directives.are_met(playlist, &self.settings).map_err(Missing::Bad)
        };
        let seen =
            self.wait(metrics, |state| Ok(met(state)?.then(|| state.written.get(&form).cloned())));
        if let Some(written) = seen.await? {
            return Ok(written);
        }
        // Other renditions are asked before this one is held, so that none waits for another.
        let reports = reports();
        let mut held = self.state();
        let state = &mut *held;
        let playlist = state.playlist.as_ref().ok_or(Missing::NotFound)?;
        if let Some(written) = state.written.get(&form) {
            return Ok(written.clone());
        }
        let text = Bytes::from(playlist.write(directives.form, &reports));
        let bytes = coding.encode(text).map_err(|_| Missing::NotFound)?;
        let written = Written { hash: hash(&bytes), bytes };
        state.written.insert(form, written.clone());
        Ok(written)
    }

    /// Looks at every state until there is an answer.
    async fn wait<T>(
        &self,
        metrics: &Metrics,
        look: impl Fn(&State) -> Result<Option<T>, Missing>,
    ) -> Result<T, Missing> {
        // Before the first look, so that no change is missed.
        let mut changed = self.changed.subscribe();
        let seen = |state: MutexGuard<'_, State>| match state.gone {
            true => Err(Missing::NotFound),
            false => look(&state),
        };
        if let Some(found) = seen(self.state())? {
            return Ok(found);
        }
        let _parked = metrics.parked();
        let deadline = Instant::now() + self.target_duration() * PATIENCE;
        loop {
            // The sender lives as long as the track.
            let Ok(Ok(())) = timeout_at(deadline, changed.changed()).await else {
                return Err(Missing::Late);
            };
            if let Some(found) = seen(self.state())? {
                return Ok(found);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(bytes: &[u8]) -> u64 {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(bytes);
    digest[..8].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

impl State {
    fn push(&mut self, id: &TrackId, settings: &Settings, it: Arrival) -> Result<(), Refusal> {
        let refused = |error: PackagerError| Refusal::Conflict(error.to_string());
        if self.init.is_none() {
            return Err(Refusal::Conflict("its initialisation segment is missing".into()));
        }
        if self.playlist.is_none() {
            self.next = (it.segment, 0);
            self.playlist = Some(LivePlaylist::new(*settings, it.segment).map_err(refused)?);
        }
        let (segment, part) = self.next;
        if (it.segment, it.part) != self.next {
            return Err(Refusal::Conflict(format!("the next part is {segment}.{part}")));
        }
        let Some(playlist) = &mut self.playlist else { return Err(Refusal::NotFound) };
        if !self.is_open {
            let map = Arc::new(Resource::file(format!("{id}/init.mp4")));
            let date_time_us = it.date_time_us;
            playlist.begin(Opening { map, discontinuity: false, date_time_us }).map_err(refused)?;
            self.is_open = true;
        }
        let resource = Resource::file(format!("{id}/{segment}.{part}.m4s"));
        let (duration, independent) = (it.duration, it.independent);
        playlist
            .push_part(Part { resource, duration, independent, gap: false })
            .map_err(refused)?;
        let held = self.segments.entry(segment).or_default();
        held.parts.push(it.body);
        held.duration += it.duration;
        self.next.1 += 1;
        if it.last {
            playlist.finish(Resource::file(format!("{id}/{segment}.m4s"))).map_err(refused)?;
            held.join();
            (self.next, self.is_open) = ((segment.saturating_add(1), 0), false);
        }
        let (segment, part) = self.next;
        let uri = format!("{id}/{segment}.{part}.m4s");
        let hint = Hint { kind: HintKind::Part, uri, offset: 0, length: None };
        playlist.hint(Some(hint)).map_err(refused)
    }

    /// Lets go of what is old.
    fn forget(&mut self, settings: &Settings) {
        let Some(playlist) = &mut self.playlist else { return };
        playlist.trim(WINDOW_S * u64::from(settings.timescale));
        let kept = 2 * WINDOW_S * u64::from(settings.timescale);
        let mut held: u64 = self.segments.values().map(|segment| segment.duration).sum();
        while let Some(oldest) = self.segments.first_entry() {
            held -= oldest.get().duration;
            if held < kept {
                break;
            }
            oldest.remove();
        }
    }

    fn part(&self, segment: u64, part: u64) -> Option<Bytes> {
        let parts = &self.segments.get(&segment)?.parts;
        parts.get(usize::try_from(part).ok()?).cloned()
    }

    fn is_hinted(&self, segment: u64, part: u64) -> bool {
        let goes_on = self.playlist.as_ref().is_some_and(|playlist| !playlist.has_ended());
        goes_on && self.next == (segment, part)
    }

    fn bytes(&self) -> i64 {
        let parts = self.segments.values().flat_map(|segment| &segment.parts);
        let bytes: usize = parts.map(Bytes::len).sum();
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }
}

impl Segment {
    /// Parts become pieces of the whole, so that it is held once.
    fn join(&mut self) {
        let mut whole = BytesMut::with_capacity(self.parts.iter().map(Bytes::len).sum());
        self.parts.iter().for_each(|part| whole.extend_from_slice(part));
        let whole = whole.freeze();
        let mut start = 0;
        for part in &mut self.parts {
            let end = start + part.len();
            *part = whole.slice(start..end);
            start = end;
        }
        self.whole = Some(whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = r#"{"access":"public","timescale":1000,"target_duration_s":2,
        "part_target":250,"independent":true,"codec":"avc1.4d401e","bandwidth":900000,
        "media":{"kind":"video","width":640,"height":360,"frame_rate":{"num":30,"den":1}}}"#;

    fn arrival(part: u64) -> Arrival {
        let (segment, body, independent) = (0, "part".into(), part == 0);
        let (last, date_time_us) = (false, None);
        Arrival { segment, part, duration: 250, independent, last, date_time_us, body }
    }

    #[tokio::test]
    async fn a_state_is_written_once_for_all_who_ask() {
        let (track, metrics) = (
            Track::new("v360".parse().unwrap(), serde_json::from_str(DESCRIPTION).unwrap()),
            Metrics::default(),
        );
        track.begin("init".into()).unwrap();
        track.push(arrival(0)).unwrap();
        let written = async |query: &str, coding| {
            let directives = Directives::read(query).unwrap();
            track.playlist(directives, coding, Vec::new, &metrics).await.unwrap().bytes
        };
        for coding in [Coding::Identity, Coding::Gzip] {
            let first = written("", coding).await;
            for query in ["", "_HLS_msn=0&_HLS_part=0"] {
                // The same bytes in the same place, not only alike.
                assert_eq!(written(query, coding).await.as_ptr(), first.as_ptr(), "{query}");
            }
            assert_ne!(written("_HLS_skip=YES", coding).await.as_ptr(), first.as_ptr());
        }
        let before = written("", Coding::Identity).await;
        track.push(arrival(1)).unwrap();
        assert_ne!(written("", Coding::Identity).await, before);
    }
}
