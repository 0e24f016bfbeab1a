//! What a source holds: read packet by packet, with as little decoding as proves that it can be
//! decoded.
//!
//! `container` says what kind of file it is, `scan` reads its packets into `collect`,
//! `rate` and `timing` measure them, `picture` and `sound` decode the first of each stream,
//! and `seeking` checks whether the middle can be entered.

mod chapters;
mod coded;
mod collect;
mod container;
mod crowd;
mod damage;
mod light;
mod loudness;
mod mp4_chapters;
mod picture;
mod rate;
mod references;
mod scan;
mod seeking;
mod sound;
mod subtitles;
mod timing;
mod undescribed;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use gstreamer as gst;
use kinora_plan::{ProbeReport, Warning, encoder::ProbeSpec};

use self::scan::{Scan, Scanned};
use crate::{
    PipelineError,
    child::{Memory, Reporter},
    source::Source,
};

/// Sources up to this size are read whole, larger ones in windows.
const WHOLE_BYTES: u64 = 256 << 20;
/// A demuxer or decoder that shows nothing for so long hangs.
const STALL: Duration = Duration::from_secs(20);
/// The same at the memory limit: GStreamer waits for ever for threads that it could not make.
const STALL_SHORT_OF_MEMORY: Duration = Duration::from_secs(5);
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Says what the source holds.
///
/// # Errors
/// When it holds neither picture nor sound that can be decoded, when it exceeds the limits of
/// `spec`, when nothing moves for 20 s (5 s at the memory limit), or when it cannot be read.
pub fn run(
    spec: &ProbeSpec,
    source: &Source,
    _reporter: &mut Reporter,
) -> Result<ProbeReport, PipelineError> {
    let progress = Arc::new(AtomicU64::new(0));
    let (sender, receiver) = mpsc::channel();
    let (spec, bytes, ticks) = (spec.clone(), source.clone(), progress.clone());
    // On a thread of its own, which is left behind when a demuxer hangs: the process ends soon.
    thread::Builder::new()
        .name("probe".into())
        .spawn(move || {
            // Nobody listens any more when it took too long.
            let _ = sender.send(examine(&spec, &bytes, WHOLE_BYTES, &ticks));
        })
        .map_err(|error| PipelineError::Internal(format!("probe thread: {error}")))?;
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PipelineError::Internal("the probe ended without an answer".into()));
            }
            Err(RecvTimeoutError::Timeout) => {
                let now = progress.load(Ordering::Relaxed);
                if now != seen || source.is_waiting() {
                    (seen, since) = (now, Instant::now());
                } else if since.elapsed() > STALL
                    || since.elapsed() > STALL_SHORT_OF_MEMORY && Memory::is_close_to_limit()
                {
                    return Err(stalled());
                }
            }
        }
    }
}

fn examine(
    spec: &ProbeSpec,
    source: &Source,
    whole_bytes: u64,
    progress: &Arc<AtomicU64>,
) -> Result<ProbeReport, PipelineError> {
    let container = container::identify(source)?;
    references::refuse(source, &container)?;
    let scan = Scan::new(source, &container, whole_bytes, spec.max_tracks, progress.clone())?;
    let scanned = scan.read()?;
    let mut warnings = undescribed::warnings(source, &container, &scanned.streams);
    let mut video = picture::examine(spec, source, &scanned, progress)?;
    if let Some(video) = &mut video {
        coded::check_container(video, &container);
    }
    let audio = sound::examine(source, &scanned, progress, &mut warnings)?;
    if video.is_none() && audio.is_empty() {
        return Err(nothing_decodable(source, &container, &scanned, &warnings));
    }
    let seekable = match &video {
        Some(video) => seeking::check(&container, &scan, &scanned, video, progress)?,
        None => false,
    };
    drop(scan);
    let of_mp4 = || mp4_chapters::list(source, &container);
    let chapters = scanned.toc.as_deref().map(chapters::list).unwrap_or_else(of_mp4);
    let mut report = ProbeReport {
        container,
        size: source.size(),
        promised_duration_ns: scanned.promised_duration_ns,
        seekable,
        scanned_whole: scanned.whole,
        subtitles: subtitles::list(&scanned.streams),
        chapters,
        video,
        audio,
        warnings,
        encoders: vec![],
    };
    let end = end_ns(&report);
    if end.saturating_sub(start_ns(&report)) > spec.max_duration_ns {
        return Err(PipelineError::input("too_long", too_long(end, spec.max_duration_ns)));
    }
    damage::refuse_empty_hours(&report)?;
    let damage = damage::warnings(&report, &scanned, source);
    report.warnings.extend(damage);
    Ok(report)
}

/// An element by factory name.
fn make(factory: &'static str) -> Result<gst::Element, PipelineError> {
    gst::ElementFactory::make(factory).build().map_err(|_| PipelineError::MissingElement(factory))
}

fn stalled() -> PipelineError {
    PipelineError::input(
        "stalled",
        "reading the file does not get on: it is probably damaged in a way that Kinora cannot \
         work around",
    )
}

fn nothing_decodable(
    source: &Source,
    container: &str,
    scanned: &Scanned,
    warnings: &[Warning],
) -> PipelineError {
    if let Some(warning) = warnings.first() {
        return PipelineError::input("unsupported_codec", warning.message.clone());
    }
    if scanned.streams.iter().any(|stream| stream.codec().starts_with("image/")) {
        return PipelineError::input("not_a_video", "the file holds a single picture, no video");
    }
    container::nothing_found(source, container)
}

fn start_ns(report: &ProbeReport) -> u64 {
    let sounds = report.audio.iter().map(|audio| audio.first_pts_ns);
    report.video.iter().map(|video| video.first_pts_ns).chain(sounds).min().unwrap_or(0)
}

fn end_ns(report: &ProbeReport) -> u64 {
    let sounds = report.audio.iter().map(|audio| audio.end_pts_ns);
    report.video.iter().map(|video| video.end_pts_ns).chain(sounds).max().unwrap_or(0)
}

fn too_long(end_ns: u64, max_ns: u64) -> String {
    let minutes = |ns: u64| ns.div_ceil(60_000_000_000);
    format!("the file lasts {} minutes; at most {} are allowed", minutes(end_ns), minutes(max_ns))
}

#[cfg(test)]
mod tests;
