//! Blocks of the source read before they are asked for: demuxers ask for many small ranges.

use std::io;

use bytes::{Bytes, BytesMut};
use kinora_plan::source_protocol::MAX_LENGTH;

use super::transport::Transport;

/// Bytes of a block.
const BLOCK: u64 = 256 << 10;
/// Blocks kept: audio and video of a badly interleaved file lie apart, the index elsewhere.
const BLOCKS: usize = 24;

/// The blocks read last, most recent at the end.
#[derive(Default)]
pub(super) struct BlockCache {
    blocks: Vec<(u64, Bytes)>,
}

impl BlockCache {
    /// `length` bytes from `offset` of a source of `size` bytes; the range lies inside it.
    pub(super) fn read(
        &mut self,
        transport: &mut Transport,
        size: u64,
        offset: u64,
        length: usize,
    ) -> io::Result<Bytes> {
        if length as u64 >= MAX_LENGTH / 2 {
            return read_through(transport, offset, length);
        }
        let first = self.block(transport, size, offset / BLOCK)?;
        let start = (offset % BLOCK) as usize;
        if start + length <= first.len() {
            return Ok(first.slice(start..start + length));
        }
        let mut bytes = BytesMut::with_capacity(length);
        bytes.extend_from_slice(&first[start..]);
        while bytes.len() < length {
            let block = self.block(transport, size, (offset + bytes.len() as u64) / BLOCK)?;
            bytes.extend_from_slice(&block[..block.len().min(length - bytes.len())]);
        }
        Ok(bytes.freeze())
    }

    fn block(&mut self, transport: &mut Transport, size: u64, index: u64) -> io::Result<Bytes> {
        if let Some(place) = self.blocks.iter().position(|(found, _)| *found == index) {
            let block = self.blocks.remove(place);
            self.blocks.push(block.clone());
            return Ok(block.1);
        }
        let start = index * BLOCK;
        let length = BLOCK.min(size.saturating_sub(start)) as usize;
        let bytes = Bytes::from(transport.read_exact(start, length)?);
        if self.blocks.len() == BLOCKS {
            self.blocks.remove(0);
        }
        self.blocks.push((index, bytes.clone()));
        Ok(bytes)
    }
}

/// Big ranges gain nothing from the cache and would empty it.
fn read_through(transport: &mut Transport, offset: u64, length: usize) -> io::Result<Bytes> {
    if length as u64 <= MAX_LENGTH {
        return transport.read_exact(offset, length).map(Bytes::from);
    }
    let mut bytes = BytesMut::with_capacity(length);
    while bytes.len() < length {
        let step = (length - bytes.len()).min(MAX_LENGTH as usize);
        bytes.extend_from_slice(&transport.read_exact(offset + bytes.len() as u64, step)?);
    }
    Ok(bytes.freeze())
}
