//! From a plan to the specs of its jobs, and the times that follow from it.

use std::path::PathBuf;

use crate::{
    Chunk, Passthrough, Plan, VideoPlan, VideoStream,
    encoder::{AudioSpec, ChunkLayout, ChunkSpec, PicturesSpec, TextSpec},
};

const SECOND_NS: u64 = 1_000_000_000;
/// Length of a sound segment where no picture says otherwise.
const SEGMENT_NS: u64 = 4 * SECOND_NS;
/// Segment ends at the front of a title without a picture: short, so that it plays early.
const SOUND_ALONE_S: [u64; 7] = [2, 4, 6, 8, 10, 12, 14];
/// Lengths of the first parts of a soundtrack.
const FIRST_PARTS_NS: [u64; 3] = [2 * SECOND_NS, 4 * SECOND_NS, 8 * SECOND_NS];
/// Length of later parts.
const PART_NS: u64 = 16 * SECOND_NS;
/// Samples of an AAC frame.
const AAC_FRAME: u64 = 1024;
/// Key frames before a chunk that its spec names: the one to decode from, and one more for
/// streams whose pictures refer across it (open GOPs).
const KEY_FRAMES_BEFORE: usize = 2;

impl Plan {
    /// The task of encoding chunk `index`; `None` if there is no such chunk. `output_dir` is
    /// left empty for the worker to fill in.
    pub fn chunk_spec(&self, index: usize, source_size: u64) -> Option<ChunkSpec> {
        let video = self.video.as_ref()?;
        let chunk = *video.chunks.get(index)?;
        Some(ChunkSpec {
            source_size,
            video: stream_around(video, chunk.first_frame, chunk.first_frame + chunk.frames),
            chunk,
            last: index + 1 == video.chunks.len(),
            sequential: video.sequential,
            gop_frames: video.gop_frames,
            rungs: video.ladder.rungs.clone(),
            layout: video.passthrough.as_ref().map(|layout| layout_of(layout, chunk)),
            encoder: video.encoder.clone(),
            generation: 0,
            output_dir: PathBuf::new(),
        })
    }

    /// The task of encoding soundtrack `index`; `None` if there is no such soundtrack.
    /// `output_dir` is left empty for the worker to fill in.
    pub fn audio_spec(&self, index: usize, source_size: u64) -> Option<AudioSpec> {
        let audio = self.audio.get(index)?;
        let boundaries_ns = match &self.video {
            Some(video) => video.boundaries_ns(),
            None => sound_alone_ns(),
        };
        Some(AudioSpec {
            source_size,
            audio: audio.stream.clone(),
            origin_ns: self.origin_ns(),
            duration_ns: self.video.as_ref().map_or(0, VideoPlan::duration_ns),
            sample_rate: audio.sample_rate,
            channels: audio.channels,
            bitrate: audio.bitrate,
            gain_cdb: audio.gain_cdb,
            true_peak_dbtp: audio.true_peak_dbtp,
            part_segments: part_segments(&boundaries_ns, SEGMENT_NS),
            boundaries_ns,
            segment_ns: SEGMENT_NS,
            output_dir: PathBuf::new(),
        })
    }

    /// The task of making pictures; `None` without a picture. `output_dir` is left empty for the
    /// worker to fill in.
    pub fn pictures_spec(&self, source_size: u64) -> Option<PicturesSpec> {
        let video = self.video.as_ref()?;
        Some(PicturesSpec {
            source_size,
            video: video.stream.clone(),
            sequential: video.sequential,
            duration_us: video.duration_ns().div_ceil(1000),
            output_dir: PathBuf::new(),
        })
    }

    /// The task of reading embedded subtitles; `None` if there are none. `output_dir` is left
    /// empty for the worker to fill in.
    pub fn text_spec(&self, source_size: u64) -> Option<TextSpec> {
        (!self.texts.is_empty()).then(|| TextSpec {
            source_size,
            streams: self.texts.iter().map(|text| text.stream_id.clone()).collect(),
            origin_ns: self.origin_ns(),
            duration_us: self.duration_us,
            output_dir: PathBuf::new(),
        })
    }

    /// Where the presentation begins on the source's clock: the first picture, or without one
    /// the first sound.
    pub fn origin_ns(&self) -> u64 {
        let first_sound = || self.audio.iter().map(|a| a.stream.first_pts_ns).min();
        let first_picture = self.video.as_ref().map(|v| v.stream.first_pts_ns);
        first_picture.or_else(first_sound).unwrap_or(0)
    }
}

/// How long the presentation lasts: the longest of its tracks.
pub(crate) fn duration_ns(plan: &Plan) -> u64 {
    let origin_ns = plan.origin_ns();
    let sounds = plan.audio.iter().map(|a| a.stream.end_pts_ns.saturating_sub(origin_ns));
    sounds.chain(plan.video.as_ref().map(VideoPlan::duration_ns)).max().unwrap_or(0)
}

/// The target duration all tracks keep: the longest segment, rounded to nearest (RFC 8216
/// 4.3.3.1). A sound segment may exceed the picture's by an AAC frame at its end, the first one
/// by its priming besides.
pub(crate) fn target_duration_s(plan: &Plan) -> u32 {
    let picture = plan.video.as_ref().map(VideoPlan::boundaries_ns);
    let ends = picture.unwrap_or_else(sound_alone_ns);
    let longest = lengths(&ends).max().unwrap_or(0);
    let sound = plan.audio.iter().map(|audio| {
        let frame_ns = AAC_FRAME * SECOND_NS / u64::from(audio.sample_rate.max(1));
        longest.max(SEGMENT_NS) + 2 * frame_ns
    });
    let longest = sound.chain([longest]).max().unwrap_or(0);
    let seconds = longest.saturating_add(SECOND_NS / 2) / SECOND_NS;
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

/// The stream with only those key frames that matter to the frames from `first` to `end`: a
/// film's whole table in every chunk's job would grow with the square of its length.
fn stream_around(video: &VideoPlan, first: u64, end: u64) -> VideoStream {
    let stream = &video.stream;
    let time = |frame| stream.first_pts_ns.saturating_add(stream.frame_rate.frame_nanos(frame));
    let (from, to) = (time(first), time(end));
    let mut keys = stream.key_frames_ns.clone();
    keys.sort_unstable();
    let after = keys.partition_point(|&key| key <= from);
    let keys = keys[after.saturating_sub(KEY_FRAMES_BEFORE)..].iter().copied();
    VideoStream {
        stream_id: stream.stream_id.clone(),
        codec: stream.codec.clone(),
        colorimetry: stream.colorimetry.clone(),
        coded: None,
        key_frames_ns: keys.take_while(|&key| key < to).collect(),
        ..*stream
    }
}

/// A chunk's part of the layout that a source passed through dictates.
fn layout_of(layout: &Passthrough, chunk: Chunk) -> ChunkLayout {
    let (first, end) = (chunk.first_frame, chunk.first_frame + chunk.frames);
    let from = layout.key_frames.partition_point(|&key| key < first);
    let to = layout.key_frames.partition_point(|&key| key < end);
    let segments_before = layout.segment_ends.partition_point(|&at| at <= first);
    let last = layout.segment_ends.partition_point(|&at| at <= end);
    ChunkLayout {
        key_frames: layout.key_frames[from..to].iter().map(|key| key - first).collect(),
        segment_ends: layout.segment_ends[segments_before..last]
            .iter()
            .map(|at| at - first)
            .collect(),
        segments_before: segments_before as u64,
        longest_gop: layout.longest_gop(),
        avcc: layout.avcc.clone(),
    }
}

/// How many segments each part holds: about 2, 4 and 8 s, then 16 s.
fn part_segments(boundaries_ns: &[u64], segment_ns: u64) -> Vec<u32> {
    let mut lengths = lengths(boundaries_ns).chain(std::iter::repeat(segment_ns.max(1)));
    let mut fill = |part_ns: u64| {
        let (mut segments, mut filled_ns) = (0, 0);
        // Seven eighths are enough: rates like 29.97 never meet a round second.
        while filled_ns < part_ns / 8 * 7 {
            filled_ns += lengths.next().expect("the last length repeats").max(1);
            segments += 1;
        }
        segments
    };
    let mut parts: Vec<u32> = FIRST_PARTS_NS.map(&mut fill).to_vec();
    let later = PART_NS.div_ceil(segment_ns.max(1)).max(1);
    parts.push(u32::try_from(later).unwrap_or(u32::MAX));
    parts
}

fn sound_alone_ns() -> Vec<u64> {
    SOUND_ALONE_S.map(|seconds| seconds * SECOND_NS).to_vec()
}

fn lengths(ends: &[u64]) -> impl Iterator<Item = u64> + '_ {
    let starts = std::iter::once(&0).chain(ends);
    ends.iter().zip(starts).map(|(end, start)| end.saturating_sub(*start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SECOND, audio, plan_by_default, report, video};

    fn film(seconds: u64, fps: u32) -> Plan {
        let mut stream = video(640, 360, fps);
        stream.end_pts_ns = stream.first_pts_ns + seconds * SECOND;
        stream.key_frames_ns = (0..seconds).map(|n| (1 + n) * SECOND).collect();
        plan_by_default(&report(Some(stream), vec![audio(48_000)])).unwrap()
    }

    #[test]
    fn sound_follows_the_pictures_segments() {
        let spec = film(31, 30).audio_spec(0, 5).unwrap();
        let seconds: Vec<u64> = spec.boundaries_ns.iter().map(|ns| ns / SECOND).collect();
        assert_eq!(seconds, [2, 4, 6, 8, 10, 12, 14, 18, 22, 26, 30, 31]);
        assert_eq!(spec.part_segments, [1, 2, 4, 4]);
        assert_eq!((spec.origin_ns, spec.duration_ns), (SECOND, 31 * SECOND));
        assert!(film(31, 30).audio_spec(1, 5).is_none());
    }

    #[test]
    fn sound_alone_starts_at_its_own_beginning() {
        let plan = plan_by_default(&report(None, vec![audio(48_000)])).unwrap();
        let spec = plan.audio_spec(0, 5).unwrap();
        assert_eq!((spec.origin_ns, spec.duration_ns), (SECOND, 0));
        assert_eq!(spec.part_segments, [1, 2, 4, 4]);
        assert!(plan.chunk_spec(0, 5).is_none());
    }

    #[test]
    fn a_chunk_knows_the_key_frames_it_needs() {
        let plan = film(60, 30);
        let spec = plan.chunk_spec(3, 5).unwrap();
        assert_eq!(spec.chunk.first_frame, 14 * 30);
        let keys: Vec<u64> = spec.video.key_frames_ns.iter().map(|ns| ns / SECOND).collect();
        assert_eq!(keys, (14..15 + 16).collect::<Vec<u64>>());
        assert!(!spec.last);
        let last = plan.video.as_ref().unwrap().chunks.len() - 1;
        assert!(plan.chunk_spec(last, 5).unwrap().last);
        assert!(plan.chunk_spec(last + 1, 5).is_none());
    }

    #[test]
    fn the_target_duration_covers_every_segment() {
        assert_eq!(film(31, 30).target_duration_s, 4);
        assert_eq!(film(1, 30).target_duration_s, 4);
        let mut slow = video(64, 64, 1);
        slow.frame_rate = kinora_media::FrameRate::new(1, 7).unwrap();
        slow.end_pts_ns = 100 * SECOND;
        assert_eq!(plan_by_default(&report(Some(slow), vec![])).unwrap().target_duration_s, 7);
    }
}
