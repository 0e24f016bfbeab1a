//! A fragment without its media: what stands before the samples.

use crate::boxes::{
    BoxWriter, ftyp, mfhd, sbgp, tfdt, tfhd,
    trun::{self, Columns, Sample, SampleFlags},
};

/// Sample flags: depends on no other, may be decoded first.
pub(crate) const SYNC: u32 = 0x0200_0000;
/// Sample flags: depends on others, may not be decoded first.
pub(crate) const NON_SYNC: u32 = 0x0101_0000;
/// Bytes of media in a fragment, at most: keeps sizes and offsets in 31 bits.
pub(crate) const MAX_MEDIA_BYTES: usize = 1 << 30;
/// Samples in a fragment, at most: more than an hour at 240 frames a second.
pub(crate) const MAX_SAMPLES: usize = 1 << 20;
/// Bytes of `styp`, `moof` and the boxes in it without the rows of `trun`, at most.
const FIXED_BYTES: usize = 256;

/// A fragment of one track.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fragment<'s> {
    pub(crate) sequence_number: u32,
    /// Decode time of the first sample, ticks.
    pub(crate) start: u64,
    /// At least one, at most [`MAX_SAMPLES`], of [`MAX_MEDIA_BYTES`] together.
    pub(crate) samples: &'s [Sample],
    /// Whether samples are shown at other times than they are decoded.
    pub(crate) composition_offsets: bool,
    /// Whether the samples belong to the `roll` group that the header describes.
    pub(crate) roll: bool,
    /// Whether it is a segment of its own, and not a piece of one.
    pub(crate) whole: bool,
}

impl Fragment<'_> {
    /// `styp` where it is a segment, `moof` and the header of `mdat`, in a buffer that has room for
    /// `media` bytes more.
    pub(crate) fn head(&self, media: usize) -> BoxWriter {
        let samples = self.samples;
        let uniform = samples.iter().all(|s| s.duration == samples[0].duration);
        let columns = Columns {
            durations: !uniform,
            flags: flags_column(samples),
            composition_offsets: self.composition_offsets,
        };
        let default_flags = if samples.len() > 1 { samples[1].flags } else { samples[0].flags };
        let media_bytes: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();

        let mut w = BoxWriter::with_capacity(FIXED_BYTES + samples.len() * 16 + media);
        if self.whole {
            ftyp::write(&mut w, b"styp", b"msdh", &[*b"cmfs", *b"cmff"]);
        }
        let moof = w.position();
        let mut data_offset = 0;
        w.boxed(b"moof", |w| {
            mfhd::write(w, self.sequence_number);
            w.boxed(b"traf", |w| {
                tfhd::write(w, uniform.then_some(samples[0].duration), default_flags);
                tfdt::write(w, self.start);
                data_offset = trun::write(w, columns, samples);
                if self.roll {
                    sbgp::write_roll(w, samples.len() as u32);
                }
            });
        });
        w.u32(u32::try_from(media_bytes + 8).expect("the media of a fragment is limited to 1 GiB"));
        w.bytes(b"mdat");
        let offset = u32::try_from(w.position() - moof).expect("a moof of 2^20 rows is 16 MiB");
        w.patch_u32(data_offset, offset);
        w
    }
}

/// The shortest way to say which samples are key frames. The second sample's flags are the
/// default.
fn flags_column(samples: &[Sample]) -> SampleFlags {
    match samples {
        [first, second, others @ ..] if others.iter().all(|s| s.flags == second.flags) => {
            if first.flags == second.flags { SampleFlags::Default } else { SampleFlags::First }
        }
        [_] => SampleFlags::Default,
        _ => SampleFlags::Each,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_take_the_least_room() {
        let sample = |flags| Sample { duration: 1, size: 1, flags, composition_offset: 0 };
        let (key, other) = (sample(SYNC), sample(NON_SYNC));
        assert_eq!(flags_column(&[key]), SampleFlags::Default);
        assert_eq!(flags_column(&[key, key]), SampleFlags::Default);
        assert_eq!(flags_column(&[key, other, other]), SampleFlags::First);
        assert_eq!(flags_column(&[key, other, key]), SampleFlags::Each);
    }
}
