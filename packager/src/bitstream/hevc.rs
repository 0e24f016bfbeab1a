//! High Efficiency Video Coding (ITU-T H.265, ISO/IEC 23008-2).

mod pps;
mod references;
mod scaling;
mod slice;
mod sps;

pub(crate) use sps::Sps;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Rbsp, avc::Unit};
use pps::Pps;

/// NAL unit types (table 7-1): slices of pictures that are in use.
const TRAILING_SLICES: std::ops::RangeInclusive<u8> = 0..=9;
const RANDOM_ACCESS_SLICES: std::ops::RangeInclusive<u8> = 16..=21;
const IDR_SLICES: std::ops::RangeInclusive<u8> = 19..=20;
const SPS: u8 = 33;
const PPS: u8 = 34;
/// Bytes of a NAL unit header (7.3.1.2).
const HEADER: usize = 2;
/// Arrays of a configuration record, at most: more than there are kinds of NAL units.
const MAX_ARRAYS: u8 = 64;

/// The parameter sets in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParameterSets {
    sps: BTreeMap<u32, Arc<Sps>>,
    pps: BTreeMap<u32, Arc<Pps>>,
}

impl ParameterSets {
    /// Those of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1), and how many bytes
    /// lengths of NAL units take. `None` where it is damaged.
    pub(crate) fn of_record(record: &[u8]) -> Option<(Self, usize)> {
        let (fixed, mut rest) = record.split_first_chunk::<23>()?;
        let mut sets = Self::default();
        for _ in 0..fixed[22].min(MAX_ARRAYS) {
            let (&[_, high, low], after) = rest.split_first_chunk::<3>()?;
            rest = after;
            for _ in 0..u16::from_be_bytes([high, low]) {
                let (length, after) = rest.split_first_chunk::<2>()?;
                let (unit, after) =
                    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                rest = after;
                sets.read(unit)?;
            }
        }
        Some((sets, usize::from(fixed[21] & 0b11) + 1))
    }

    /// Any of the sequence parameter sets.
    pub(crate) fn first_sps(&self) -> Option<&Sps> {
        self.sps.values().next().map(|sps| &**sps)
    }

    /// Reads a NAL unit: a parameter set is kept, a slice's headers are measured. `None` where it is
    /// damaged, names a set that is not there, or belongs to a picture in layers.
    pub(crate) fn read(&mut self, unit: &[u8]) -> Option<Unit> {
        let (&[first, second], payload) = unit.split_first_chunk::<HEADER>()?;
        let kind = first >> 1 & 0x3f;
        let is_base = first & 1 == 0 && second >> 3 == 0;
        let is_slice = TRAILING_SLICES.contains(&kind) || RANDOM_ACCESS_SLICES.contains(&kind);
        match kind {
            _ if !is_base => return (!is_slice).then_some(Unit::Clear),
            SPS => {
                let sps = Sps::read(&mut Rbsp::new(payload))?;
                self.sps.insert(sps.id, Arc::new(sps));
            }
            PPS => {
                let pps = Pps::read(&mut Rbsp::new(payload))?;
                self.pps.insert(pps.id, Arc::new(pps));
            }
            _ if is_slice => {
                let mut bits = Rbsp::new(payload);
                slice::skip(&mut bits, self, kind)?;
                return Some(Unit::Picture { headers: HEADER + bits.bytes_read() });
            }
            _ => {}
        }
        Some(Unit::Clear)
    }
}
