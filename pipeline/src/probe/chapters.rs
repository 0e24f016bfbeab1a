//! Chapters: the entries of the container's table of contents that have times.

use gstreamer as gst;
use kinora_plan::ProbedChapter;

/// Listed at most.
pub(super) const MAX_CHAPTERS: usize = 2000;
/// Editions hold chapters, which may hold others: deeper ones are left out.
const MAX_DEPTH: usize = 4;

/// The chapters of a table of contents, in its order. Of chapters in chapters the outer ones
/// count; of several editions the first.
pub(super) fn list(toc: &gst::TocRef) -> Vec<ProbedChapter> {
    let mut chapters = Vec::new();
    for entry in toc.entries() {
        collect(&entry, MAX_DEPTH, &mut chapters);
        if !chapters.is_empty() && entry.entry_type() == gst::TocEntryType::Edition {
            break;
        }
    }
    chapters
}

fn collect(entry: &gst::TocEntryRef, depth: usize, chapters: &mut Vec<ProbedChapter>) {
    if depth == 0 || chapters.len() >= MAX_CHAPTERS {
        return;
    }
    if entry.entry_type() == gst::TocEntryType::Chapter {
        chapters.extend(describe(entry));
    } else {
        entry.sub_entries().iter().for_each(|entry| collect(entry, depth - 1, chapters));
    }
}

fn describe(entry: &gst::TocEntryRef) -> Option<ProbedChapter> {
    let (start, stop) = entry.start_stop_times()?;
    let tags = entry.tags();
    let tags = tags.as_deref();
    let title = tags.and_then(|tags| tags.get::<gst::tags::Title>());
    let language = tags.and_then(|tags| tags.get::<gst::tags::LanguageCode>());
    Some(ProbedChapter {
        start_ns: u64::try_from(start).ok()?,
        end_ns: u64::try_from(stop).ok().filter(|stop| i64::try_from(*stop).is_ok()),
        title: title.map(|title| title.get().to_owned()),
        language: language.map(|language| language.get().to_owned()),
    })
}
