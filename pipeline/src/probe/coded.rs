//! Whether a stream's coded pictures could be handed on as they are: what every packet shows, and
//! the verdict once the grid is known.

use gst_video::{VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry};
use gstreamer as gst;
use gstreamer_video as gst_video;
use kinora_plan::{Coded, CodedGops, Orientation, Unfit, VideoStream};

use super::scan::Scanned;
use crate::avc::Avcc;

/// GOPs of a film that are listed at most: four hours of one a second and more.
const MOST_GOPS: usize = 20_000;
/// GOPs are no longer than this, seconds, and on average no shorter than half a second.
const MOST_GOP_SECONDS: u32 = 4;
/// H.264 profiles that every player has: Baseline, Main, High.
const PROFILES: [u8; 3] = [66, 77, 100];
/// The highest level, times ten.
const MOST_LEVEL: u8 = 42;

/// Pictures of one stream of H.264, gathered into GOPs from IDR picture to IDR picture.
#[derive(Debug, Clone)]
pub(super) struct CodedScan {
    avcc: Avcc,
    gops: Vec<Gop>,
    /// A key frame came that is no IDR picture.
    open: bool,
    /// The first thing that rules it out.
    unfit: Option<Unfit>,
}

#[derive(Debug, Clone, Copy)]
struct Gop {
    /// When its IDR picture is shown, stream time.
    idr: i64,
    /// When the first and the last of its pictures are.
    first: i64,
    last: i64,
    frames: u32,
    bytes: u64,
}

impl CodedScan {
    /// A scan of a stream of these caps, if its parameter sets stand apart from its pictures.
    pub(super) fn new(caps: &gst::Caps) -> Option<Self> {
        let avcc = Avcc::of_caps(caps)?;
        Some(Self { avcc, gops: Vec::new(), open: false, unfit: None })
    }

    /// Takes note of new caps.
    pub(super) fn caps(&mut self, caps: &gst::Caps) {
        if Avcc::of_caps(caps).as_ref() != Some(&self.avcc) {
            self.rule_out(Unfit::ParameterSets);
        }
    }

    /// Begins anew: another window is read.
    pub(super) fn restart(&mut self) {
        self.gops.clear();
    }

    /// Rules the stream out, unless something else did before.
    pub(super) fn rule_out(&mut self, reason: Unfit) {
        self.unfit.get_or_insert(reason);
    }

    /// Takes the next picture in decoding order, shown at `time`.
    pub(super) fn picture(&mut self, time: i64, buffer: &gst::BufferRef) {
        if self.unfit.is_some() {
            return;
        }
        let Ok(data) = buffer.map_readable() else { return self.rule_out(Unfit::Damaged) };
        let Some(picture) = self.avcc.picture(&data) else {
            return self.rule_out(Unfit::Damaged);
        };
        if picture.other_parameter_sets {
            return self.rule_out(Unfit::ParameterSets);
        }
        let bytes = data.len() as u64;
        if picture.idr {
            if self.gops.len() == MOST_GOPS {
                return self.rule_out(Unfit::GopTooShort);
            }
            self.gops.push(Gop { idr: time, first: time, last: time, frames: 1, bytes });
            return;
        }
        self.open |= !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let Some(gop) = self.gops.last_mut() else { return self.rule_out(Unfit::NoIdrFirst) };
        gop.first = gop.first.min(time);
        gop.last = gop.last.max(time);
        gop.frames = gop.frames.saturating_add(1);
        gop.bytes = gop.bytes.saturating_add(bytes);
    }
}

/// The verdict on a stream that was described as `video`, decoded as `info`.
pub(super) fn judge(
    scan: Option<&CodedScan>,
    scanned: &Scanned,
    video: &VideoStream,
    info: &gst_video::VideoInfo,
) -> Coded {
    match gops(scan, scanned, video, info) {
        Ok(gops) => Coded::Fit(gops),
        Err(reason) => Coded::Unfit(reason),
    }
}

fn gops(
    scan: Option<&CodedScan>,
    scanned: &Scanned,
    video: &VideoStream,
    info: &gst_video::VideoInfo,
) -> Result<CodedGops, Unfit> {
    if video.codec != "video/x-h264" {
        return Err(Unfit::Codec);
    }
    let scan = scan.ok_or(Unfit::Container)?;
    let (profile, level) = (scan.avcc.profile(), scan.avcc.level());
    let refusals = [
        (!PROFILES.contains(&profile) || level > MOST_LEVEL, Unfit::Profile),
        (video.interlaced, Unfit::Interlaced),
        (info.format() != gst_video::VideoFormat::I420, Unfit::Chroma),
        (video.orientation != Orientation::Rotate0, Unfit::Rotated),
        (video.pixel_aspect != (1, 1), Unfit::PixelAspect),
        (video.hdr || !has_usual_colours(video, info), Unfit::Colour),
        (video.variable_rate, Unfit::VariableRate),
        (scanned.damage.is_some(), Unfit::Damaged),
        (!scanned.whole, Unfit::NotScanned),
    ];
    if let Some((_, reason)) = refusals.iter().find(|(refused, _)| *refused) {
        return Err(*reason);
    }
    scan.unfit.map_or(Ok(()), Err)?;
    check_gops(scan, video)?;
    Ok(CodedGops {
        avcc: scan.avcc.to_hex(),
        level: level.into(),
        frames: scan.gops.iter().map(|gop| gop.frames).collect(),
        bytes: scan.gops.iter().map(|gop| gop.bytes).collect(),
    })
}

/// Containers whose demuxers hand over what the file holds; for the others a parser makes up the
/// record, and it may differ where they are entered in the middle.
const CONTAINERS: [&str; 2] = ["video/quicktime", "video/x-matroska"];

/// Keeps pictures from being handed on out of other containers, and out of Matroska files in which
/// they begin late: where such a file's length is a lie, chunks were seen to end early.
pub(super) fn check_container(video: &mut VideoStream, container: &str) {
    let reason = match container {
        _ if !CONTAINERS.contains(&container) => Unfit::Container,
        "video/x-matroska" if video.first_pts_ns > 0 => Unfit::Gaps,
        _ => return,
    };
    if matches!(video.coded, Some(Coded::Fit(_))) {
        video.coded = Some(Coded::Unfit(reason));
    }
}

/// Every GOP fills its part of the grid with its own pictures, and is of a usual length.
fn check_gops(scan: &CodedScan, video: &VideoStream) -> Result<(), Unfit> {
    let rate = video.frame_rate;
    let place = |time: i64| {
        let after = i128::from(time) - i128::from(video.first_pts_ns);
        rate.nearest_frame(i64::try_from(after).unwrap_or(i64::MAX))
    };
    let mut next = 0;
    for gop in &scan.gops {
        let frames = u64::from(gop.frames);
        if gop.first < gop.idr {
            return Err(Unfit::OpenGop);
        }
        if frames > rate.frames_nearest(MOST_GOP_SECONDS) {
            return Err(if scan.open { Unfit::OpenGop } else { Unfit::GopTooLong });
        }
        if place(gop.idr) != next || place(gop.last) + 1 != next + frames {
            return Err(Unfit::Gaps);
        }
        next += frames;
    }
    if next == 0 || next != video.frames {
        return Err(Unfit::Gaps);
    }
    // A single short GOP is a short film.
    let often = scan.gops.len() as u64 * rate.frames_nearest(1) > next * 2;
    if often && scan.gops.len() > 1 { Err(Unfit::GopTooShort) } else { Ok(()) }
}

/// Whether the stream means what the encoded rungs are: BT.709 or BT.601, limited range.
fn has_usual_colours(video: &VideoStream, info: &gst_video::VideoInfo) -> bool {
    let full = VideoColorRange::Range0_255;
    let Some(tagged) = &video.colorimetry else { return info.colorimetry().range() != full };
    let Ok(tagged) = tagged.parse::<VideoColorimetry>() else { return false };
    let usual_matrix = matches!(
        tagged.matrix(),
        VideoColorMatrix::Unknown | VideoColorMatrix::Bt709 | VideoColorMatrix::Bt601
    );
    let usual_primaries = !matches!(tagged.primaries(), VideoColorPrimaries::Bt2020);
    usual_matrix && usual_primaries && tagged.range() != full
}
