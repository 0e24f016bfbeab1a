//! The segment index of what is packaged, from which manifests are written as always.

use std::collections::{BTreeMap, BTreeSet};

use kinora_media::{
    Access, AudioRole, AudioTrack, ChunkEntry, FrameRate, HEAD_SCHEMA, Head, Page, SegmentEntry,
    Status, TextTrack, Track, TrackId, TrackKind, VideoTrack, ticks,
};

use super::{
    Captions, Layout, Options, Output, Package, PackageError, Source,
    names::{unused, word},
    output::Row,
    place::TrackCoding,
};
use crate::{
    codec::{SoundCoding, TextForm, VideoRange},
    delivery::{Delivery, SingleFile, TextSamples},
    text::WebVtt,
};

/// How the codecs of the subtitles begin that HLS has in samples (RFC 8216bis 3.1.5).
const IMSC: &str = "stpp.ttml.im";

/// Of no video in a catalogue.
const NO_VIDEO: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn package<'t>(
    outputs: Vec<Output<'t>>,
    captions: Vec<Captions>,
    options: Options,
) -> Result<Package<'t>, PackageError> {
    let mut tracks = Vec::new();
    for output in &outputs {
        tracks.push(track(output, &tracks));
    }
    let taken = outputs.iter().map(|output| output.id.clone()).collect();
    let (text_tracks, captions) = text(captions, taken);
    tracks.extend(text_tracks);
    // Text may say for longer that nothing is shown.
    let seen_or_heard = outputs.iter().filter(|output| output.text().is_none());
    let end_us = seen_or_heard.map(end_us).max().unwrap_or_default();
    let head = Head {
        schema: HEAD_SCHEMA,
        video: NO_VIDEO.parse().expect("it is written as ids are"),
        version: 1,
        revision: 1,
        writer: String::new(),
        status: Status::Complete,
        access: Access::Public,
        first_published_complete: true,
        published_at_us: 0,
        first_published_at_us: 0,
        duration_us: end_us,
        target_duration_s: target_duration_s(&outputs),
        tracks,
        periods: Vec::new(),
        pages: Vec::new(),
        tail: tail(&outputs),
        chapters: Vec::new(),
        pictures: None,
        encryption: kinora_media::Encryption::None,
    };
    let delivery = delivery(&outputs, options);
    Ok(Package { outputs, captions, head, delivery, layout: options.layout })
}

/// Where the segments of all tracks lie.
pub(super) fn tail(outputs: &[Output<'_>]) -> Page {
    let entries = outputs.iter().map(|output| (output.id.clone(), vec![chunk(output)]));
    Page { tracks: entries.collect() }
}

fn track(output: &Output<'_>, before: &[Track]) -> Track {
    let (codec, kind) = match &output.coding {
        TrackCoding::Video(coding) => {
            let (width, height) = output.shown();
            let frame_rate = frame_rate(output);
            (&coding.codecs, TrackKind::Video(VideoTrack { width, height, frame_rate }))
        }
        TrackCoding::Audio(sound) => {
            (&sound.codecs, TrackKind::Audio(audio(output, sound, before)))
        }
        TrackCoding::Text(text) => {
            let Source { language, label, .. } = &output.source;
            let text_track = TextTrack { language: language.clone(), name: label.clone() };
            (&text.codecs, TrackKind::Text(text_track))
        }
    };
    Track {
        id: output.id.clone(),
        timescale: output.place.timescale,
        codec: codec.clone(),
        // Nothing asks for it: what is complete is measured.
        max_bandwidth: 0,
        priming: output.place.priming,
        kind,
    }
}

fn audio(output: &Output<'_>, sound: &SoundCoding, before: &[Track]) -> AudioTrack {
    let language = &output.source.language;
    let others = before.iter().filter_map(|track| match &track.kind {
        TrackKind::Audio(audio) => Some((track, audio)),
        _ => None,
    });
    let default = others.clone().next().is_none();
    let has_version =
        |id: &TrackId| others.clone().any(|(_, other)| other.surround_of.as_ref() == Some(id));
    // More channels in a language that is there in stereo are the same soundtrack.
    let stereo = others.clone().find(|(track, other)| {
        other.language == *language && other.channels <= 2 && !has_version(&track.id)
    });
    AudioTrack {
        sample_rate: sound.sample_rate.unwrap_or(output.place.timescale),
        channels: sound.channels,
        language: language.clone(),
        name: output.source.label.clone(),
        default,
        surround_of: stereo.filter(|_| sound.channels > 2).map(|(track, _)| track.id.clone()),
        role: AudioRole::Main,
    }
}

fn text(
    captions: Vec<Captions>,
    mut taken: BTreeSet<TrackId>,
) -> (Vec<Track>, Vec<(TrackId, WebVtt)>) {
    let mut texts = Vec::new();
    let tracks = captions.into_iter().map(|Captions { language, label, text }| {
        let id = unused(&mut taken, &format!("t-{}", word(&language)));
        texts.push((id.clone(), text));
        Track {
            id,
            timescale: 1000,
            codec: "wvtt".to_owned(),
            max_bandwidth: 1000,
            priming: 0,
            kind: TrackKind::Text(TextTrack { language, name: label }),
        }
    });
    (tracks.collect(), texts)
}

fn text_samples(output: &Output<'_>) -> Option<(TrackId, TextSamples)> {
    let TrackCoding::Text(text) = &output.coding else { return None };
    let samples = match text.form {
        TextForm::WebVtt => TextSamples::Dash { files: false },
        TextForm::Ttml if text.codecs.starts_with(IMSC) => TextSamples::Both,
        TextForm::Ttml => TextSamples::Dash { files: false },
    };
    Some((output.id.clone(), samples))
}

/// The index counts from 0 in media time: a track that begins later begins with silence or
/// nothing to see, which its first segment is said to include.
fn chunk(output: &Output<'_>) -> ChunkEntry {
    let mut before = 0;
    let segment = |row: &Row| {
        let end = row.end.saturating_add(u64::from(output.place.priming));
        let duration = end.saturating_sub(std::mem::replace(&mut before, end));
        let is_picture = matches!(output.coding, TrackCoding::Video(_));
        let key_frame = row.key_frame.filter(|_| is_picture);
        SegmentEntry { size: row.size, duration, key_frame }
    };
    let segments = output.rows.iter().map(segment).collect();
    ChunkEntry { object: String::new(), start: 0, segments }
}

fn end_us(output: &Output<'_>) -> u64 {
    let end = output.rows.last().map_or(0, |row| row.end);
    rescaled(end, output.place.timescale, ticks::MICROS)
}

/// What the longest segment rounds to (RFC 8216 4.3.3.1).
fn target_duration_s(outputs: &[Output<'_>]) -> u32 {
    let rounded = |output: &Output<'_>| {
        let lasts = output.rows.iter().map(|row| row.end - row.start);
        // The first segment is said to begin at 0.
        let longest = lasts.max().unwrap_or(0).max(output.rows.first().map_or(0, |row| row.end));
        rescaled(longest, output.place.timescale, 1)
    };
    let longest = outputs.iter().map(rounded).max().unwrap_or(0);
    u32::try_from(longest).unwrap_or(u32::MAX).max(1)
}

fn rescaled(time: u64, from: u32, to: u64) -> u64 {
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    ticks::rescale(time, u64::from(from), to).max(0).unsigned_abs()
}

/// Exact where all pictures last alike, else the average over all.
fn frame_rate(output: &Output<'_>) -> FrameRate {
    const ONE_A_SECOND: FrameRate =
        FrameRate { num: std::num::NonZeroU32::MIN, den: std::num::NonZeroU32::MIN };
    let timescale = output.place.timescale;
    if let Some(rate) = output.survey.each.and_then(|each| FrameRate::new(timescale, each)) {
        return rate;
    }
    let pictures = u128::from(output.survey.samples) * u128::from(timescale) * 1000;
    let millis = pictures / u128::from(output.survey.duration.max(1));
    let rate = u32::try_from(millis).ok().and_then(|millis| FrameRate::new(millis, 1000));
    rate.unwrap_or(ONE_A_SECOND)
}

/// Tracks that are one file each.
pub(super) fn files(outputs: &[Output<'_>], layout: Layout) -> BTreeMap<TrackId, SingleFile> {
    let file = |output: &Output<'_>| {
        let (init, index) = (output.init.len() as u64, output.index.len() as u64);
        (output.id.clone(), SingleFile { init, index })
    };
    let single = outputs.iter().filter(|_| layout == Layout::SingleFile);
    single.map(file).collect()
}

fn delivery(outputs: &[Output<'_>], options: Options) -> Delivery {
    let range = |output: &Output<'_>| match &output.coding {
        TrackCoding::Video(coding) if coding.range != VideoRange::Sdr => {
            Some((output.id.clone(), coding.range))
        }
        _ => None,
    };
    let text_segment_us = u64::from(options.segment_ms).saturating_mul(1000).max(1);
    Delivery {
        files: files(outputs, options.layout),
        keys: BTreeMap::new(),
        ranges: outputs.iter().filter_map(range).collect(),
        independent: outputs.iter().flat_map(|output| &output.rows).all(Row::is_independent),
        trick: Vec::new(),
        text: outputs.iter().filter_map(text_samples).collect(),
        text_segment_us: (options.layout == Layout::Segments).then_some(text_segment_us),
        sealed_later: false,
    }
}
