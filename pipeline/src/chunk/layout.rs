//! Where a rung's key frames and segments lie within a chunk.

use kinora_plan::{Rung, encoder::ChunkSpec};

/// Counts the rung's own pictures from the chunk's first.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    places: Places,
    /// Every how many-th frame of the source's grid is one of the rung's.
    divisor: u64,
    /// Segments of the track before this chunk.
    segments_before: u64,
}

#[derive(Debug, Clone)]
enum Places {
    /// All GOPs and all segments but the last are alike.
    Even { gop: u64, segment: u64 },
    /// As the source that is passed through has them; on its grid.
    Listed { key_frames: Vec<u64>, segment_ends: Vec<u64> },
}

impl Layout {
    /// That of a rung. The spec is valid.
    pub(super) fn of(spec: &ChunkSpec, rung: &Rung) -> Self {
        let divisor = u64::from(rung.rate_divisor.get());
        let (places, segments_before) = match &spec.layout {
            None => {
                let segment = spec.chunk.segment_frames;
                let gop = spec.gop_frames / divisor;
                let before = spec.chunk.first_frame / segment;
                (Places::Even { gop, segment: segment / divisor }, before)
            }
            Some(layout) => {
                let (key_frames, segment_ends) =
                    (layout.key_frames.clone(), layout.segment_ends.clone());
                (Places::Listed { key_frames, segment_ends }, layout.segments_before)
            }
        };
        Self { places, divisor, segments_before }
    }

    /// Whether this picture is a key frame.
    pub(super) fn is_key(&self, picture: u64) -> bool {
        match &self.places {
            Places::Even { gop, .. } => picture.is_multiple_of(*gop),
            Places::Listed { key_frames, .. } => {
                key_frames.binary_search(&(picture * self.divisor)).is_ok()
            }
        }
    }

    /// How many pictures there are up to the end of this segment; the chunk's end may come first.
    pub(super) fn segment_end(&self, segment: usize) -> u64 {
        match &self.places {
            Places::Even { segment: frames, .. } => (segment as u64 + 1) * frames,
            Places::Listed { segment_ends, .. } => {
                segment_ends.get(segment).map_or(u64::MAX, |end| end.div_ceil(self.divisor))
            }
        }
    }

    /// The number of this segment among all of the track, from 1.
    pub(super) fn sequence_number(&self, segment: usize) -> u64 {
        self.segments_before + segment as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use kinora_plan::encoder::ChunkLayout;

    use super::*;
    use crate::chunk::validate::tests::spec;

    #[test]
    fn even_places_repeat_and_listed_ones_are_as_they_are() {
        let mut spec = spec();
        spec.chunk.first_frame = 120;
        let half = Layout::of(&spec, &spec.rungs[1]);
        assert_eq!((half.is_key(0), half.is_key(29), half.is_key(30)), (true, false, true));
        assert_eq!((half.segment_end(0), half.sequence_number(0)), (30, 3));
        spec.layout = Some(ChunkLayout {
            key_frames: vec![0, 22, 44],
            segment_ends: vec![44, 59],
            segments_before: 7,
            longest_gop: 22,
            avcc: String::new(),
        });
        let whole = Layout::of(&spec, &spec.rungs[0]);
        assert_eq!((whole.is_key(22), whole.is_key(11)), (true, false));
        assert_eq!((whole.segment_end(0), whole.segment_end(1)), (44, 59));
        let half = Layout::of(&spec, &spec.rungs[1]);
        assert_eq!((half.is_key(22), half.is_key(11)), (true, true));
        assert_eq!((half.segment_end(0), half.segment_end(1)), (22, 30));
        assert_eq!((half.segment_end(2), half.sequence_number(1)), (u64::MAX, 9));
    }
}
