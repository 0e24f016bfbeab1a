//! AV1 (bitstream and decoding process specification 1.0.0, errata 1): where the data of tiles lies.

mod frame;
mod grain;
mod motion;
mod obu;
mod quantizer;
mod sequence;
mod size;
mod tiles;

pub(crate) use frame::References;
pub(crate) use obu::Obus;
pub(crate) use sequence::Sequence;

use std::ops::Range;

use super::Bits;
use tiles::Tiles;

/// OBU types (6.2.2).
const SEQUENCE: u8 = 1;
const FRAME_HEADER: u8 = 3;
const TILE_GROUP: u8 = 4;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;

/// What is known before a sample.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) sequence: Option<Sequence>,
    references: References,
    /// Of the frame whose tiles come.
    tiles: Option<Tiles>,
}

impl State {
    /// After the OBUs of a configuration (`configOBUs`).
    pub(crate) fn of_config(config: &[u8]) -> Option<Self> {
        let mut state = Self::default();
        for obu in Obus::new(config) {
            let obu = obu?;
            if obu.kind == SEQUENCE {
                state.sequence = Some(Sequence::read(&mut Bits::new(&config[obu.body]))?);
            }
        }
        Some(state)
    }

    /// Where the data of tiles lies in a sample, in order. `None` where it is damaged.
    pub(crate) fn tiles(&mut self, sample: &[u8]) -> Option<Vec<Range<usize>>> {
        let mut found = Vec::new();
        for obu in Obus::new(sample) {
            let obu = obu?;
            let body = &sample[obu.body.clone()];
            let mut group = None;
            match obu.kind {
                SEQUENCE => self.sequence = Some(Sequence::read(&mut Bits::new(body))?),
                FRAME_HEADER | FRAME => {
                    let sequence = self.sequence.as_ref()?;
                    let mut bits = Bits::new(body);
                    self.tiles = self.references.read(&mut bits, sequence, obu.layer)?;
                    group = (obu.kind == FRAME).then(|| bits.bytes_read());
                }
                TILE_GROUP => group = Some(0),
                TILE_LIST => return None,
                _ => {}
            }
            if let Some(begin) = group {
                let tiles = self.tiles.as_ref()?.group(body.get(begin..)?)?;
                let offset = obu.body.start + begin;
                found.extend(tiles.into_iter().map(|tile| tile.start + offset..tile.end + offset));
            }
        }
        Some(found)
    }
}
