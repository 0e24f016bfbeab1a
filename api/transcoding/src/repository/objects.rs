//! The winners: objects of accepted results.

use std::collections::BTreeMap;

use kinora_db::DbError;
use kinora_media::{ChunkEntry, SegmentEntry, TrackId, VideoId};
use kinora_plan::job::StoredChunk;
use sqlx::{Any, AnyConnection, Executor, FromRow, Row as _};

use super::{from_json, narrow, parse, to_json, widen};

/// An accepted object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaObject {
    pub track: TrackId,
    pub chunk: u32,
    pub page: u32,
    pub entry: ChunkEntry,
}

/// What freezes of a track with its first object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coding {
    pub codec: String,
    pub priming: u32,
}

#[derive(FromRow)]
struct Row {
    track: String,
    chunk: i64,
    page: i64,
    object: String,
    start_ticks: i64,
    segments: String,
    software_from: Option<i64>,
}

impl TryFrom<Row> for MediaObject {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            track: parse("track id", &row.track)?,
            chunk: narrow("chunk", row.chunk)?,
            page: narrow("page", row.page)?,
            entry: ChunkEntry {
                object: row.object,
                start: narrow("start", row.start_ticks)?,
                segments: from_json("segments", &row.segments)?,
            },
        })
    }
}

/// Writes the object of an accepted result.
pub(crate) async fn insert(
    db: &mut AnyConnection,
    (video, version): (VideoId, u32),
    (chunk, page): (u32, u32),
    priming: u32,
    object: &StoredChunk,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO media_objects (video, version, track, chunk, page, object, codec, priming, \
             start_ticks, duration_ticks, segments) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(object.track.as_str())
    .bind(i64::from(chunk))
    .bind(i64::from(page))
    .bind(&object.object)
    .bind(&object.codec)
    .bind(i64::from(priming))
    .bind(widen("start", object.start)?)
    .bind(widen("duration", duration(&object.segments))?)
    .bind(to_json("segments", &object.segments)?)
    .execute(db)
    .await?;
    Ok(())
}

/// Winners, and the chunk from which on they are the CPU's after a switch: read at one moment, so
/// that they fit each other.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    /// By track, in timeline order.
    pub by_track: BTreeMap<TrackId, Vec<MediaObject>>,
    /// See [`super::Transcode::software_from`].
    pub software_from: Option<u32>,
}

/// Objects that page `from_page` or a later one lists.
pub(crate) async fn from_page(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
    from_page: u32,
) -> Result<Accepted, DbError> {
    let rows = sqlx::query_as::<_, Row>(
        "SELECT track, chunk, page, object, start_ticks, segments, \
             (SELECT software_from FROM transcodes t \
                 WHERE t.video = o.video AND t.version = o.version) AS software_from \
         FROM media_objects o \
         WHERE video = $1 AND version = $2 AND page >= $3 ORDER BY track, chunk",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(i64::from(from_page))
    .fetch_all(db)
    .await?;
    let mut accepted = Accepted::default();
    for row in rows {
        accepted.software_from = row.software_from.map(|from| narrow("chunk", from)).transpose()?;
        let object = MediaObject::try_from(row)?;
        accepted.by_track.entry(object.track.clone()).or_default().push(object);
    }
    Ok(accepted)
}

/// Bytes of each track's winners.
pub(crate) async fn bytes(
    db: impl Executor<'_, Database = Any>,
    encode: (VideoId, u32),
) -> Result<BTreeMap<TrackId, u64>, DbError> {
    let objects = from_page(db, encode, 0).await?.by_track;
    let bytes = |objects: Vec<MediaObject>| {
        objects.iter().flat_map(|object| &object.entry.segments).map(|segment| segment.size).sum()
    };
    Ok(objects.into_iter().map(|(track, objects)| (track, bytes(objects))).collect())
}

/// How a track is coded; `None` before its first object.
pub(crate) async fn coding(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
    track: &TrackId,
) -> Result<Option<Coding>, DbError> {
    let row = sqlx::query(
        "SELECT codec, priming FROM media_objects \
         WHERE video = $1 AND version = $2 AND track = $3 ORDER BY chunk LIMIT 1",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .bind(track.as_str())
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let priming = narrow("priming", row.try_get("priming")?)?;
        Ok(Coding { codec: row.try_get("codec")?, priming })
    })
    .transpose()
}

/// Where each track's last object ends, ticks.
pub(crate) async fn ends(
    db: impl Executor<'_, Database = Any>,
    (video, version): (VideoId, u32),
) -> Result<BTreeMap<TrackId, u64>, DbError> {
    let rows = sqlx::query(
        "SELECT track, CAST(MAX(start_ticks + duration_ticks) AS BIGINT) AS ends \
         FROM media_objects WHERE video = $1 AND version = $2 GROUP BY track",
    )
    .bind(video.to_string())
    .bind(i64::from(version))
    .fetch_all(db)
    .await?;
    let end = |row: &sqlx::any::AnyRow| {
        let track: String = row.try_get("track")?;
        Ok((parse("track id", &track)?, narrow("end", row.try_get("ends")?)?))
    };
    rows.iter().map(end).collect()
}

fn duration(segments: &[SegmentEntry]) -> u64 {
    segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.duration))
}
