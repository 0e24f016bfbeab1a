//! The columns side by side: one step a sample.

use super::Tables;
use crate::read::{Problem, ReadError, Rows, Sample};

/// Where each column stands.
#[derive(Debug, Clone)]
pub(in crate::read) struct TableSamples<'t> {
    tables: &'t Tables<'t>,
    sample: u32,
    times: Runs<'t>,
    composition: Option<Runs<'t>>,
    /// The next key frame's row.
    key: usize,
    chunk: Chunk,
}

impl<'t> TableSamples<'t> {
    pub(in crate::read) fn new(tables: &'t Tables<'_>) -> Self {
        Self {
            tables,
            sample: 0,
            times: Runs::new(tables.times),
            composition: tables.composition.map(Runs::new),
            key: 0,
            chunk: Chunk::default(),
        }
    }

    /// The next sample, decoded at `decode_time`.
    pub(in crate::read) fn next(&mut self, decode_time: u64) -> Result<Option<Sample>, ReadError> {
        let Some(size) = self.tables.sizes.get(self.sample) else { return Ok(None) };
        let fault = "stts describes fewer samples than stsz";
        let duration = self.times.next();
        let duration = duration.ok_or_else(|| contradiction(self.tables.times.offset, fault))?;
        // A table that ends early says nothing of the rest: shown when decoded.
        let composition_offset = self.composition.as_mut().and_then(Runs::next).unwrap_or(0);
        let offset = self.place(size)?;
        let key = self.is_key();
        self.sample += 1;
        Ok(Some(Sample {
            offset,
            size,
            decode_time,
            duration,
            composition_offset: composition_offset.cast_signed(),
            key,
            entry: self.chunk.entry.wrapping_sub(1),
        }))
    }

    /// Where the sample lies: after the one before it, or at the beginning of the next chunk.
    fn place(&mut self, size: u32) -> Result<u64, ReadError> {
        let table = self.tables;
        while self.chunk.left == 0 {
            let fault = |what| Err(contradiction(table.offsets.place(), what));
            let Some(begin) = table.offsets.get(self.chunk.next) else {
                return fault("chunks hold fewer samples than stsz describes");
            };
            let row = |row: usize| table.chunks.get(row);
            // Rows ascend, and so do chunks: the row after this one may begin here.
            let number = self.chunk.next as u64 + 1;
            if row(self.chunk.row + 1).is_some_and(|[first, ..]| u64::from(first) <= number) {
                self.chunk.row += 1;
            }
            let Some([_, samples, entry]) = row(self.chunk.row) else {
                return fault("stsc describes no chunk");
            };
            self.chunk.next += 1;
            self.chunk.position = begin;
            self.chunk.left = samples;
            self.chunk.entry = entry;
        }
        self.chunk.left -= 1;
        let offset = self.chunk.position;
        self.chunk.position = offset.saturating_add(u64::from(size));
        Ok(offset)
    }

    fn is_key(&mut self) -> bool {
        let Some(keys) = self.tables.keys else { return true };
        let number = u64::from(self.sample) + 1;
        while let Some([key]) = keys.get(self.key) {
            match u64::from(key) {
                key if key < number => self.key += 1,
                key => return key == number,
            }
        }
        false
    }
}

/// Tables that do not fit each other; all lie in one place of the tree.
fn contradiction(offset: u64, what: &'static str) -> ReadError {
    let path = [*b"stbl", *b"minf", *b"mdia", *b"trak", *b"moov"];
    let error = ReadError::new(offset, Problem::Contradiction(what));
    path.into_iter().fold(error, ReadError::within)
}

/// The chunk that is walked.
#[derive(Debug, Clone, Default)]
struct Chunk {
    /// Samples of it that are left.
    left: u32,
    /// Where the next of them lies.
    position: u64,
    /// Its sample entry, counted from 1.
    entry: u32,
    /// The chunk after it, counted from 0.
    next: usize,
    /// Its row in `stsc`.
    row: usize,
}

/// Rows of a count and a value, spread out.
#[derive(Debug, Clone)]
struct Runs<'t> {
    rows: Rows<'t, 2>,
    row: usize,
    /// Of the row before `row`.
    left: u32,
    value: u32,
}

impl<'t> Runs<'t> {
    fn new(rows: Rows<'t, 2>) -> Self {
        Self { rows, row: 0, left: 0, value: 0 }
    }

    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            [self.left, self.value] = self.rows.get(self.row)?;
            self.row += 1;
        }
        self.left -= 1;
        Some(self.value)
    }
}
