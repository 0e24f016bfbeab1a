//! Whether a result fits the plan. A worker that answers something else is at fault, and what it
//! says must not reach players.

use std::collections::BTreeSet;

use kinora_media::{Pictures, SegmentEntry, TrackId};
use kinora_plan::{
    Plan, Rung,
    job::{StoredChunk, StoredText},
};
use kinora_store::keys;

/// How much media a page of the segment index holds, microseconds.
pub(crate) const PAGE_US: u64 = 600 * 1_000_000;

/// What does not fit, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit(pub String);

/// Checks the objects of chunk `index`, encoded under `attempt`: one for each rung, with the
/// name, the place in time and segments a player can trust.
pub(crate) fn check_chunk(
    plan: &Plan,
    index: u32,
    attempt: u32,
    objects: &[StoredChunk],
) -> Result<(), Misfit> {
    let video =
        plan.video.as_ref().ok_or_else(|| Misfit("there is no picture to encode".into()))?;
    let position = usize::try_from(index).unwrap_or(usize::MAX);
    let chunk =
        video.chunks.get(position).ok_or_else(|| Misfit(format!("there is no chunk {index}")))?;
    let tracks: BTreeSet<_> = objects.iter().map(|object| &object.track).collect();
    let rungs: BTreeSet<_> = video.ladder.rungs.iter().map(|rung| &rung.track).collect();
    if tracks != rungs || objects.len() != rungs.len() {
        return Err(Misfit(format!("chunk {index} came with other tracks than planned")));
    }
    let last = position + 1 == video.chunks.len();
    for object in objects {
        let rung = video.ladder.rungs.iter().find(|rung| rung.track == object.track);
        let rung = rung.expect("the sets of tracks are equal");
        check_name(object, index, attempt)?;
        check_segments(object, last && index > 0)?;
        let start = start_ticks(rung, chunk.first_frame);
        if object.start != start {
            let (track, found) = (&object.track, object.start);
            return Err(Misfit(format!("{track} chunk {index} begins at {found}, not {start}")));
        }
    }
    Ok(())
}

/// Checks part `index` of the soundtrack `track`, which must go on where the one before ended.
pub(crate) fn check_part(
    track: &TrackId,
    index: u32,
    attempt: u32,
    object: &StoredChunk,
    end_of_previous: u64,
) -> Result<(), Misfit> {
    if object.track != *track {
        return Err(Misfit(format!("a part of {} came for {track}", object.track)));
    }
    check_name(object, index, attempt)?;
    check_segments(object, false)?;
    if object.start != end_of_previous {
        let found = object.start;
        return Err(Misfit(format!(
            "{track} part {index} begins at {found}, not {end_of_previous}"
        )));
    }
    Ok(())
}

/// Checks pictures made under `attempt`: named after it, and as many sheets as the tiles need.
pub(crate) fn check_pictures(attempt: u32, pictures: &Pictures) -> Result<(), Misfit> {
    let ending = format!("-{attempt}.jpg");
    if let Some(name) = pictures.objects().find(|name| !name.ends_with(&ending)) {
        return Err(Misfit(format!("the picture {name} should end with {ending}")));
    }
    let board = &pictures.storyboard;
    let a_sheet = board.tiles_a_sheet();
    let sheets = if a_sheet == 0 { 0 } else { board.tiles.div_ceil(a_sheet) };
    let whole = board.tile_width > 0 && board.tile_height > 0 && board.interval_us > 0;
    if sheets == 0 || board.sheets.len() as u64 != u64::from(sheets) || !whole {
        let (tiles, found) = (board.tiles, board.sheets.len());
        return Err(Misfit(format!("a storyboard of {tiles} tiles came on {found} sheets")));
    }
    let sizes = board.sheets.iter().map(|sheet| sheet.size);
    if sizes.chain([pictures.poster.size, pictures.small.size]).any(|size| size == 0) {
        return Err(Misfit("a picture is empty".into()));
    }
    Ok(())
}

/// Checks embedded subtitles read under `attempt`: each of a planned track, named after it.
pub(crate) fn check_texts(plan: &Plan, attempt: u32, texts: &[StoredText]) -> Result<(), Misfit> {
    let mut seen = BTreeSet::new();
    for StoredText { track, object, size } in texts {
        let planned = plan.texts.iter().any(|text| text.track == *track);
        if !planned || !seen.insert(track) {
            return Err(Misfit(format!("nobody asked for the text track {track}")));
        }
        if *object != keys::text_object(attempt) || *size == 0 {
            return Err(Misfit(format!("{track}/{object} is not what it should be")));
        }
    }
    Ok(())
}

/// Where a chunk of this rung begins, ticks.
fn start_ticks(rung: &Rung, first_frame: u64) -> u64 {
    let frame = first_frame / u64::from(rung.rate_divisor.get());
    frame.saturating_mul(u64::from(rung.frame_rate.frame_ticks()))
}

fn check_name(object: &StoredChunk, index: u32, attempt: u32) -> Result<(), Misfit> {
    let expected = keys::chunk_object(index, attempt);
    if object.object == expected {
        return Ok(());
    }
    Err(Misfit(format!("{}/{} should be named {expected}", object.track, object.object)))
}

fn check_segments(object: &StoredChunk, may_be_empty: bool) -> Result<(), Misfit> {
    let StoredChunk { track, object: name, codec, segments, .. } = object;
    let hollow = |segment: &SegmentEntry| segment.size == 0 || segment.duration == 0;
    if segments.iter().any(hollow) || (segments.is_empty() && !may_be_empty) {
        return Err(Misfit(format!("{track}/{name} has empty segments")));
    }
    if codec.is_empty() {
        return Err(Misfit(format!("{track}/{name} does not say its codec")));
    }
    Ok(())
}

/// The page of the segment index that lists what begins at `start` ticks.
pub(crate) fn page_of(start: u64, timescale: u32) -> u32 {
    let page_ticks = PAGE_US / 1_000_000 * u64::from(timescale.max(1));
    u32::try_from(start / page_ticks).unwrap_or(u32::MAX)
}

/// The first chunk of the picture that page `page` or a later one lists.
pub(crate) fn first_chunk_of(plan: &Plan, rung: &Rung, page: u32) -> u32 {
    let chunks = plan.video.iter().flat_map(|video| &video.chunks);
    let timescale = rung.frame_rate.timescale();
    let before = chunks
        .take_while(|chunk| page_of(start_ticks(rung, chunk.first_frame), timescale) < page)
        .count();
    u32::try_from(before).unwrap_or(u32::MAX)
}
