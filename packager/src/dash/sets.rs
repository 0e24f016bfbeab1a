//! Adaptation sets and representations (ISO/IEC 23009-1 5.3.3, 5.3.5).

use std::convert::Infallible;

use kinora_media::{AudioRole, AudioTrack, FrameRate, TextTrack, Track, VideoTrack};

use super::{protection, single_file, timeline, xml::Xml};
use crate::{
    PackagerError,
    crypt::KeyId,
    periods::Stretch,
    presentation::{Presentation, Span},
    rate::Rate,
    storyboard,
};

/// MPEG's roles (23009-1 5.8.5.5).
const ROLE: &str = "urn:mpeg:dash:role:2011";
/// The value is the number of channels (23003-3; equal to ChannelConfiguration up to 6).
const CHANNELS: &str = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";

/// Sets that players may change between (23009-1 5.3.3.5).
const SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";
/// Pictures that are sheets of smaller ones (DASH-IF IOP 4.3, 6.2.6).
const TILES: &str = "http://dashif.org/guidelines/thumbnail_tile";

/// Whether any track has segments in this period.
pub(super) fn has_segments(
    presentation: &Presentation<'_>,
    period: usize,
) -> Result<bool, PackagerError> {
    let video = presentation.video().into_iter().map(|(track, _)| track);
    let audio = presentation.audio().into_iter().map(|(track, _)| track);
    for track in video.chain(audio) {
        if part(presentation, track, period)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A track's share of a period.
pub(super) struct Part<'a> {
    /// All its segments, of every period.
    spans: Vec<Span>,
    stretch: Stretch<'a>,
}

pub(super) fn part<'a>(
    presentation: &Presentation<'a>,
    track: &Track,
    period: usize,
) -> Result<Option<Part<'a>>, PackagerError> {
    let spans = presentation.spans(track)?;
    let stretches = presentation.stretches(track, &spans);
    let stretch = stretches.into_iter().find(|stretch| stretch.period == period);
    Ok(stretch.map(|stretch| Part { spans, stretch }))
}

/// How many sets hold the picture: one a family, and one all the same where there is none, so that
/// other sets keep their numbers.
pub(super) fn video_sets(presentation: &Presentation<'_>) -> usize {
    families(presentation).len().max(1)
}

/// What renditions of a set have in common: the kind of codec (what stands before the first dot),
/// and the key, of which a set names one. Players change between renditions of one set.
type Family<'a> = (&'a str, Option<KeyId>);

pub(super) fn families<'a>(presentation: &Presentation<'a>) -> Vec<Family<'a>> {
    let mut families = Vec::new();
    for (track, _) in presentation.video() {
        let family = family(presentation, track);
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families
}

pub(super) fn family<'a>(presentation: &Presentation<'_>, track: &'a Track) -> Family<'a> {
    let key = presentation.delivery.keys.get(&track.id).map(|key| key.id);
    (track.codec.split('.').next().unwrap_or_default(), key)
}

/// The other sets of a kind of codec: they differ in the key alone, so players may change between
/// them all the same (5.3.3.5).
fn switching(families: &[Family<'_>], index: usize) -> String {
    let others = families
        .iter()
        .enumerate()
        .filter(|(other, family)| *other != index && family.0 == families[index].0);
    others.map(|(other, _)| other.to_string()).collect::<Vec<_>>().join(",")
}

pub(super) fn protection(xml: &mut Xml, presentation: &Presentation<'_>, track: &Track) {
    if let Some(key) = presentation.delivery.keys.get(&track.id) {
        protection::write(xml, key);
    }
}

/// A set with all renditions of the picture in a kind of codec, or none if there is no picture.
pub(super) fn video(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
) -> Result<(), PackagerError> {
    let families = families(presentation);
    for (index, kind) in families.iter().enumerate() {
        let mut video = Vec::new();
        for (track, picture) in presentation.video() {
            if family(presentation, track) == *kind {
                video.extend(part(presentation, track, period)?.map(|part| (track, picture, part)));
            }
        }
        if video.is_empty() {
            continue;
        }
        let id = index.to_string();
        let mut attributes =
            vec![("id", &*id), ("contentType", "video"), ("mimeType", "video/mp4")];
        attributes.extend(alignment(presentation, presentation.delivery.independent));
        let others = switching(&families, index);
        let Ok(()) = xml.element("AdaptationSet", &attributes, |xml| {
            if let Some((track, ..)) = video.first() {
                protection(xml, presentation, track);
            }
            if !others.is_empty() {
                let property = [("schemeIdUri", SWITCHING), ("value", &*others)];
                xml.empty("SupplementalProperty", &property);
            }
            role(xml, "main");
            for (track, picture, part) in &video {
                picture_representation(xml, presentation, (track, picture), &[], part);
            }
            Ok::<(), Infallible>(())
        });
    }
    Ok(())
}

pub(super) fn picture_representation(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    (track, picture): (&Track, &VideoTrack),
    more: &[(&'static str, &str)],
    part: &Part<'_>,
) {
    let rate = Rate::from_spans(presentation.head, track, &part.spans);
    let attributes = [
        ("id", track.id.as_str()),
        ("codecs", &*track.codec),
        ("bandwidth", &*rate.peak.to_string()),
        ("width", &*picture.width.to_string()),
        ("height", &*picture.height.to_string()),
        ("frameRate", &*frame_rate(picture.frame_rate)),
        ("sar", "1:1"),
    ];
    let attributes = [&attributes[..], more].concat();
    let Ok(()) = xml.element("Representation", &attributes, |xml| {
        segments(xml, presentation, track, part);
        Ok::<(), Infallible>(())
    });
}

/// Where the segments of a representation lie.
fn segments(xml: &mut Xml, presentation: &Presentation<'_>, track: &Track, part: &Part<'_>) {
    match presentation.delivery.file(&track.id) {
        Some((file, uri)) => single_file::write(xml, track.timescale, file, &uri),
        None => timeline::write(xml, track.timescale, &part.spans, &part.stretch),
    }
}

/// How segments of a set begin: alike in all its representations, and with what can be decoded
/// first (5.3.3.2). Of single files it is said of their subsegments.
pub(super) fn alignment(
    presentation: &Presentation<'_>,
    independent: bool,
) -> [(&'static str, &'static str); 2] {
    // Pictures that precede an open GOP's key frame come after it in decoding order.
    let sap = if independent { "1" } else { "3" };
    if presentation.delivery.files.is_empty() {
        [("segmentAlignment", "true"), ("startWithSAP", sap)]
    } else {
        [("subsegmentAlignment", "true"), ("subsegmentStartsWithSAP", sap)]
    }
}

/// One set a soundtrack, and one more for its 5.1 version: players do not change the number of
/// channels while they play. Both have the same role, so the stereo one has the higher priority
/// for players that would take either.
pub(super) fn audio(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
) -> Result<(), PackagerError> {
    let default = presentation.default_audio().map(|track| &track.id);
    let wide = presentation.audio().iter().any(|(_, sound)| sound.surround_of.is_some());
    for (index, (track, sound)) in presentation.audio().into_iter().enumerate() {
        let Some(part) = part(presentation, track, period)? else { continue };
        let id = (video_sets(presentation) + index).to_string();
        let mut attributes = vec![
            ("id", &*id),
            ("contentType", "audio"),
            ("mimeType", "audio/mp4"),
            ("lang", &*sound.language),
        ];
        attributes.extend(alignment(presentation, presentation.delivery.independent));
        let soundtrack = sound.surround_of.as_ref().unwrap_or(&track.id);
        let main = Some(soundtrack) == default;
        if wide {
            let stereo = sound.surround_of.is_none();
            attributes.push(("selectionPriority", priority(main, stereo)));
        }
        xml.element("AdaptationSet", &attributes, |xml| {
            protection(xml, presentation, track);
            label(xml, &sound.name);
            role(xml, audio_role(sound.role, main));
            sound_representation(xml, presentation, (track, sound), &part);
            Ok::<(), PackagerError>(())
        })?;
    }
    Ok(())
}

fn audio_role(role: AudioRole, main: bool) -> &'static str {
    match role {
        AudioRole::Commentary => "commentary",
        AudioRole::Description => "description",
        AudioRole::Main if main => "main",
        AudioRole::Main => "alternate",
    }
}

/// A higher number is preferred; 1 is what a set without one has (23009-1 5.3.3.2).
fn priority(main: bool, stereo: bool) -> &'static str {
    match (main, stereo) {
        (true, true) => "4",
        (true, false) => "3",
        (false, true) => "2",
        (false, false) => "1",
    }
}

fn sound_representation(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    (track, sound): (&Track, &AudioTrack),
    part: &Part<'_>,
) {
    let rate = Rate::from_spans(presentation.head, track, &part.spans);
    let attributes = [
        ("id", track.id.as_str()),
        ("codecs", &*track.codec),
        ("bandwidth", &*rate.peak.to_string()),
        ("audioSamplingRate", &*sound.sample_rate.to_string()),
    ];
    let Ok(()) = xml.element("Representation", &attributes, |xml| {
        let channels = sound.channels.to_string();
        let configuration = [("schemeIdUri", CHANNELS), ("value", &*channels)];
        xml.empty("AudioChannelConfiguration", &configuration);
        segments(xml, presentation, track, part);
        Ok::<(), Infallible>(())
    });
}

/// One set a text track: the whole file, which needs no segments. Its times count from the start
/// of the presentation, which only a template can say in later periods.
pub(super) fn text(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
) -> Result<(), PackagerError> {
    let offset_us = presentation.period_start_us(period);
    let first = video_sets(presentation) + presentation.audio().len();
    for (index, (track, text)) in presentation.text().into_iter().enumerate() {
        let id = (first + index).to_string();
        if presentation.delivery.text.contains_key(&track.id) {
            text_samples(xml, presentation, period, (track, text), &id)?;
            continue;
        }
        let attributes = [
            ("id", &*id),
            ("contentType", "text"),
            ("mimeType", "text/vtt"),
            ("lang", &*text.language),
        ];
        let Ok(()) = xml.element("AdaptationSet", &attributes, |xml| {
            label(xml, &text.name);
            role(xml, "subtitle");
            let bandwidth = track.max_bandwidth.max(1).to_string();
            let representation = [("id", track.id.as_str()), ("bandwidth", &*bandwidth)];
            xml.element("Representation", &representation, |xml| {
                if period == 0 {
                    xml.text("BaseURL", &presentation.delivery.whole_text(&track.id));
                } else {
                    timeline::write_file(xml, offset_us, presentation.head.duration_us);
                }
                Ok::<(), Infallible>(())
            })
        });
    }
    Ok(())
}

/// A text track whose media are samples of WebVTT or TTML (14496-30).
fn text_samples(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
    (track, text): (&Track, &TextTrack),
    id: &str,
) -> Result<(), PackagerError> {
    let Some(part) = part(presentation, track, period)? else { return Ok(()) };
    let mut attributes = vec![
        ("id", id),
        ("contentType", "text"),
        ("mimeType", "application/mp4"),
        ("lang", &*text.language),
    ];
    attributes.extend(alignment(presentation, true));
    let rate = Rate::from_spans(presentation.head, track, &part.spans);
    let bandwidth = rate.peak.max(1).to_string();
    let representation =
        [("id", track.id.as_str()), ("codecs", &*track.codec), ("bandwidth", &*bandwidth)];
    xml.element("AdaptationSet", &attributes, |xml| {
        label(xml, &text.name);
        role(xml, "subtitle");
        xml.element("Representation", &representation, |xml| {
            segments(xml, presentation, track, &part);
            Ok::<(), PackagerError>(())
        })
    })
}

/// One set with the storyboard's sheets (DASH-IF IOP 4.3, 6.2.6).
pub(super) fn thumbnails(xml: &mut Xml, presentation: &Presentation<'_>) {
    let Some(storyboard) = storyboard::listed(presentation.head) else { return };
    let others = presentation.audio().len() + presentation.text().len();
    let id = (video_sets(presentation) + others).to_string();
    let set = [("id", &*id), ("contentType", "image"), ("mimeType", "image/jpeg")];
    let sheet_us = storyboard::sheet_us(storyboard);
    let bandwidth = storyboard::bandwidth(storyboard).to_string();
    let (width, height) = storyboard.sheet_size();
    let representation = [
        ("id", "storyboard"),
        ("bandwidth", &*bandwidth),
        ("width", &*width.to_string()),
        ("height", &*height.to_string()),
    ];
    let template = [
        ("media", "storyboard/$Number$.jpg"),
        ("timescale", "1000000"),
        ("duration", &*sheet_us.to_string()),
        ("startNumber", "0"),
    ];
    let grid = format!("{}x{}", storyboard.columns, storyboard.rows);
    let Ok(()) = xml.element("AdaptationSet", &set, |xml| {
        xml.element("Representation", &representation, |xml| {
            xml.empty("EssentialProperty", &[("schemeIdUri", TILES), ("value", &grid)]);
            xml.empty("SegmentTemplate", &template);
            Ok::<(), Infallible>(())
        })
    });
}

fn label(xml: &mut Xml, name: &str) {
    if !name.is_empty() {
        xml.text("Label", name);
    }
}

fn role(xml: &mut Xml, value: &str) {
    xml.empty("Role", &[("schemeIdUri", ROLE), ("value", value)]);
}

/// FrameRateType: a whole number or a fraction.
fn frame_rate(rate: FrameRate) -> String {
    if rate.den.get() == 1 { rate.num.to_string() } else { rate.to_string() }
}
