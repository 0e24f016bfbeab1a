//! Which bytes of samples are headers, by codec.

use super::{
    CryptError, SampleFault,
    subsample::{Subsample, Subsamples},
};
use crate::{
    bitstream::{NalUnits, avc, avc::Unit, hevc},
    read::SampleEntry,
};

/// Bytes that describe a sample, at most: `saiz` counts them in 8 bits.
const MAX_DESCRIPTION: usize = u8::MAX as usize;

/// How samples of a track are laid out, and what is known before the first.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// Sound: all of a sample is protected.
    Whole,
    Avc {
        sets: avc::ParameterSets,
        length_bytes: usize,
    },
    Hevc {
        sets: hevc::ParameterSets,
        length_bytes: usize,
    },
}

impl Layout {
    pub(super) fn of(entry: &SampleEntry<'_>, is_video: bool) -> Result<Self, CryptError> {
        if !is_video {
            return Ok(Self::Whole);
        }
        let config = |name: &'static [u8; 4], record: &'static str| {
            entry.video_box(name)?.ok_or(CryptError::Configuration(record))
        };
        match &entry.code() {
            b"avc1" | b"avc3" => {
                let record = "AVCDecoderConfigurationRecord";
                let (sets, length_bytes) = avc::ParameterSets::of_record(config(b"avcC", record)?)
                    .ok_or(CryptError::Configuration(record))?;
                Ok(Self::Avc { sets, length_bytes })
            }
            b"hvc1" | b"hev1" => {
                let record = "HEVCDecoderConfigurationRecord";
                let (sets, length_bytes) = hevc::ParameterSets::of_record(config(b"hvcC", record)?)
                    .ok_or(CryptError::Configuration(record))?;
                Ok(Self::Hevc { sets, length_bytes })
            }
            code => Err(CryptError::Codec(String::from_utf8_lossy(code).into_owned())),
        }
    }

    /// Whether samples are described in parts.
    pub(super) fn in_parts(&self) -> bool {
        !matches!(self, Self::Whole)
    }

    /// Whether parts are whole blocks in any scheme: AV1 and VP9 have it so.
    pub(super) fn needs_whole_blocks(&self) -> bool {
        false
    }

    /// The parts of a sample; samples come in decoding order, because headers refer to earlier ones.
    /// `vector_bytes` are those that describe it besides.
    pub(super) fn divide(
        &mut self,
        sample: &[u8],
        whole_blocks: bool,
        vector_bytes: usize,
    ) -> Result<Vec<Subsample>, SampleFault> {
        let mut parts = Subsamples::new(whole_blocks);
        let divided = match self {
            Self::Whole => return Ok(Vec::new()),
            Self::Avc { sets, length_bytes } => {
                nal_units(sample, *length_bytes, &mut parts, |unit| sets.read(unit))
            }
            Self::Hevc { sets, length_bytes } => {
                nal_units(sample, *length_bytes, &mut parts, |unit| sets.read(unit))
            }
        };
        divided.ok_or(SampleFault::Headers)?;
        let parts = parts.finish();
        if vector_bytes + 2 + parts.len() * 6 > MAX_DESCRIPTION {
            return Err(SampleFault::Parts(parts.len()));
        }
        Ok(parts)
    }
}

/// Parts of a sample in NAL units: slices are protected but for their headers (10.2, 10.4).
fn nal_units(
    sample: &[u8],
    length_bytes: usize,
    parts: &mut Subsamples,
    mut read: impl FnMut(&[u8]) -> Option<Unit>,
) -> Option<()> {
    for unit in NalUnits::new(sample, length_bytes) {
        let unit = unit?.bytes;
        parts.clear(length_bytes);
        if unit.is_empty() {
            continue;
        }
        match read(unit)? {
            Unit::Clear => parts.clear(unit.len()),
            Unit::Picture { headers } => {
                parts.clear(headers);
                parts.protect(unit.len().checked_sub(headers)?);
            }
        }
    }
    Some(())
}
