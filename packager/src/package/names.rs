//! The order of tracks and their names in addresses: `v1080`, `a-en`.

use std::{cmp::Reverse, collections::BTreeSet};

use kinora_media::TrackId;

use super::{Output, PackageError, place::TrackCoding};

/// Characters of a language that a name takes over.
const MAX_LANGUAGE: usize = 24;

/// Sorts pictures before sound before text, best first, and names all.
pub(super) fn name(outputs: &mut [Output<'_>]) -> Result<(), PackageError> {
    outputs.sort_by_key(|output| match output.coding {
        TrackCoding::Video(_) => (0, Reverse((output.shown().1, output.media_bytes()))),
        TrackCoding::Audio(_) => (1, Reverse((0, 0))),
        TrackCoding::Text(_) => (2, Reverse((0, 0))),
    });
    let mut taken = BTreeSet::new();
    for output in outputs {
        let wanted = match &output.coding {
            TrackCoding::Video(_) => format!("v{}", output.shown().1),
            TrackCoding::Audio(_) => format!("a-{}", word(&output.source.language)),
            TrackCoding::Text(_) => format!("t-{}", word(&output.source.language)),
        };
        output.id = unused(&mut taken, &wanted);
    }
    Ok(())
}

/// A name that no other track has.
pub(super) fn unused(taken: &mut BTreeSet<TrackId>, wanted: &str) -> TrackId {
    let numbered = (2_u32..).map(|n| format!("{wanted}-{n}"));
    std::iter::once(wanted.to_owned())
        .chain(numbered)
        .filter_map(|name| TrackId::new(name).ok())
        .find(|id| taken.insert(id.clone()))
        .expect("there are more numbers than tracks")
}

/// A language as part of a name.
pub(super) fn word(language: &str) -> String {
    let letters = language.chars().map(|c| c.to_ascii_lowercase());
    let letters = letters.filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-');
    letters.take(MAX_LANGUAGE).collect()
}

impl Output<'_> {
    /// Width and height of the picture as it is seen: turned, where it is turned by a quarter.
    pub(super) fn shown(&self) -> (u32, u32) {
        let track = self.source.track;
        let [a, b, _, c, d, ..] = track.matrix;
        let turned = a == 0 && d == 0 && b != 0 && c != 0;
        if turned { (track.height, track.width) } else { (track.width, track.height) }
    }
}
