//! Track run (14496-12 8.8.8).

use super::BoxWriter;

const DATA_OFFSET: u32 = 0x001;
const FIRST_SAMPLE_FLAGS: u32 = 0x004;
const SAMPLE_DURATION: u32 = 0x100;
const SAMPLE_SIZE: u32 = 0x200;
const SAMPLE_FLAGS: u32 = 0x400;
const SAMPLE_COMPOSITION_OFFSET: u32 = 0x800;

/// One sample of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Ticks.
    pub(crate) duration: u32,
    /// Bytes.
    pub(crate) size: u32,
    /// Sample flags (8.8.3.1).
    pub(crate) flags: u32,
    /// Presentation time less decode time, ticks.
    pub(crate) composition_offset: i32,
}

/// Which columns the run has; what is left out is `tfhd`'s default or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) durations: bool,
    pub(crate) flags: SampleFlags,
    pub(crate) composition_offsets: bool,
}

/// Where the flags of samples stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleFlags {
    /// In `tfhd`, for all.
    Default,
    /// The first sample's in the run's head, the others' in `tfhd`.
    First,
    /// With each sample.
    Each,
}

/// Version 1: composition offsets are signed. Returns the position of the data offset, which
/// the caller patches when it knows where the media data begins.
pub(crate) fn write(w: &mut BoxWriter, columns: Columns, samples: &[Sample]) -> usize {
    let count = u32::try_from(samples.len()).expect("the caller limits the samples of a segment");
    let first_flags = match columns.flags {
        SampleFlags::First => samples.first().map(|sample| sample.flags),
        SampleFlags::Default | SampleFlags::Each => None,
    };
    let each_flags = columns.flags == SampleFlags::Each;
    let choose = |chosen: bool, flag: u32| if chosen { flag } else { 0 };
    let flags = DATA_OFFSET
        | SAMPLE_SIZE
        | choose(first_flags.is_some(), FIRST_SAMPLE_FLAGS)
        | choose(columns.durations, SAMPLE_DURATION)
        | choose(each_flags, SAMPLE_FLAGS)
        | choose(columns.composition_offsets, SAMPLE_COMPOSITION_OFFSET);
    let mut data_offset = 0;
    w.full_box(b"trun", 1, flags, |w| {
        w.u32(count);
        data_offset = w.position();
        w.u32(0);
        if let Some(first) = first_flags {
            w.u32(first);
        }
        for sample in samples {
            if columns.durations {
                w.u32(sample.duration);
            }
            w.u32(sample.size);
            if each_flags {
                w.u32(sample.flags);
            }
            if columns.composition_offsets {
                w.i32(sample.composition_offset);
            }
        }
    });
    data_offset
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Sample = Sample { duration: 1, size: 2, flags: 3, composition_offset: -1 };

    #[test]
    fn writes_only_the_columns_asked() {
        let none =
            Columns { durations: false, flags: SampleFlags::Default, composition_offsets: false };
        let bytes = crate::boxes::written(|w| assert_eq!(write(w, none, &[SAMPLE]), 16));
        assert_eq!(bytes, b"\0\0\0\x18trun\x01\0\x02\x01\0\0\0\x01\0\0\0\0\0\0\0\x02");
    }

    #[test]
    fn writes_all_columns_in_order() {
        let all = Columns { durations: true, flags: SampleFlags::Each, composition_offsets: true };
        let bytes = crate::boxes::written(|w| assert_eq!(write(w, all, &[SAMPLE]), 16));
        assert_eq!(bytes[8..12], [1, 0, 0x0f, 0x01]);
        assert_eq!(bytes[20..], [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn the_first_sample_may_differ() {
        let first =
            Columns { durations: false, flags: SampleFlags::First, composition_offsets: false };
        let bytes = crate::boxes::written(|w| assert_eq!(write(w, first, &[SAMPLE; 2]), 16));
        assert_eq!(bytes[8..12], [1, 0, 0x02, 0x05]);
        assert_eq!(bytes[20..24], [0, 0, 0, 3]);
        assert_eq!(bytes.len(), 32);
    }
}
