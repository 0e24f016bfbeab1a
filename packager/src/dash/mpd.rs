//! The MPD element (ISO/IEC 23009-1 5.3.1).

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
    let total = duration(total_us(presentation)?);
    let available = date_time(availability_start_us(head));
    let target = u64::from(head.target_duration_s);
    let buffer = duration(target.saturating_mul(MICROS));
    // The origin looks for a new head twice a target duration.
    let update = duration(target.div_ceil(2).max(1).saturating_mul(MICROS));

    let mut attributes = vec![
        ("xmlns", "urn:mpeg:dash:schema:mpd:2011"),
        ("profiles", profile(presentation)),
        ("type", if growing { "dynamic" } else { "static" }),
    ];
    if growing {
        attributes.push(("availabilityStartTime", &available));
        attributes.push(("publishTime", &published));
        attributes.push(("minimumUpdatePeriod", &update));
        attributes.push(("suggestedPresentationDelay", &total));
    }
    attributes.push(("mediaPresentationDuration", &total));
    attributes.push(("minBufferTime", &buffer));

    let mut xml = Xml::document();
    xml.element("MPD", &attributes, |xml| {
        for period in 0..head.periods.len().max(1) {
            write_period(xml, presentation, period)?;
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

/// One period (5.3.2). Its end is the start of the next; it is listed once it has segments.
fn write_period(
    xml: &mut Xml,
    presentation: &Presentation<'_>,
    period: usize,
) -> Result<(), PackagerError> {
    if !sets::has_segments(presentation, period)? {
        return Ok(());
    }
    let start = duration(presentation.period_start_us(period));
    let attributes = [("id", &*period.to_string()), ("start", &*start)];
    xml.element("Period", &attributes, |xml| {
        sets::video(xml, presentation, period)?;
        sets::audio(xml, presentation, period)?;
        sets::text(xml, presentation, period);
        sets::thumbnails(xml, presentation);
        trick::write(xml, presentation, period)
    })
}

/// Microseconds a millisecond.
const MILLI_US: u64 = 1000;

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
