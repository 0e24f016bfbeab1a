//! Advanced Video Coding (ITU-T H.264, ISO/IEC 14496-10).

mod pps;
mod slice;
mod sps;

pub(crate) use sps::Sps;
pub(in crate::bitstream) use sps::video_signal_transfer;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Rbsp;
use pps::Pps;

/// NAL unit types (table 7-1).
const SLICE: u8 = 1;
const PARTITIONS: std::ops::RangeInclusive<u8> = 2..=4;
const IDR_SLICE: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;

/// The parameter sets in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParameterSets {
    sps: BTreeMap<u32, Arc<Sps>>,
    pps: BTreeMap<u32, Arc<Pps>>,
}

/// What a NAL unit is to encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Parameters, messages, delimiters: nothing of the picture.
    Clear,
    /// Part of a picture, whose headers take so many bytes of the unit.
    Picture {
        /// NAL unit header and slice header.
        headers: usize,
    },
}

impl ParameterSets {
    /// Those of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1), and how many bytes
    /// lengths of NAL units take. `None` where it is damaged.
    pub(crate) fn of_record(record: &[u8]) -> Option<(Self, usize)> {
        let (&[_, _, _, _, lengths, sps_count], mut rest) = record.split_first_chunk::<6>()?;
        let mut sets = Self::default();
        let mut take = |rest: &mut &[u8], count: u8| {
            for _ in 0..count {
                let (length, after) = rest.split_first_chunk::<2>()?;
                let (unit, after) =
                    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                *rest = after;
                sets.read(unit)?;
            }
            Some(())
        };
        take(&mut rest, sps_count & 0x1f)?;
        let (&pps_count, after) = rest.split_first()?;
        rest = after;
        take(&mut rest, pps_count)?;
        Some((sets, usize::from(lengths & 0b11) + 1))
    }

    /// Any of the sequence parameter sets.
    pub(crate) fn first_sps(&self) -> Option<&Sps> {
        self.sps.values().next().map(|sps| &**sps)
    }

    /// Reads a NAL unit: a parameter set is kept, a slice's headers are measured. `None` where it is
    /// damaged, names a set that is not there, or is coded as no player takes it.
    pub(crate) fn read(&mut self, unit: &[u8]) -> Option<Unit> {
        let (&header, payload) = unit.split_first()?;
        match header & 0x1f {
            SPS => {
                let sps = Sps::read(&mut Rbsp::new(payload))?;
                self.sps.insert(sps.id, Arc::new(sps));
                Some(Unit::Clear)
            }
            PPS => {
                let pps = Pps::read(&mut Rbsp::new(payload))?;
                self.pps.insert(pps.id, Arc::new(pps));
                Some(Unit::Clear)
            }
            kind @ (SLICE | IDR_SLICE) => {
                let mut bits = Rbsp::new(payload);
                slice::skip(&mut bits, self, header >> 5 & 0b11, kind == IDR_SLICE)?;
                Some(Unit::Picture { headers: 1 + bits.bytes_read() })
            }
            // Of the extended profile, which no player has.
            kind if PARTITIONS.contains(&kind) => None,
            _ => Some(Unit::Clear),
        }
    }
}
