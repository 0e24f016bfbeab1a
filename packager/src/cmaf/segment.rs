//! Media segments.

use bytes::Bytes;
use kinora_media::AccessUnit;

use super::fragment::{Fragment, MAX_MEDIA_BYTES, MAX_SAMPLES, NON_SYNC, SYNC};
use crate::{PackagerError, boxes::trun::Sample};

/// What differs between segments by kind of track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// Pictures, which may be reordered; the first shown is at the segment's start.
    Video,
    /// Frames one after the other. Their times are those of the media timeline, priming
    /// included: the edit list is applied later, by the player.
    Audio,
}

/// A CMAF segment of one fragment (ISO/IEC 23000-19 7.3.3): `styp`, `moof`, `mdat`.
///
/// `start` is the decode time of the first unit (`tfdt`): the sum of the durations of all units
/// before it. Units are in decoding order; the composition offset of each is its `pts` less its
/// decode time.
///
/// # Errors
/// When there are no units or more than 2^20, more than 1 GiB, when the first is no key frame,
/// one lasts 0 ticks, times overflow, the first picture is not shown at `start`, or audio frames
/// do not follow each other.
pub fn segment(
    kind: SegmentKind,
    sequence_number: u32,
    start: u64,
    units: &[AccessUnit],
) -> Result<Bytes, PackagerError> {
    if units.first().is_some_and(|unit| !unit.key) {
        return Err(PackagerError::NoKeyFrame);
    }
    fragment(kind, true, sequence_number, start, units)
}

/// A CMAF chunk (ISO/IEC 23000-19 7.3.2.3), of which a live segment has several: `moof`, `mdat`.
///
/// What low-latency HLS calls a part (RFC 8216bis 4.4.4.9). Parameters are those of [`segment`]; it
/// may begin with any unit, and shows the times that it decodes.
///
/// # Errors
/// Those of [`segment`], but for the key frame.
pub fn part(
    kind: SegmentKind,
    sequence_number: u32,
    start: u64,
    units: &[AccessUnit],
) -> Result<Bytes, PackagerError> {
    fragment(kind, false, sequence_number, start, units)
}

fn fragment(
    kind: SegmentKind,
    whole: bool,
    sequence_number: u32,
    start: u64,
    units: &[AccessUnit],
) -> Result<Bytes, PackagerError> {
    let samples = samples(start, units)?;
    check_times(kind, start, units)?;
    let media_bytes = media_bytes(units)?;
    let fragment = Fragment {
        sequence_number,
        start,
        samples: &samples,
        composition_offsets: kind == SegmentKind::Video,
        roll: kind == SegmentKind::Audio,
        whole,
    };
    let mut w = fragment.head(media_bytes);
    units.iter().for_each(|unit| w.bytes(&unit.data));
    Ok(w.finish())
}

/// Bytes of a segment of these units up to the end of the first: what a player needs to show the
/// key frame it begins with, and nothing more.
pub fn first_unit_end(segment: &[u8], units: &[AccessUnit]) -> u64 {
    let media: usize = units.iter().map(|unit| unit.data.len()).sum();
    let first = units.first().map_or(0, |unit| unit.data.len());
    (segment.len().saturating_sub(media) + first) as u64
}

/// The rows of the track run.
fn samples(start: u64, units: &[AccessUnit]) -> Result<Vec<Sample>, PackagerError> {
    if units.len() > MAX_SAMPLES {
        return Err(PackagerError::OutOfRange {
            property: "access units in a segment",
            value: units.len() as u64,
            min: 1,
            max: MAX_SAMPLES as u64,
        });
    }
    if units.is_empty() {
        return Err(PackagerError::EmptySegment);
    }
    let mut decode_time = start;
    let row = |(index, unit): (usize, &AccessUnit)| {
        if unit.duration == 0 {
            return Err(PackagerError::ZeroDuration { unit: index });
        }
        let overflow = PackagerError::TimeOverflow { unit: index };
        let offset = i128::from(unit.pts) - i128::from(decode_time);
        decode_time = decode_time.checked_add(u64::from(unit.duration)).ok_or(overflow.clone())?;
        Ok(Sample {
            duration: unit.duration,
            size: u32::try_from(unit.data.len()).map_err(|_| too_large(unit.data.len()))?,
            flags: if unit.key { SYNC } else { NON_SYNC },
            composition_offset: i32::try_from(offset).map_err(|_| overflow)?,
        })
    };
    units.iter().enumerate().map(row).collect()
}

/// That the segment begins, in presentation time, where it begins in decode time.
fn check_times(kind: SegmentKind, start: u64, units: &[AccessUnit]) -> Result<(), PackagerError> {
    match kind {
        SegmentKind::Video => {
            let earliest = units.iter().map(|unit| unit.pts).min().unwrap_or_default();
            if i128::from(earliest) != i128::from(start) {
                return Err(PackagerError::Boundary { start, earliest });
            }
        }
        SegmentKind::Audio => {
            let mut expected = start;
            for (unit, frame) in units.iter().enumerate() {
                if i128::from(frame.pts) != i128::from(expected) {
                    return Err(PackagerError::AudioTime { unit, pts: frame.pts, expected });
                }
                expected = expected.saturating_add(u64::from(frame.duration));
            }
        }
    }
    Ok(())
}

fn media_bytes(units: &[AccessUnit]) -> Result<usize, PackagerError> {
    let bytes = units.iter().fold(0_usize, |sum, unit| sum.saturating_add(unit.data.len()));
    if bytes > MAX_MEDIA_BYTES { Err(too_large(bytes)) } else { Ok(bytes) }
}

fn too_large(bytes: usize) -> PackagerError {
    PackagerError::OutOfRange {
        property: "bytes in a segment",
        value: bytes as u64,
        min: 0,
        max: MAX_MEDIA_BYTES as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(pts: i64, key: bool) -> AccessUnit {
        AccessUnit { pts, duration: 10, key, data: Bytes::from_static(b"x") }
    }

    #[test]
    fn refuses_segments_that_would_not_play() {
        let video = |start, units: &[AccessUnit]| segment(SegmentKind::Video, 1, start, units);
        assert_eq!(video(0, &[]), Err(PackagerError::EmptySegment));
        assert_eq!(video(0, &[unit(0, false)]), Err(PackagerError::NoKeyFrame));
        assert_eq!(
            video(20, &[unit(30, true), unit(40, false)]),
            Err(PackagerError::Boundary { start: 20, earliest: 30 })
        );
        let mut still = unit(0, true);
        still.duration = 0;
        assert_eq!(video(0, &[still]), Err(PackagerError::ZeroDuration { unit: 0 }));
        let far = [unit(0, true), unit(i64::from(i32::MAX) + 11, false)];
        assert_eq!(video(0, &far), Err(PackagerError::TimeOverflow { unit: 1 }));
        assert!(video(u64::MAX - 5, &[unit(0, true)]).is_err());
    }

    #[test]
    fn a_part_begins_anywhere_and_is_a_segment_without_its_brands() {
        let units = [unit(20, true), unit(30, false), unit(40, false)];
        let whole = segment(SegmentKind::Video, 7, 20, &units).unwrap();
        let styp = u32::from_be_bytes(whole[..4].try_into().unwrap()) as usize;
        assert_eq!(part(SegmentKind::Video, 7, 20, &units).unwrap(), whole.slice(styp..));
        assert!(part(SegmentKind::Video, 8, 30, &units[1..]).is_ok());
        assert_eq!(part(SegmentKind::Video, 8, 30, &[]), Err(PackagerError::EmptySegment));
    }

    #[test]
    fn audio_frames_follow_each_other() {
        let audio = |units: &[AccessUnit]| segment(SegmentKind::Audio, 1, 100, units);
        assert!(audio(&[unit(100, true), unit(110, true)]).is_ok());
        assert_eq!(
            audio(&[unit(100, true), unit(111, true)]),
            Err(PackagerError::AudioTime { unit: 1, pts: 111, expected: 110 })
        );
    }
}
