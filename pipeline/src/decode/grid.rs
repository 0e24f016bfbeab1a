//! Placing frames on the grid: which frame stands at which position.

use std::ops::Range;

/// Positions, and the one frame that fills them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run<T> {
    pub(super) positions: Range<u64>,
    pub(super) frame: T,
}

/// Fills a range of positions: each gets the newest frame at or before it, and the first, if
/// there is none, the first that comes.
#[derive(Debug)]
pub(super) struct Grid<T> {
    next: u64,
    end: u64,
    /// The newest frame and its own position; it fills what comes before the frame after it.
    held: Option<(u64, T)>,
    repeated: u64,
}

impl<T> Grid<T> {
    pub(super) fn new(range: Range<u64>) -> Self {
        Self { next: range.start, end: range.end, held: None, repeated: 0 }
    }

    /// Takes the frame nearest to `position`; gives the run of the one before it, if that is
    /// settled now. A frame older than the newest is dropped.
    pub(super) fn offer(&mut self, position: u64, frame: T) -> Option<Run<T>> {
        let settled = match &self.held {
            Some((held, _)) if position < *held => return None,
            Some(_) if position > self.next => true,
            _ => false,
        };
        let before = self.held.replace((position, frame));
        if settled { before.and_then(|before| self.fill(before, position)) } else { None }
    }

    /// The last frame's run: it ends before position `end`, but fills its own position at least
    /// unless that lies before the range.
    pub(super) fn finish(&mut self, end: u64) -> Option<Run<T>> {
        let held = self.held.take()?;
        let end = end.max(held.0.saturating_add(1));
        self.fill(held, end)
    }

    /// Whether every position is filled.
    pub(super) fn is_full(&self) -> bool {
        self.next >= self.end
    }

    /// The first position that is not filled.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Positions filled with a frame that is not their own.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated
    }

    fn fill(&mut self, (own, frame): (u64, T), end: u64) -> Option<Run<T>> {
        let positions = self.next..end.min(self.end);
        if positions.is_empty() {
            return None;
        }
        self.next = positions.end;
        let exact = u64::from(positions.contains(&own));
        self.repeated += positions.end - positions.start - exact;
        Some(Run { positions, frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands at each position when `frames` (their positions) come, the last lasting to `end`.
    fn place(range: Range<u64>, frames: &[u64], end: u64) -> (Vec<u64>, u64) {
        let mut grid = Grid::new(range);
        let mut placed = vec![];
        for frame in frames {
            if let Some(run) = grid.offer(*frame, *frame) {
                placed.extend(run.positions.map(|_| run.frame));
            }
        }
        if let Some(run) = grid.finish(end) {
            placed.extend(run.positions.map(|_| run.frame));
        }
        (placed, grid.repeated())
    }

    #[test]
    fn gaps_are_filled_and_extras_dropped() {
        assert_eq!(place(0..4, &[0, 1, 2, 3], 4), (vec![0, 1, 2, 3], 0));
        assert_eq!(place(0..5, &[0, 1, 1, 4], 5), (vec![0, 1, 1, 1, 4], 2));
        assert_eq!(place(4..6, &[3, 4, 5, 6], 7), (vec![4, 5], 0), "what is earlier only covers");
        assert_eq!(place(4..6, &[2, 6], 7), (vec![2, 2], 2), "an earlier frame covers the start");
        assert_eq!(place(4..7, &[5, 6], 7), (vec![5, 5, 6], 1), "or else the first that comes");
        assert_eq!(place(0..9, &[0, 1], 2), (vec![0, 1], 0), "the end is not made up");
        assert_eq!(place(0..9, &[0, 1], 4), (vec![0, 1, 1, 1], 2), "unless the last frame lasts");
        assert_eq!(place(5..9, &[2], 3), (vec![], 0), "a chunk after the end is empty");
    }

    proptest::proptest! {
        #[test]
        fn every_position_gets_the_newest_frame_at_or_before_it(
            start in 0u64..20,
            length in 1u64..20,
            mut frames in proptest::collection::vec(0u64..45, 1..40),
        ) {
            frames.sort_unstable();
            let (placed, _) = place(start..start + length, &frames, start + length);
            proptest::prop_assert_eq!(placed.len() as u64, length);
            for (position, frame) in (start..).zip(placed) {
                let newest = frames.iter().copied().filter(|f| *f <= position).max();
                proptest::prop_assert_eq!(frame, newest.unwrap_or(frames[0]));
            }
        }
    }
}
