//! A source whose coded pictures become the top rung as they are.
//!
//! Its key frames become those of every rung, so that players can change rungs at each segment.

use kinora_media::FrameRate;
use serde::{Deserialize, Serialize};

use crate::{
    Chunk, Coded, CodedGops, Ladder, Unfit, VideoStream,
    chunking::{CHUNK_SECONDS, FIRST_CHUNKS_SECONDS},
    profile::VideoProfile,
    tracks,
};

/// The most seconds between key frames: no segment is longer.
const MOST_GOP_SECONDS: u32 = 4;
/// A tail shorter than this joins the chunk before it, seconds.
const LEAST_TAIL_SECONDS: u32 = 2;
/// What the boxes of a segment take, and those of each of its samples, bytes.
const SEGMENT_BYTES: u64 = 256;
const SAMPLE_BYTES: u64 = 16;

/// How a title with such a source is laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passthrough {
    /// The AVCDecoderConfigurationRecord of the top rung, hexadecimal.
    pub avcc: String,
    /// Key frames of every rung on the source's grid, ascending from 0.
    pub key_frames: Vec<u64>,
    /// Where segments end on the source's grid, ascending; the last is the end of the picture.
    pub segment_ends: Vec<u64>,
    /// The peak rate of the top rung, bits a second: measured as HLS asks (RFC 8216 4.1).
    pub peak_bandwidth: u64,
}

impl Passthrough {
    /// Frames of the longest GOP.
    pub fn longest_gop(&self) -> u64 {
        let end = self.segment_ends.last();
        let ends = self.key_frames.iter().skip(1).chain(end);
        ends.zip(&self.key_frames).map(|(end, start)| end.saturating_sub(*start)).max().unwrap_or(1)
    }

    /// Whether rungs of half the rate have a frame at every key frame.
    pub fn halves(&self) -> bool {
        self.key_frames.iter().all(|frame| frame.is_multiple_of(2))
    }
}

/// The layout, and the chunks that go with it.
///
/// # Errors
/// Why the pictures have to be encoded again.
pub(crate) fn decide(
    stream: &VideoStream,
    frames: u64,
    ladder: &Ladder,
    profile: &VideoProfile,
) -> Result<(Passthrough, Vec<Chunk>), Unfit> {
    let gops = match &stream.coded {
        Some(Coded::Fit(gops)) => gops,
        Some(Coded::Unfit(reason)) => return Err(*reason),
        None => return Err(Unfit::Container),
    };
    let top = ladder.rungs.first().ok_or(Unfit::Size)?;
    if (top.width, top.height) != (stream.width, stream.height) {
        return Err(Unfit::Size);
    }
    let rate = stream.frame_rate;
    let longest = gops.frames.iter().copied().max().unwrap_or(0);
    if u64::from(longest) > rate.frames_nearest(MOST_GOP_SECONDS) {
        return Err(Unfit::GopTooLong);
    }
    let counted: u64 = gops.frames.iter().copied().map(u64::from).sum();
    let whole = gops.frames.iter().all(|frames| *frames > 0);
    if counted != frames || !whole || gops.bytes.len() != gops.frames.len() {
        return Err(Unfit::Gaps);
    }
    let (chunks, segments) = cut(gops, rate, profile);
    let peak_bandwidth = peak(&segments, rate);
    let bits: u64 = gops.bytes.iter().sum::<u64>().saturating_mul(8);
    let average = bits.saturating_mul(1000) / (rate.frame_nanos(frames) / 1_000_000).max(1);
    let within = average <= u64::from(top.max_kbps) * 1000;
    if !within || peak_bandwidth > tracks::peak_of_cap(top.max_kbps) {
        return Err(Unfit::Bitrate);
    }
    let starts = gops.frames.iter().scan(0, |at, frames| {
        let start = *at;
        *at += u64::from(*frames);
        Some(start)
    });
    let passthrough = Passthrough {
        avcc: gops.avcc.clone(),
        key_frames: starts.collect(),
        segment_ends: segments.iter().map(|segment| segment.end).collect(),
        peak_bandwidth,
    };
    Ok((passthrough, chunks))
}

/// A segment of the top rung.
struct Segment {
    start: u64,
    end: u64,
    bytes: u64,
}

/// Whole GOPs make segments of at most the profile's length, whole segments chunks of at least
/// 2, 4, 8 and then 16 s: never less, because what neighbouring chunks may owe a player is paid
/// back over their length.
fn cut(gops: &CodedGops, rate: FrameRate, profile: &VideoProfile) -> (Vec<Chunk>, Vec<Segment>) {
    let mut left =
        gops.frames.iter().copied().map(u64::from).zip(gops.bytes.iter().copied()).peekable();
    let (mut chunks, mut segments) = (Vec::<Chunk>::new(), Vec::new());
    let mut frame = 0;
    while left.peek().is_some() {
        let index = chunks.len();
        let (least, target) = match FIRST_CHUNKS_SECONDS.get(index) {
            Some(&seconds) => (seconds, profile.gop_seconds),
            None => (CHUNK_SECONDS.0, profile.segment_seconds),
        };
        let (least, target) = (rate.frames_nearest(least), rate.frames_nearest(target));
        let first_frame = frame;
        let mut longest = 0;
        while frame - first_frame < least
            && let Some((frames, bytes)) = left.next()
        {
            let mut segment = Segment { start: frame, end: frame + frames, bytes };
            while let Some((frames, bytes)) =
                left.next_if(|(frames, _)| segment.end - segment.start + frames <= target)
            {
                segment.end += frames;
                segment.bytes += bytes;
            }
            frame = segment.end;
            longest = longest.max(segment.end - segment.start);
            segments.push(segment);
        }
        let frames = frame - first_frame;
        match chunks.last_mut() {
            Some(before) if frames < rate.frames_nearest(LEAST_TAIL_SECONDS) => {
                before.frames += frames;
                before.segment_frames = before.segment_frames.max(longest);
            }
            _ => chunks.push(Chunk {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                first_frame,
                frames,
                segment_frames: longest,
            }),
        }
    }
    (chunks, segments)
}

/// The highest rate of any run of segments of half to one and a half target durations.
fn peak(segments: &[Segment], rate: FrameRate) -> u64 {
    let length = |from: &Segment, to: &Segment| rate.frame_nanos(to.end - from.start).max(1);
    let target = segments.iter().map(|segment| length(segment, segment)).max().unwrap_or(1);
    let mut highest = 0;
    for (index, first) in segments.iter().enumerate() {
        let mut bytes = 0_u64;
        for last in &segments[index..] {
            bytes += last.bytes + SEGMENT_BYTES + SAMPLE_BYTES * (last.end - last.start);
            let nanos = length(first, last);
            if nanos > target / 2 * 3 {
                break;
            }
            let all = index == 0 && last.end == segments[segments.len() - 1].end;
            if nanos >= target / 2 || all {
                let bits = u128::from(bytes) * 8 * 1_000_000_000;
                highest = highest.max(bits.div_ceil(u128::from(nanos)));
            }
        }
    }
    u64::try_from(highest).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Profile, plan,
        testing::{SECOND, audio, coded_video, report},
    };

    fn planned(gops: &[u32], bytes_a_frame: u64) -> (crate::Plan, u64) {
        let frames: u64 = gops.iter().map(|frames| u64::from(*frames)).sum();
        let stream = coded_video(gops, bytes_a_frame);
        (plan(&report(Some(stream), vec![audio(48_000)]), &Profile::default()).unwrap(), frames)
    }

    #[test]
    fn the_top_rung_is_the_source_and_all_share_its_key_frames() {
        // A minute of GOPs of 1.5 s at 30 frames a second.
        let (plan, frames) = planned(&[45; 40], 10_000);
        let video = plan.video.as_ref().unwrap();
        let layout = video.passthrough.as_ref().unwrap();
        assert_eq!(video.ladder.rungs.iter().filter(|rung| rung.copy).count(), 1);
        assert!(video.ladder.rungs[0].copy);
        assert_eq!(layout.key_frames, (0..40).map(|n| n * 45).collect::<Vec<_>>());
        assert_eq!(layout.segment_ends.last(), Some(&frames));
        let starts: Vec<_> = video.chunks.iter().map(|chunk| chunk.first_frame).collect();
        assert!(starts.iter().all(|start| layout.key_frames.contains(start)), "{starts:?}");
        let seconds: Vec<_> = video.chunks.iter().map(|chunk| chunk.frames as f64 / 30.0).collect();
        assert_eq!(seconds, [3.0, 4.5, 9.0, 18.0, 18.0, 7.5]);
        assert_eq!(plan.target_duration_s, 4);
        // 10 000 bytes a frame are 2.4 Mbit/s, and some for boxes.
        let top = &plan.track_templates()[0];
        assert_eq!(top.max_bandwidth, layout.peak_bandwidth);
        assert!((2_400_000..2_420_000).contains(&top.max_bandwidth), "{}", top.max_bandwidth);
    }

    #[test]
    fn no_rung_costs_as_much_as_a_better_one() {
        // What each of 30 frames a second takes of the 720p source, and what stands below it.
        for (bytes_a_frame, below, left_out) in [
            (10_000, &["v480", "v360", "v240"][..], None),
            (6_000, &["v360", "v240"], Some("480p")),
            (4_000, &["v240"], Some("480p, 360p")),
            (2_000, &[], Some("480p, 360p, 240p")),
        ] {
            let (plan, _) = planned(&[60; 5], bytes_a_frame);
            let templates = plan.track_templates();
            let names: Vec<_> = templates.iter().map(|track| track.id.as_str()).collect();
            assert_eq!(names[0], "v720");
            assert_eq!(names[1..names.len() - 1], *below, "{bytes_a_frame}");
            let pictures = &templates[..templates.len() - 1];
            assert!(
                pictures.is_sorted_by(|a, b| a.max_bandwidth > b.max_bandwidth),
                "{pictures:?}"
            );
            let note = plan.notes.iter().find(|note| note.code == "dearer_rungs_left_out");
            assert_eq!(note.is_some(), left_out.is_some());
            assert!(left_out.is_none_or(|names| note.unwrap().message.contains(names)), "{note:?}");
        }
    }

    #[test]
    fn each_chunk_is_told_its_part_of_the_layout() {
        let (plan, frames) = planned(&[45; 40], 10_000);
        let mut next_segment = 0;
        let mut end = 0;
        for index in 0..plan.video.as_ref().unwrap().chunks.len() {
            let spec = plan.chunk_spec(index, 1).unwrap();
            let layout = spec.layout.unwrap();
            assert_eq!(spec.chunk.first_frame, end);
            assert_eq!(layout.key_frames[0], 0);
            assert_eq!(layout.segment_ends.last(), Some(&spec.chunk.frames));
            assert!(layout.key_frames.iter().all(|key| *key < spec.chunk.frames));
            assert_eq!(layout.segments_before, next_segment);
            assert_eq!(layout.longest_gop, 45);
            assert_eq!(spec.video.coded, None, "no chunk carries the whole table");
            next_segment += layout.segment_ends.len() as u64;
            end += spec.chunk.frames;
        }
        assert_eq!(end, frames);
    }

    #[test]
    fn what_does_not_fit_is_encoded_with_the_reason() {
        let reason = |stream: VideoStream| {
            let plan = plan(&report(Some(stream), vec![]), &Profile::default()).unwrap();
            assert!(plan.video.as_ref().unwrap().passthrough.is_none());
            assert!(!plan.video.as_ref().unwrap().ladder.rungs[0].copy);
            plan.notes.first().map(|note| note.code.clone())
        };
        let fit = || coded_video(&[60; 5], 10_000);
        let named = |reason: Unfit| Some(format!("not_passed_through_{}", reason.as_str()));
        assert_eq!(reason(coded_video(&[121; 3], 1000)), named(Unfit::GopTooLong));
        assert_eq!(reason(coded_video(&[60; 5], 30_000)), named(Unfit::Bitrate));
        let mut large = fit();
        (large.width, large.height) = (2560, 1440);
        assert_eq!(reason(large), named(Unfit::Size));
        let mut open = fit();
        open.coded = Some(Coded::Unfit(Unfit::OpenGop));
        assert_eq!(reason(open), named(Unfit::OpenGop));
        let mut gaps = fit();
        gaps.end_pts_ns += SECOND;
        assert_eq!(reason(gaps), named(Unfit::Gaps));
        // One burst: the average fits, the peak does not.
        let mut burst = coded_video(&[60; 20], 5000);
        if let Some(Coded::Fit(gops)) = &mut burst.coded {
            gops.bytes[7] = 4_000_000;
        }
        assert_eq!(reason(burst), named(Unfit::Bitrate));
        let mut unseekable = report(Some(fit()), vec![]);
        unseekable.seekable = false;
        let plan = plan(&unseekable, &Profile::default()).unwrap();
        assert_eq!(plan.notes[0].code, "not_passed_through_not_seekable");
    }

    #[test]
    fn a_profile_may_refuse_it_without_a_word() {
        let profile = Profile { passthrough: false, ..Profile::default() };
        let plan = plan(&report(Some(coded_video(&[60; 5], 10_000)), vec![]), &profile).unwrap();
        assert!(plan.video.unwrap().passthrough.is_none());
        assert_eq!(plan.notes, []);
    }

    #[test]
    fn small_rungs_keep_the_rate_where_key_frames_are_odd() {
        let rungs = |gop: u32| {
            let mut stream = coded_video(&[gop; 5], 5000);
            stream.frame_rate = FrameRate::new(60, 1).unwrap();
            stream.end_pts_ns =
                stream.first_pts_ns + stream.frame_rate.frame_nanos(u64::from(gop) * 5);
            let plan = plan(&report(Some(stream), vec![]), &Profile::default()).unwrap();
            let video = plan.video.unwrap();
            assert!(video.passthrough.is_some(), "{:?}", plan.notes);
            video.ladder.rungs.iter().map(|rung| rung.rate_divisor.get()).max()
        };
        assert_eq!(rungs(60), Some(2));
        assert_eq!(rungs(61), Some(1));
    }

    proptest::proptest! {
        #[test]
        fn any_gops_make_whole_chunks_of_whole_segments(
            gops in proptest::collection::vec((1_u32..=100, 1_u64..50_000), 1..300),
        ) {
            let (frames, bytes): (Vec<u32>, Vec<u64>) = gops.into_iter().unzip();
            let coded = CodedGops { avcc: String::new(), level: 40, frames, bytes };
            let rate = FrameRate::new(25, 1).unwrap();
            let (chunks, segments) = cut(&coded, rate, &Profile::default().video);
            let total: u64 = coded.frames.iter().map(|f| u64::from(*f)).sum();
            let mut next = 0;
            for (index, chunk) in chunks.iter().enumerate() {
                proptest::prop_assert_eq!(chunk.first_frame, next);
                next += chunk.frames;
                let ends = |frame: u64| segments.iter().any(|segment| segment.end == frame);
                proptest::prop_assert!(ends(next));
                let least = FIRST_CHUNKS_SECONDS.get(index).copied().unwrap_or(CHUNK_SECONDS.0);
                let last = index + 1 == chunks.len();
                proptest::prop_assert!(last || chunk.frames >= rate.frames_nearest(least));
            }
            proptest::prop_assert_eq!(next, total);
            let mut next = 0;
            for segment in &segments {
                proptest::prop_assert_eq!(segment.start, next);
                proptest::prop_assert!(segment.end - segment.start <= rate.frames_nearest(4));
                next = segment.end;
            }
            proptest::prop_assert_eq!(next, total);
            proptest::prop_assert!(peak(&segments, rate) > 0);
        }
    }
}
