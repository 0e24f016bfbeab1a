//! Where segments begin: pictures at key frames that all of them share, sound at the frames
//! nearest to those.

use super::{
    PackageError,
    place::{Place, Placed, TrackCoding},
    seconds,
};

/// Segments of text after the end of the pictures, at most: a day of them.
const MAX_TEXT_CUTS: usize = 1 << 14;

/// Where the segments of a track begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Starts {
    /// At these samples.
    Samples(Vec<u32>),
    /// At the samples nearest to these times, ticks from the start of the presentation.
    Times(Vec<i64>),
}

/// Cuts all tracks, each into segments of about `segment_ms`.
pub(super) fn cut(tracks: &[Placed<'_>], segment_ms: u32) -> Result<Vec<Starts>, PackageError> {
    let pictures: Vec<_> = tracks.iter().filter(|track| track.is_video()).collect();
    let Some(&lead) = pictures.first() else {
        return Ok(tracks.iter().map(|track| sound(track, &[], 1, segment_ms)).collect());
    };
    let shared = shared(&pictures);
    let chosen = choose(lead, &shared, segment_ms);
    check(&pictures, &chosen, segment_ms)?;
    let times: Vec<_> = chosen.iter().map(|cut| time(lead, cut[0])).collect();
    let mut picture = 0;
    let starts = tracks.iter().map(|track| {
        if !track.is_video() {
            return sound(track, &times, lead.place.timescale, segment_ms);
        }
        let keys = chosen.iter().map(|cut| track.survey.keys[cut[picture]].sample);
        let starts = Starts::Samples(keys.collect());
        picture += 1;
        starts
    });
    Ok(starts.collect())
}

/// When a track's key frame begins to be presented.
fn time(track: &Placed<'_>, key: usize) -> i64 {
    track.presented(track.survey.keys[key].earliest)
}

/// Key frames that all pictures have: for each, its place among the keys of each picture.
fn shared(pictures: &[&Placed<'_>]) -> Vec<Vec<usize>> {
    let mut at = vec![0; pictures.len()];
    let mut shared = Vec::new();
    'keys: for key in 0..pictures[0].survey.keys.len() {
        at[0] = key;
        for other in 1..pictures.len() {
            let last = pictures[other].survey.keys.len();
            while at[other] < last && order(pictures, &at, other) == std::cmp::Ordering::Less {
                at[other] += 1;
            }
            if at[other] == last {
                break 'keys;
            }
            if order(pictures, &at, other) != std::cmp::Ordering::Equal {
                continue 'keys;
            }
        }
        shared.push(at.clone());
    }
    shared
}

/// How the key frame of picture `other` lies to that of the first. Times within a tick of the
/// coarser timescale are equal: they were rounded to it.
fn order(pictures: &[&Placed<'_>], at: &[usize], other: usize) -> std::cmp::Ordering {
    let (lead, track) = (pictures[0], pictures[other]);
    let (scale, lead_scale) = (track.place.timescale, lead.place.timescale);
    let ours = i128::from(time(track, at[other])) * i128::from(lead_scale);
    let theirs = i128::from(time(lead, at[0])) * i128::from(scale);
    if (ours - theirs).abs() <= i128::from(scale.max(lead_scale)) {
        std::cmp::Ordering::Equal
    } else {
        ours.cmp(&theirs)
    }
}

/// Of the shared key frames those that make segments nearest to the length asked for.
fn choose(lead: &Placed<'_>, shared: &[Vec<usize>], segment_ms: u32) -> Vec<Vec<usize>> {
    let length = Place::ticks(i64::from(segment_ms), 1000, lead.place.timescale).max(1);
    let mut chosen: Vec<Vec<usize>> = Vec::new();
    let mut candidate: Option<&Vec<usize>> = None;
    for key in shared {
        let Some(start) = chosen.last().map(|cut| time(lead, cut[0])) else {
            chosen.push(key.clone());
            continue;
        };
        let mut over = time(lead, key[0]) - start - length;
        if let Some(nearer) = candidate.take_if(|_| over >= 0) {
            let under = start + length - time(lead, nearer[0]);
            if under <= over {
                over -= time(lead, nearer[0]) - start;
                chosen.push(nearer.clone());
            }
        }
        // Either it ends the segment, or it is the best yet to end it.
        if over >= 0 { chosen.push(key.clone()) } else { candidate = Some(key) }
    }
    chosen
}

/// That segments are not much longer than asked for only because pictures share too few key
/// frames. Where one picture has none of its own, the length is its doing.
fn check(
    pictures: &[&Placed<'_>],
    chosen: &[Vec<usize>],
    segment_ms: u32,
) -> Result<(), PackageError> {
    let lead = pictures[0];
    let timescale = lead.place.timescale;
    let most = Place::ticks(2 * i64::from(segment_ms), 1000, timescale);
    for (index, cut) in chosen.iter().enumerate() {
        let next = chosen.get(index + 1);
        let from = time(lead, cut[0]);
        let to = next.map_or(lead.presented(lead.survey.end_shown), |next| time(lead, next[0]));
        let has_own = |(picture, track): (usize, &&Placed<'_>)| {
            let end = next.map_or(track.survey.keys.len(), |next| next[picture]);
            end - cut[picture] > 1
        };
        if to - from > most && pictures.len() > 1 && pictures.iter().enumerate().all(has_own) {
            return Err(misaligned(pictures, from, to));
        }
    }
    if chosen.is_empty() {
        return Err(misaligned(pictures, 0, lead.presented(lead.survey.end_shown)));
    }
    Ok(())
}

fn misaligned(pictures: &[&Placed<'_>], from: i64, to: i64) -> PackageError {
    // Names the first that alone shares too little with the lead.
    let lead = pictures[0];
    let worst = (1..pictures.len()).min_by_key(|&n| shared(&[lead, pictures[n]]).len());
    PackageError::Misaligned {
        first: lead.source.name.clone(),
        second: pictures[worst.unwrap_or(0)].source.name.clone(),
        from: seconds(from, lead.place.timescale),
        to: seconds(to, lead.place.timescale),
    }
}

/// Cuts sound at the times of the picture, and goes on at equal distances where there is none.
fn sound(track: &Placed<'_>, times: &[i64], timescale: u32, segment_ms: u32) -> Starts {
    let own = track.place.timescale;
    let length = Place::ticks(i64::from(segment_ms), 1000, own).max(1);
    let mut starts: Vec<i64> =
        times.iter().map(|&time| Place::ticks(time, timescale, own)).collect();
    // Where it begins is no cut: its priming lies before that.
    starts.retain(|&start| start > track.place.base.cast_signed());
    let end = track.presented(track.survey.end_shown);
    let mut next = starts.last().copied().unwrap_or(0).saturating_add(length);
    // No more than samples can begin: a damaged one may last for years. Text can be parted anywhere.
    let is_text = matches!(track.coding, TrackCoding::Text(_));
    let more = (track.survey.samples as usize).max(if is_text { MAX_TEXT_CUTS } else { 0 });
    let most = starts.len().saturating_add(more);
    // A remainder of less than half a segment stays with the one before it.
    while next.saturating_add(length / 2) < end && starts.len() < most {
        starts.push(next);
        next = next.saturating_add(length);
    }
    Starts::Times(starts)
}
