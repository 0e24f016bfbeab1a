//! SegmentTemplate with SegmentTimeline (ISO/IEC 23009-1 5.3.9.4, 5.3.9.6).

use std::convert::Infallible;

use super::xml::Xml;
use crate::{periods::Stretch, presentation::Span};

/// Consecutive segments of one duration: an `S` element.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    start: u64,
    duration: u64,
    /// Segments after the first.
    repeats: u64,
}

/// Times are earliest presentation times with the edit list applied, counted from the start of
/// the presentation through all periods: the presentation time offset is the period's own start,
/// on the first 0, which is its default.
pub(super) fn write(xml: &mut Xml, timescale: u32, spans: &[Span], stretch: &Stretch<'_>) {
    let offset = stretch.offset.to_string();
    let number = stretch.segments.start.to_string();
    let init = format!("$RepresentationID$/{}", stretch.init);
    let timescale = timescale.to_string();
    let mut template = vec![("timescale", &*timescale)];
    if stretch.offset > 0 {
        template.push(("presentationTimeOffset", &offset));
    }
    template.extend([
        ("startNumber", &*number),
        ("initialization", &*init),
        ("media", "$RepresentationID$/$Number$.m4s"),
    ]);
    let spans = spans.get(stretch.segments.clone()).unwrap_or_default();
    let Ok(()) = xml.element("SegmentTemplate", &template, |xml| {
        xml.element("SegmentTimeline", &[], |xml| {
            for (index, run) in runs(spans).iter().enumerate() {
                let (start, duration) = (run.start.to_string(), run.duration.to_string());
                let repeats = run.repeats.to_string();
                // Segments follow each other, so only the first needs its time.
                let mut attributes = vec![("d", &*duration)];
                if index == 0 {
                    attributes.insert(0, ("t", &*start));
                }
                if run.repeats > 0 {
                    attributes.push(("r", &*repeats));
                }
                xml.empty("S", &attributes);
            }
            Ok::<(), Infallible>(())
        })
    });
}

/// What is left of a text file, number 0 of its track, from `offset_us` on. The file's own times
/// count from the start of the presentation.
pub(super) fn write_file(xml: &mut Xml, offset_us: u64, duration_us: u64) {
    let offset = offset_us.to_string();
    let template = [
        ("timescale", "1000000"),
        ("presentationTimeOffset", &*offset),
        ("startNumber", "0"),
        ("media", "$RepresentationID$/$Number$.vtt"),
    ];
    let Ok(()) = xml.element("SegmentTemplate", &template, |xml| {
        xml.element("SegmentTimeline", &[], |xml| {
            let left = duration_us.saturating_sub(offset_us).max(1).to_string();
            xml.empty("S", &[("t", &*offset), ("d", &*left)]);
            Ok::<(), Infallible>(())
        })
    });
}

fn runs(spans: &[Span]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for span in spans {
        match runs.last_mut() {
            Some(run) if run.duration == span.duration => run.repeats += 1,
            _ => runs.push(Run { start: span.start, duration: span.duration, repeats: 0 }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_durations_share_an_element() {
        let span = |start, duration| Span { start, duration, size: 1, key_frame: None };
        let found = runs(&[span(0, 9), span(9, 10), span(19, 10), span(29, 4)]);
        let run = |start, duration, repeats| Run { start, duration, repeats };
        assert_eq!(found, [run(0, 9, 0), run(9, 10, 1), run(29, 4, 0)]);
    }
}
