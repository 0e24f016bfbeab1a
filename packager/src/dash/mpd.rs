//! The MPD element (ISO/IEC 23009-1 5.3.1).

use std::convert::Infallible;

use kinora_media::{Head, Page, Status, ticks::MICROS};

use super::{sets, trick, xml::Xml};
use crate::{
    PackagerError,
    presentation::Presentation,
    time::{date_time, duration},
};

/// The manifest. `pages` are the closed pages the head names, in order.
///
/// # Errors
/// When the head is a tombstone or of another schema, pages are missing, or a track has no
/// segments yet.
pub fn mpd(head: &Head, pages: &[Page]) -> Result<String, PackagerError> {
    write(&Presentation::open(head, pages)?)
}

pub(crate) fn write(presentation: &Presentation<'_>) -> Result<String, PackagerError> {
    let head = presentation.head;
    let growing = head.status == Status::Growing;
    let published = date_time(head.published_at_us);
    let total_us = total_us(presentation)?;
    let total = duration(total_us);
    let available = date_time(availability_start_us(head));
    let target = u64::from(head.target_duration_s);
    let buffer = duration(target.saturating_mul(MICROS));
    // The origin looks for a new head twice a target duration.
    let update = duration(target.div_ceil(2).max(1).saturating_mul(MICROS));

    let ends = !growing || head.periods.is_empty();
    let delay = duration(presentation.end_us()?.saturating_add(JOINING_US));

    let mut attributes = vec![
        ("xmlns", "urn:mpeg:dash:schema:mpd:2011"),
        ("profiles", profile(presentation)),
        ("type", if growing { "dynamic" } else { "static" }),
    ];
    if growing {
        attributes.push(("availabilityStartTime", &available));
        attributes.push(("publishTime", &published));
        attributes.push(("minimumUpdatePeriod", &update));
        attributes.push(("suggestedPresentationDelay", &delay));
    }
    if ends {
        attributes.push(("mediaPresentationDuration", &total));
    }
    attributes.push(("minBufferTime", &buffer));

    let mut xml = Xml::document();
    xml.element("MPD", &attributes, |xml| {
        if growing {
            start_at_the_beginning(xml, total_us);
        }
        let mut periods = Vec::new();
        for period in 0..head.periods.len().max(1) {
            // Listed once it has segments.
            if sets::has_segments(presentation, period)? {
                periods.push(period);
            }
        }
        for &period in &periods {
            let is_last = periods.last() == Some(&period);
            write_period(xml, presentation, period, (is_last && !ends).then_some(total_us))?;
        }
        if growing {
            // A clock no player needs to be right: everything listed is available at the time
            // it was published, whatever the device believes.
            let scheme = "urn:mpeg:dash:utc:direct:2014";
            xml.empty("UTCTiming", &[("schemeIdUri", scheme), ("value", &published)]);
        }
        Ok::<(), PackagerError>(())
    })?;
    Ok(xml.finish())
}

/// What players must be able to do (clause 8).
fn profile(presentation: &Presentation<'_>) -> &'static str {
    if presentation.delivery.files.is_empty() {
        "urn:mpeg:dash:profile:isoff-live:2011"
    } else {
        "urn:mpeg:dash:profile:isoff-on-demand:2011"
    }
}

/// Microseconds a millisecond.
const MILLI_US: u64 = 1000;

/// How long a player may take from reading the manifest to its first picture, microseconds.
///
/// Shaka Player counts what it has buffered from no later than the published end it met first, less
/// the suggested delay, plus the time since. Suggested the whole duration, it fetched its goal of
/// ten seconds and then nothing more until the manifest became static. With less than what is
/// published it starts late. So it is that, and the time it takes to begin.
const JOINING_US: u64 = 6 * MICROS;

/// Tells players that start at the live edge that it is a presentation behind (5.13.2, Annex K).
///
/// dash.js takes this before the suggested delay. In two elements, since Shaka Player, which reads
/// only a single one, would steer the speed by it and undo what its viewer chose.
fn start_at_the_beginning(xml: &mut Xml, total_us: u64) {
    let target = (total_us / MILLI_US).to_string();
    let elements = [
        ("0", "PlaybackRate", vec![("min", "1"), ("max", "1")]),
        ("1", "Latency", vec![("target", &*target)]),
    ];
    for (id, name, attributes) in elements {
        let Ok(()) = xml.element("ServiceDescription", &[("id", id)], |xml| {
            xml.empty(name, &attributes);
            Ok::<(), Infallible>(())
        });
    }
}

/// One period (5.3.2). Its end is the start of the next, that of the last the presentation's.
///
/// While a further one may follow (the head says so by naming its first), the last period has the
/// duration, and the MPD none: Shaka Player forgets how periods are joined when it reads of an end
/// in the MPD, and what it plays is never continued into a period that comes later.
fn write_period(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
    until_us: Option<u64>,
) -> Result<(), PackagerError> {
    let start_us = presentation.period_start_us(period);
    let (number, start) = (period.to_string(), duration(start_us));
    let length = until_us.map(|until_us| duration(until_us.saturating_sub(start_us)));
    let mut attributes = vec![("id", &*number), ("start", &*start)];
    attributes.extend(length.as_deref().map(|length| ("duration", length)));
    xml.element("Period", &attributes, |xml| {
        sets::video(xml, presentation, period)?;
        sets::audio(xml, presentation, period)?;
        sets::text(xml, presentation, period)?;
        sets::thumbnails(xml, presentation);
        trick::write(xml, presentation, period)
    })
}

/// The duration announced: the presentation's, up to the next whole millisecond, and one more.
///
/// dash.js looks five times a second whether the clock stands at the announced end, takes that for
/// a stuck player and jumps half a second back, where it stays paused. Just past the last sample
/// the element's own end always comes first. (Announced to the microsecond, one play in seven
/// ended that way; so announced none of 48.)
fn total_us(presentation: &Presentation<'_>) -> Result<u64, PackagerError> {
    let end_us = presentation.end_us()?;
    let total_us = match presentation.head.status {
        Status::Complete => end_us,
        Status::Growing | Status::Deleted => end_us.max(presentation.head.duration_us),
    };
    Ok(total_us.div_ceil(MILLI_US).saturating_add(1).saturating_mul(MILLI_US))
}

/// A duration and a second before the first publication, and so before each later one: every
/// segment is available from the beginning, and it never changes between updates. Whole
/// seconds, rounded down.
fn availability_start_us(head: &Head) -> i64 {
    let second = MICROS as i64;
    let duration = i64::try_from(head.duration_us).unwrap_or(i64::MAX);
    let first = head.first_published_at_us.min(head.published_at_us);
    let start = first.saturating_sub(duration).saturating_sub(second);
    start.div_euclid(second).saturating_mul(second)
}
