//! How the memory of a cache is divided.

use quick_cache::{Options, OptionsBuilder};

/// Parts of a cache at most, each with a lock of its own.
const MOST: u64 = 64;
/// Of each part, so much is for what was asked for again; the rest is for what is new. One scan pushes
/// out no more than that. Nothing longer is kept at all.
const HOT: f64 = 0.8;

/// A cache of `bytes` at most, of whose entries one has about `entry`, in parts that have `part` at least.
///
/// By default there are four parts for each processor, so that what is kept would depend on the machine:
/// on one of 32 no playlist of half a mebibyte were.
pub(crate) fn bounded(bytes: u64, part: u64, entry: u64) -> Options {
    let parts = (bytes / part).clamp(1, MOST);
    let entries = usize::try_from(bytes / entry).unwrap_or(usize::MAX);
    OptionsBuilder::new()
        // The next power of two is taken, which must not be above it.
        .shards(1 << parts.ilog2())
        .hot_allocation(HOT)
        .estimated_items_capacity(entries.max(64))
        .weight_capacity(bytes)
        .build()
        .expect("entries and weight are given")
}

#[cfg(test)]
mod tests {
    use quick_cache::{DefaultHashBuilder, UnitWeighter, sync::Cache, sync::DefaultLifecycle};

    use super::*;

    #[test]
    fn parts_have_the_room_that_is_asked_for() {
        for (bytes, part, parts) in [(0, 8, 1), (100, 200, 1), (600, 200, 2), (6400, 1, 64)] {
            let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
            let options = bounded(bytes, part, 1);
            let cache = Cache::<u8, u8, _>::with_options(options, UnitWeighter, hasher, lifecycle);
            assert_eq!(cache.num_shards(), parts, "{bytes} in parts of {part}");
            assert!(cache.shard_capacity() >= part.min(bytes));
        }
    }
}
