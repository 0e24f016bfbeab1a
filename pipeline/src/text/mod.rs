//! Embedded subtitles: read from end to end, written as WebVTT.

mod listener;
mod packets;

use std::path::PathBuf;

use kinora_packager::text::{
    self, Cue, MAX_BYTES, MAX_CUES, TextFormat, WebVtt,
    embedded::{AssHeader, Embedded, cue},
};
use kinora_plan::{
    Warning,
    encoder::{TextOutcome, TextSpec},
};

use self::packets::{Format, Packet, Track};
use crate::{PipelineError, child::Reporter, source::Source};

/// How long a text stays that does not say so, and is followed by none: milliseconds.
const USUAL_MS: u64 = 5000;
const MILLI_NS: i64 = 1_000_000;

/// Writes `{n}.vtt` for each stream asked for that holds text.
///
/// # Errors
/// When the source cannot be read or demuxed at all, or a result cannot be written. What a damaged
/// source had before the damage is kept, and said.
pub fn run(
    spec: &TextSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<TextOutcome, PipelineError> {
    let read = packets::read(spec, source, reporter)?;
    let mut warnings: Vec<Warning> = read.damage.into_iter().map(damaged).collect();
    let mut sizes = Vec::with_capacity(spec.streams.len());
    for (number, track) in read.tracks.iter().enumerate() {
        if track.truncated {
            warnings.push(too_much());
        }
        if track.unreadable {
            warnings.push(unreadable());
        }
        sizes.push(write(spec, number, &cues(spec, track))?);
    }
    Ok(TextOutcome { sizes, warnings })
}

fn damaged(what: String) -> Warning {
    let message = format!("Subtitles may be missing at the end: {what}.");
    Warning { code: "damaged".to_owned(), message }
}

fn too_much() -> Warning {
    let message = format!("Subtitles after the first {MAX_CUES} or 5 MiB were left out.");
    Warning { code: "subtitles_left_out".to_owned(), message }
}

fn unreadable() -> Warning {
    let message = "Some of the subtitles in the file are not UTF-8 text and were left out.";
    Warning { code: "subtitles_left_out".to_owned(), message: message.to_owned() }
}

/// The cues of a stream on the presentation's clock.
fn cues(spec: &TextSpec, track: &Track) -> Vec<Cue> {
    let header = match &track.format {
        Some(Format::Ass(script)) => AssHeader::read(script),
        _ => AssHeader::read(""),
    };
    let mut packets: Vec<&Packet> = track.packets.iter().collect();
    packets.sort_by_key(|packet| packet.start_ns);
    let origin_ns = i64::try_from(spec.origin_ns).unwrap_or(i64::MAX);
    let end_of_film_ms = spec.duration_us / 1000;
    let time = |ns: i64| {
        let ms = ns.saturating_sub(origin_ns).max(0) / MILLI_NS;
        ms.unsigned_abs().min(end_of_film_ms)
    };
    let mut cues = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        let start_ms = time(packet.start_ns);
        let end_ms = match packet.end_ns {
            Some(end_ns) => time(end_ns),
            None => {
                let next = packets.get(number + 1).map(|next| time(next.start_ns));
                let usual = (start_ms + USUAL_MS).min(end_of_film_ms);
                next.map_or(usual, |next| next.min(usual))
            }
        };
        let said = match &track.format {
            Some(Format::Ass(_)) => Embedded::Ass(&header, &packet.text),
            Some(Format::WebVtt) => Embedded::WebVtt(&packet.text),
            Some(Format::Pango) => Embedded::Pango(&packet.text),
            Some(Format::Plain) | None => Embedded::Plain(&packet.text),
        };
        cues.extend(cue(start_ms, end_ms, said));
    }
    cues
}

/// Writes the file, read back by the rules uploaded captions must keep; how many bytes it has.
fn write(spec: &TextSpec, number: usize, cues: &[Cue]) -> Result<u64, PipelineError> {
    if cues.is_empty() {
        return Ok(0);
    }
    let file = WebVtt { cues: cues.to_vec(), ..WebVtt::default() }.to_string();
    let checked = text::parse(file.as_bytes(), Some(TextFormat::WebVtt))
        .map_err(|error| PipelineError::Internal(format!("WebVTT of stream {number}: {error}")))?;
    let bytes = checked.to_string();
    let path: PathBuf = spec.output_dir.join(format!("{number}.vtt"));
    std::fs::write(&path, &bytes).map_err(|source| PipelineError::Write { path, source })?;
    Ok(bytes.len() as u64)
}

/// Bytes of text of a stream, at most: half of what a file may have, for what is added to it.
const MAX_TEXT: usize = MAX_BYTES / 2;
