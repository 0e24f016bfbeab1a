//! Packets come in decoding order, captions count in display order.

use std::collections::BTreeMap;

/// Pictures that wait for one shown before them, at most: H.264 and HEVC reorder 16 frames, each
/// perhaps in two fields.
const MAX_WAITING: usize = 33;

/// What belongs to times, given back in their order.
#[derive(Debug, Clone)]
pub(super) struct InOrder<T> {
    waiting: BTreeMap<(i64, u64), T>,
    count: u64,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), count: 0 }
    }
}

impl<T> InOrder<T> {
    /// Takes one, and gives the first once more wait than can be reordered.
    pub(super) fn push(&mut self, time_ns: i64, item: T) -> Option<(i64, T)> {
        self.waiting.insert((time_ns, self.count), item);
        self.count += 1;
        (self.waiting.len() > MAX_WAITING).then(|| self.pop()).flatten()
    }

    /// The first of those that wait.
    pub(super) fn pop(&mut self) -> Option<(i64, T)> {
        self.waiting.pop_first().map(|((time_ns, _), item)| (time_ns, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_sorted_and_few_wait() {
        let mut order = InOrder::default();
        let decoding = (0..200_i64).map(|n| n / 8 * 8 + [7, 3, 1, 0, 2, 5, 4, 6][n as usize % 8]);
        let mut out: Vec<i64> =
            decoding.filter_map(|time| order.push(time, ())).map(|(time, ())| time).collect();
        assert_eq!(out.len(), 200 - MAX_WAITING);
        out.extend(std::iter::from_fn(|| order.pop()).map(|(time, ())| time));
        assert!(out.iter().copied().eq(0..200));
    }
}
