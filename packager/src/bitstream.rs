//! Syntax of coded pictures, as far as it must be read: where headers end, so that they stay in the
//! clear, and what parameter sets say of colours.
//!
//! For hostile bytes, like [`crate::read`]: nothing panics, loops are bounded by the standards' own
//! limits, and what is not understood is `None`.

pub(crate) mod avc;
pub(crate) mod hevc;
mod nal;
mod rbsp;

pub(crate) use nal::NalUnits;
pub(crate) use rbsp::Rbsp;

/// How many bits tell `count` values apart: `Ceil(Log2(count))`.
fn bits_for(count: u32) -> u32 {
    u32::BITS - count.saturating_sub(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    #[test]
    fn bits_tell_values_apart() {
        let bits = [0, 1, 2, 3, 4, 5, 256, 257].map(super::bits_for);
        assert_eq!(bits, [0, 0, 1, 2, 2, 3, 8, 9]);
    }
}
