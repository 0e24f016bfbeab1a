//! How a frame is divided (5.9.15), and the tiles of a group (5.11.1).

use std::ops::Range;

use super::{sequence::Sequence, size::Size};
use crate::bitstream::Bits;

/// Pixels a tile is wide, and has, at most (3).
const MAX_WIDTH: u32 = 4096;
const MAX_AREA: u32 = 4096 * 2304;
/// Tiles across and down, at most.
const MAX_TILES: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiles {
    count: u32,
    /// Bits that number them.
    bits: usize,
    size_bytes: usize,
}

impl Tiles {
    pub(super) fn read(bits: &mut Bits<'_>, sequence: &Sequence, size: Size) -> Option<Self> {
        let shift = if sequence.large_blocks { 7 } else { 6 };
        // Blocks count in pairs of 4 pixels.
        let blocks = |pixels: u32| pixels.next_multiple_of(8).div_ceil(1 << shift);
        let (across, down) = (blocks(size.width), blocks(size.height));
        let widest = MAX_WIDTH >> shift;
        let least_columns = log2(widest, across);
        let most_columns = log2(1, across.min(MAX_TILES));
        let most_rows = log2(1, down.min(MAX_TILES));
        let area = across.checked_mul(down)?;
        let least = least_columns.max(log2(MAX_AREA >> (2 * shift), area));
        let (columns, rows, column_bits, row_bits);
        if bits.flag()? {
            column_bits = increment(bits, least_columns, most_columns)?;
            row_bits = increment(bits, least.saturating_sub(column_bits), most_rows)?;
            let count = |blocks: u32, bits: u32| blocks.div_ceil(blocks.div_ceil(1 << bits).max(1));
            (columns, rows) = (count(across, column_bits), count(down, row_bits));
        } else {
            let (count, largest) = uneven(bits, across, widest)?;
            let area = if least > 0 { area >> (least + 1) } else { area };
            (columns, rows) = (count, uneven(bits, down, (area / largest).max(1))?.0);
            (column_bits, row_bits) = (log2(1, columns), log2(1, rows));
        }
        let number = (column_bits + row_bits) as usize;
        let mut size_bytes = 0;
        if number > 0 {
            bits.skip(number)?; // context_update_tile_id
            size_bytes = bits.take(2)? as usize + 1;
        }
        Some(Self { count: columns * rows, bits: number, size_bytes })
    }

    /// Where the tiles of a group lie in its bytes.
    pub(super) fn group(&self, group: &[u8]) -> Option<Vec<Range<usize>>> {
        let mut bits = Bits::new(group);
        let (mut first, mut last) = (0, self.count.checked_sub(1)?);
        if self.count > 1 && bits.flag()? {
            (first, last) = (bits.take(self.bits)?, bits.take(self.bits)?);
        }
        if first > last || last >= self.count {
            return None;
        }
        let mut at = bits.bytes_read();
        let mut tiles = Vec::new();
        for _ in first..last {
            let size = group.get(at..at + self.size_bytes)?;
            let size = size.iter().rev().fold(0, |size, &byte| size << 8 | usize::from(byte)) + 1;
            at += self.size_bytes;
            let end = at.checked_add(size).filter(|&end| end <= group.len())?;
            tiles.push(at..end);
            at = end;
        }
        tiles.push(at..group.len());
        Some(tiles)
    }
}

/// The least power of two that makes `block` at least `target` (`tile_log2`).
fn log2(block: u32, target: u32) -> u32 {
    (0..32).find(|&power| u64::from(block) << power >= u64::from(target)).unwrap_or(32)
}

fn increment(bits: &mut Bits<'_>, least: u32, most: u32) -> Option<u32> {
    let mut value = least;
    while value < most && bits.flag()? {
        value += 1;
    }
    Some(value)
}

/// Tiles of their own sizes: how many, and the largest.
fn uneven(bits: &mut Bits<'_>, blocks: u32, most: u32) -> Option<(u32, u32)> {
    let (mut start, mut count, mut largest) = (0, 0, 1);
    while start < blocks {
        let size = below(bits, (blocks - start).min(most))? + 1;
        largest = largest.max(size);
        start += size;
        count += 1;
    }
    (count <= MAX_TILES).then_some((count, largest))
}

/// `ns(n)` (4.10.7).
pub(super) fn below(bits: &mut Bits<'_>, count: u32) -> Option<u32> {
    let width = u32::BITS - count.leading_zeros();
    let short = (1_u64 << width) as u32 - count;
    let value = bits.take(width.checked_sub(1)? as usize)?;
    if value < short { Some(value) } else { Some((value << 1) - short + bits.take(1)?) }
}
