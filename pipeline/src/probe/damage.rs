//! What is missing of a source or stands where it should not, so that a short result is never
//! silent.

use kinora_plan::{
    ProbeReport, Warning,
    loss::{is_worth_a_word, seconds},
};

use super::{
    collect::{Packet, Stream},
    container,
    scan::Scanned,
};
use crate::{PipelineError, source::Source};

/// Beginnings without a picture that are worth a word: open GOPs lose less than that.
const BEGINNING_NS: i64 = 250_000_000;
/// Times without any packet are a hole, not a picture that stands still.
const HOLE_NS: i64 = 5_000_000_000;
/// Packets that lie so much before an earlier one were not reordered by an encoder.
const SET_BACK_NS: i64 = 2_000_000_000;
/// Bytes that a container may need besides its packets: in all (of a small file a tenth, or the
/// loss of a quarter of it would pass for headers), and for each.
const OVERHEAD: (u64, u64) = (4096, 32);
const OVERHEAD_PERCENT: u64 = 10;
/// Of all bytes so many percent may be something else, by container. Much of an MP4 may be free or
/// left out by an edit, so it is not among them.
const OTHER_PERCENT: [(&str, u64); 8] = [
    ("video/x-matroska", 10),
    ("video/webm", 10),
    // What a Matroska file is called whose picture's description is damaged.
    ("audio/x-matroska", 10),
    ("audio/webm", 10),
    ("video/x-msvideo", 10),
    ("video/x-flv", 10),
    ("application/ogg", 20),
    // Padded to a constant rate, but not with three times as much.
    ("video/mpegts", 75),
];

/// Pictures that stand still take more than this, and silence does, too; bytes a second.
const LEAST_BYTES_A_SECOND: u64 = 16;
/// So long a single picture may be shown.
const ALWAYS_PLAUSIBLE_NS: u64 = 600_000_000_000;

/// Everything a person should hear of.
pub(super) fn warnings(report: &ProbeReport, scanned: &Scanned, source: &Source) -> Vec<Warning> {
    let streams = || scanned.streams.iter().filter(|stream| is_shown(stream));
    let ended = end(report, scanned, source);
    // A cause that was found explains the bytes.
    let unread = ended.is_none().then(|| unread(report, scanned)).flatten();
    let set_back = streams().find_map(set_back);
    let beginning = beginning(report, streams());
    [ended, beginning, hole(streams()), set_back, unread, single(report), crowded(report)]
        .into_iter()
        .flatten()
        .collect()
}

/// Refuses lengths that nothing in the file bears out: one damaged time makes hours of seconds, which
/// would be encoded, all but the first of them the same picture.
///
/// # Errors
/// When the length is more than the bytes can show.
pub(super) fn refuse_empty_hours(report: &ProbeReport) -> Result<(), PipelineError> {
    let length = super::end_ns(report).saturating_sub(super::start_ns(report));
    let plausible_ns = u128::from(report.size) * 1_000_000_000 / u128::from(LEAST_BYTES_A_SECOND);
    if length <= ALWAYS_PLAUSIBLE_NS || u128::from(length) <= plausible_ns {
        return Ok(());
    }
    let (minutes, kilobytes) = (length.div_ceil(60_000_000_000), report.size.div_ceil(1000));
    let message = format!(
        "the file's clock is damaged: by its times it lasts {minutes} minutes, yet it has only \
         {kilobytes} kB"
    );
    Err(PipelineError::input("clock_damaged", message))
}

fn is_shown(stream: &Stream) -> bool {
    stream.codec().starts_with("video/") || stream.codec().starts_with("audio/")
}

fn warning(code: &str, message: String) -> Option<Warning> {
    Some(Warning { code: code.to_owned(), message })
}

/// Why it ends before it should.
fn end(report: &ProbeReport, scanned: &Scanned, source: &Source) -> Option<Warning> {
    let end = super::end_ns(report);
    let promised = report.promised_duration_ns.unwrap_or(0);
    let missing = promised.saturating_sub(end);
    let short = is_worth_a_word(missing, promised);
    let cut = container::shape(source, &report.container) == container::Shape::CutShort;
    let (end, promised) = (seconds(end), seconds(promised));
    let message = match &scanned.damage {
        Some(damage) => format!("The file is damaged after {end}: {damage}."),
        None if cut => format!("The file is cut short: what is there ends at {end}."),
        None if short => format!("The file promises {promised} but ends at {end}."),
        None => return None,
    };
    warning("damaged", message)
}

/// The presentation begins with the first picture that can be shown.
fn beginning<'a>(
    report: &ProbeReport,
    streams: impl Iterator<Item = &'a Stream> + Clone,
) -> Option<Warning> {
    let video = report.video.as_ref()?;
    let shown = i64::try_from(video.first_pts_ns).ok()?;
    let lost = |stream: &Stream| {
        let first = stream.packets().map(|packet| packet.time).min()?.max(0);
        Some(shown.saturating_sub(first)).filter(|lost| *lost > BEGINNING_NS)
    };
    let of_picture = streams.clone().find(|stream| stream.id == video.stream_id).and_then(lost);
    let heard = |stream: &&Stream| report.audio.iter().any(|sound| sound.stream_id == stream.id);
    let of_sound = streams.filter(heard).filter_map(lost).max();
    let lost = seconds(of_picture.max(of_sound)?.unsigned_abs());
    let why = match of_picture {
        Some(_) => "its pictures cannot be decoded",
        None => "there is sound but no picture yet",
    };
    warning("beginning_lost", format!("The first {lost} are left out: {why}."))
}

/// The longest time in which nothing is shown or heard.
fn hole<'a>(streams: impl Iterator<Item = &'a Stream> + Clone) -> Option<Warning> {
    let windows = streams.clone().map(|stream| stream.windows.len()).max()?;
    let longest = |window: usize| {
        let of_stream = |stream: &'a Stream| stream.windows.get(window).into_iter().flatten();
        let mut packets: Vec<&Packet> = streams.clone().flat_map(of_stream).collect();
        packets.sort_unstable_by_key(|packet| packet.time);
        let gaps = packets.windows(2).map(|pair| (pair[0].time, pair[1].time));
        gaps.max_by_key(|(from, to)| to.saturating_sub(*from))
    };
    let (from, to) = (0..windows).filter_map(longest).max_by_key(|(a, b)| b.saturating_sub(*a))?;
    let length = to.saturating_sub(from);
    if length <= HOLE_NS {
        return None;
    }
    let (from, length) = (seconds(from.max(0).unsigned_abs()), seconds(length.unsigned_abs()));
    let message = format!(
        "After {from} the file holds nothing for {length}: the picture stands still and the \
         sound is silent."
    );
    warning("hole", message)
}

/// Pictures or sound whose times are taken already.
fn set_back(stream: &Stream) -> Option<Warning> {
    let mut count = 0_u64;
    let mut place = None;
    for window in &stream.windows {
        let mut newest = i64::MIN;
        for packet in window {
            newest = newest.max(packet.time);
            if newest.saturating_sub(packet.time) > SET_BACK_NS {
                count += 1;
                place.get_or_insert(newest);
            }
        }
    }
    let place = seconds(place?.max(0).unsigned_abs());
    let what = if stream.codec().starts_with("video/") { "picture" } else { "sound" };
    let message = format!(
        "After {place} the clock of the {what} is set back: {count} packets lie at times that \
         are taken and may be lost."
    );
    warning("clock_set_back", message)
}

/// A picture that does not move, as a rule because all others are lost.
fn single(report: &ProbeReport) -> Option<Warning> {
    let frames = report.video.as_ref()?.frames;
    let message = "The file shows a single picture; if it should move, the file is damaged.";
    (frames <= 1).then(|| warning("single_picture", message.to_owned())).flatten()
}

/// Many more pictures than there is time for: half of them may be left out on purpose, as of twice
/// the highest rate.
fn crowded(report: &ProbeReport) -> Option<Warning> {
    let video = report.video.as_ref().filter(|_| report.scanned_whole)?;
    let length = video.end_pts_ns.saturating_sub(video.first_pts_ns);
    let shown = length / video.frame_rate.frame_nanos(1).max(1);
    let message = format!(
        "The file has {} pictures within {}, more than can be shown: its clock is damaged.",
        video.frames,
        seconds(length)
    );
    (video.frames > shown.saturating_add(1).saturating_mul(3))
        .then(|| warning("clock_too_fast", message))
        .flatten()
}

/// Bytes in which nothing was found.
fn unread(report: &ProbeReport, scanned: &Scanned) -> Option<Warning> {
    let (_, most) = OTHER_PERCENT.iter().find(|(name, _)| *name == report.container)?;
    let counts = scanned.streams.iter().map(Stream::read);
    let (packets, bytes) = counts.fold((0, 0), |sum, read| (sum.0 + read.0, sum.1 + read.1));
    let headers = OVERHEAD.0.min(report.size * OVERHEAD_PERCENT / 100);
    let explained = bytes + packets * OVERHEAD.1 + headers;
    let percent = report.size.saturating_sub(explained) * 100 / report.size.max(1);
    let message = format!(
        "{percent} % of the file are neither picture, sound nor subtitles that can be read; if \
         something is missing, the file is damaged."
    );
    (scanned.whole && percent >= *most).then(|| warning("unread", message)).flatten()
}
