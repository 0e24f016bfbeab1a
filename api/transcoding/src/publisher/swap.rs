//! The head in the store, read and replaced under compare-and-swap.

use kinora_media::{
    FIRST_INIT, HEAD_SCHEMA, Head, Period, SegmentLocation, Status, Track, TrackKind, VideoId,
};
use kinora_store::{Condition, Put, keys};

use super::project::ClosedPage;
use crate::{error::TranscodingError, service::Transcoding};

/// A head and the ETag to replace it under.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub head: Head,
    pub etag: String,
}

/// What became of a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swapped {
    /// The store holds the new head.
    Stored,
    /// It held it before.
    Unchanged,
    /// Somebody else was faster, or the video is gone.
    Lost,
}

/// The head of an encode, if there is one.
pub(crate) async fn read(
    service: &Transcoding,
    video: VideoId,
    version: u32,
) -> Result<Option<Current>, TranscodingError> {
    let Some((meta, bytes)) = service.deps.store.get(&keys::head(video, version)).await? else {
        return Ok(None);
    };
    let unreadable = |what: String| TranscodingError::Index { video, version, what };
    let head: Head = serde_json::from_slice(&bytes).map_err(|e| unreadable(e.to_string()))?;
    if head.schema != HEAD_SCHEMA {
        return Err(unreadable(format!("it has schema {}", head.schema)));
    }
    Ok(Some(Current { head, etag: meta.etag }))
}

/// Replaces `current` by `head`, filling in revision, writer and time, and tells origins.
pub(crate) async fn swap(
    service: &Transcoding,
    current: Option<Current>,
    mut head: Head,
) -> Result<Swapped, TranscodingError> {
    let (video, version) = (head.video, head.version);
    let condition = match current {
        None => Condition::Absent,
        Some(Current { head: old, .. }) if old.status == Status::Deleted => {
            return Ok(Swapped::Lost);
        }
        Some(Current { head: old, .. }) if shows_the_same(&old, &head) => {
            return Ok(Swapped::Unchanged);
        }
        Some(Current { head: old, etag }) => {
            if head.status != Status::Deleted && !extends(&old, &head) {
                let what = "the new head would change what was published".to_owned();
                return Err(TranscodingError::Index { video, version, what });
            }
            head.revision = old.revision;
            Condition::Matches(etag)
        }
    };
    head.revision += 1;
    head.writer.clone_from(&service.writer);
    head.published_at_us = service.now_us();
    let body = serde_json::to_vec(&head).map_err(|e| TranscodingError::Index {
        video,
        version,
        what: e.to_string(),
    })?;
    let put = service.deps.store.put(&keys::head(video, version), body.into(), condition).await;
    match put {
        Ok(Put::ConditionFailed) => return Ok(Swapped::Lost),
        Ok(Put::Stored { .. }) => {}
        // Whether it was written is unknown: look.
        Err(error) => {
            let ours = |now: &Current| {
                now.head.revision == head.revision && now.head.writer == head.writer
            };
            if !read(service, video, version).await?.is_some_and(|now| ours(&now)) {
                return Err(error.into());
            }
        }
    }
    (service.deps.on_head_change)(video, version);
    Ok(Swapped::Stored)
}

/// Stores a closed page. One that is there already was written by somebody who closed the same.
pub(crate) async fn put_page(
    service: &Transcoding,
    video: VideoId,
    version: u32,
    page: &ClosedPage,
) -> Result<(), TranscodingError> {
    let body = serde_json::to_vec(&page.page).map_err(|e| TranscodingError::Index {
        video,
        version,
        what: e.to_string(),
    })?;
    let key = keys::index(video, version, &page.object);
    service.deps.store.put(&key, body.into(), Condition::Absent).await?;
    Ok(())
}

fn shows_the_same(old: &Head, new: &Head) -> bool {
    let unsigned = |head: &Head| Head {
        revision: 0,
        writer: String::new(),
        published_at_us: 0,
        ..head.clone()
    };
    unsigned(old) == unsigned(new)
}

/// Whether everything a player may have read in `old` still holds in `new`.
fn extends(old: &Head, new: &Head) -> bool {
    let settled = |head: &Head| {
        let times = (head.first_published_at_us, head.target_duration_s);
        (head.first_published_complete, times, head.encryption)
    };
    let counted = |head: &Head, track| {
        let closed = head.pages.iter().filter_map(|page| page.segments.get(track)).sum::<u64>();
        closed + head.tail.segments(track).count() as u64
    };
    if old.status == Status::Complete {
        return gains_pictures(old, new);
    }
    old.status == Status::Growing
        && settled(old) == settled(new)
        && (old.tracks == new.tracks || gains_texts(old, new))
        && old.chapters == new.chapters
        && (old.pictures.is_none() || old.pictures == new.pictures)
        && periods_extend(old, new)
        && new.pages.starts_with(&old.pages)
        && old.tracks.iter().all(|track| counted(old, &track.id) <= counted(new, &track.id))
        && (old.pages.len() < new.pages.len() || tail_extends(old, new))
}

/// Whether the periods of `old` are the first of `new`'s, and later ones begin where nothing was
/// published.
fn periods_extend(old: &Head, new: &Head) -> bool {
    let periods = |head: &Head| match head.periods.is_empty() {
        true => vec![(0, FIRST_INIT.to_owned())],
        false => head.periods.iter().map(|p| (p.start, p.init.clone())).collect(),
    };
    let (known, all) = (periods(old), periods(new));
    let later = new.periods.get(known.len()..).unwrap_or_default();
    let unpublished = |period: &Period| {
        let pictures = old.tracks.iter().filter(|t| matches!(t.kind, TrackKind::Video(_)));
        let mut ends = pictures.filter_map(|track| {
            let last = old.tail.segments(&track.id).last()?;
            Some((u128::from(last.start + last.duration), u128::from(track.timescale)))
        });
        let start = (u128::from(period.start), u128::from(period.timescale));
        ends.all(|(end, timescale)| end * start.1 <= start.0 * timescale)
    };
    all.starts_with(&known) && later.iter().all(unpublished)
}

/// With the last segments embedded subtitles may come that took long to read.
fn gains_texts(old: &Head, new: &Head) -> bool {
    let text = |track: &Track| matches!(track.kind, TrackKind::Text(_));
    new.status == Status::Complete
        && new.tracks.starts_with(&old.tracks)
        && new.tracks[old.tracks.len()..].iter().all(text)
}

/// All that plays is there; pictures may still come.
fn gains_pictures(old: &Head, new: &Head) -> bool {
    old.pictures.is_none() && shows_the_same(old, &Head { pictures: None, ..new.clone() })
}

fn tail_extends(old: &Head, new: &Head) -> bool {
    old.tracks.iter().all(|track| {
        let segments =
            |head: &Head| -> Vec<SegmentLocation> { head.tail.segments(&track.id).collect() };
        segments(new).starts_with(&segments(old))
    })
}
