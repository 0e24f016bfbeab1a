//! How much may be missing without a word.

const SECOND_NS: u64 = 1_000_000_000;
/// So much is worth a word of anything.
const MUCH_NS: u64 = 10 * SECOND_NS;
/// Percent and nanoseconds that are, together: in long films and in short ones.
const PARTS: [(u64, u64); 2] = [(5, SECOND_NS), (10, SECOND_NS / 4)];

/// Whether `missing_ns` of what should last `whole_ns` must be said to whoever uploaded it.
pub fn is_worth_a_word(missing_ns: u64, whole_ns: u64) -> bool {
    let exceeds = |(percent, least_ns): (u64, u64)| {
        let part = u128::from(missing_ns) * 100 > u128::from(whole_ns) * u128::from(percent);
        part && missing_ns > least_ns
    };
    missing_ns > MUCH_NS || PARTS.into_iter().any(exceeds)
}

/// Nanoseconds as people read them: `3.2 s`, or `40 ms` where tenths say nothing.
pub fn seconds(ns: u64) -> String {
    if (1..SECOND_NS / 10).contains(&ns) {
        return format!("{} ms", ns.div_ceil(1_000_000));
    }
    format!("{}.{} s", ns / SECOND_NS, ns / (SECOND_NS / 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sixth_and_ten_seconds_are_always_said() {
        for whole_s in [2, 10, 60, 7200] {
            let whole_ns = whole_s * SECOND_NS;
            assert!(is_worth_a_word(whole_ns / 6, whole_ns), "a sixth of {whole_s} s");
            assert!(!is_worth_a_word(SECOND_NS / 5, whole_ns), "a fifth of a second");
        }
        assert!(!is_worth_a_word(8 * SECOND_NS, 200 * SECOND_NS));
        assert!(is_worth_a_word(11 * SECOND_NS, 7200 * SECOND_NS));
        assert!(is_worth_a_word(u64::MAX, u64::MAX));
        assert!(!is_worth_a_word(0, 0));
        assert_eq!(seconds(3_290_000_000), "3.2 s");
        assert_eq!(
            [0, 1, 40_000_000, 99_999_999].map(seconds),
            ["0.0 s", "1 ms", "40 ms", "100 ms"]
        );
        assert_eq!(seconds(100_000_000), "0.1 s");
    }
}
