//! Which bytes of samples are headers, by codec.

use super::{
    CryptError, SampleFault,
    subsample::{Subsample, Subsamples},
};
use crate::{
    bitstream::{NalUnits, av1, avc, avc::Unit, hevc, vp9},
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
    Av1(Box<av1::State>),
    Vp9(vp9::References),
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
            b"av01" => {
                let record = "AV1CodecConfigurationRecord";
                let config = config(b"av1C", record)?.get(4..);
                let state = config.and_then(av1::State::of_config);
                Ok(Self::Av1(Box::new(state.ok_or(CryptError::Configuration(record))?)))
            }
            b"vp09" => Ok(Self::Vp9(vp9::References::default())),
            code => Err(CryptError::Codec(String::from_utf8_lossy(code).into_owned())),
        }
    }

    /// Whether samples are described in parts.
    pub(super) fn in_parts(&self) -> bool {
        !matches!(self, Self::Whole)
    }

    /// Whether parts are whole blocks in any scheme, as VP9 has it.
    pub(super) fn needs_whole_blocks(&self) -> bool {
        matches!(self, Self::Vp9(_))
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
            Self::Av1(state) => tiles(sample, &mut parts, state),
            Self::Vp9(references) => frames(sample, &mut parts, references),
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

/// Parts of a sample of AV1: the data of tiles is protected (AV1 in ISOBMFF 4.2).
fn tiles(sample: &[u8], parts: &mut Subsamples, state: &mut av1::State) -> Option<()> {
    let mut at = 0;
    for tile in state.tiles(sample)? {
        parts.clear(tile.start - at);
        parts.protect(tile.len());
        at = tile.end;
    }
    parts.clear(sample.len() - at);
    Some(())
}

/// Parts of a sample of VP9: frames are protected but for their uncompressed headers, and the index of
/// several is in the clear.
fn frames(sample: &[u8], parts: &mut Subsamples, references: &mut vp9::References) -> Option<()> {
    let mut rest = sample;
    for size in vp9::frames(sample)? {
        let (frame, after) = rest.split_at_checked(size)?;
        let headers = if frame.is_empty() { 0 } else { references.header(frame)? };
        parts.clear(headers);
        parts.protect(frame.len() - headers);
        rest = after;
    }
    parts.clear(rest.len());
    Some(())
}
