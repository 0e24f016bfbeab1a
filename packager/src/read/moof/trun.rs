//! Track run (14496-12 8.8.8): samples whose bytes lie one after the other.

use super::Defaults;
use crate::read::{BoxRef, Fields, Problem, ReadError, Sample, moov::Unlisted};

const DATA_OFFSET: u32 = 0x001;
const FIRST_SAMPLE_FLAGS: u32 = 0x004;
const SAMPLE_DURATION: u32 = 0x100;
const SAMPLE_SIZE: u32 = 0x200;
const SAMPLE_FLAGS: u32 = 0x400;
const SAMPLE_COMPOSITION_OFFSET: u32 = 0x800;
/// Sample flags: may not be decoded first.
const IS_NON_SYNC: u32 = 0x0001_0000;

/// A run, its rows read in place.
#[derive(Debug, Clone)]
pub(in crate::read) struct Run<'a> {
    /// Of its first sample; `None` says that it goes on where the samples before it end.
    pub(in crate::read) decode_time: Option<u64>,
    columns: u32,
    first_flags: Option<u32>,
    defaults: Defaults,
    count: u32,
    rows: Fields<'a>,
    data_start: u64,
    data_bytes: u64,
}

/// `base` is where data offsets count from, `data_end` where the run before this one ends.
pub(super) fn read<'a>(
    trun: &BoxRef<'a>,
    defaults: Defaults,
    base: u64,
    data_end: u64,
    file_length: u64,
    unlisted: &mut Unlisted,
) -> Result<Run<'a>, ReadError> {
    let mut fields = trun.fields();
    let (_, flags) = fields.version_and_flags()?;
    let count_offset = fields.offset();
    let count = fields.u32()?;
    let outside = |what| Err(ReadError::new(count_offset, Problem::Contradiction(what)));
    let mut data_start = data_end;
    if flags & DATA_OFFSET != 0 {
        let offset = i64::from(fields.u32()?.cast_signed());
        match base.checked_add_signed(offset) {
            Some(start) => data_start = start,
            None => return outside("its data begins before the file"),
        }
    }
    let first_flags = if flags & FIRST_SAMPLE_FLAGS != 0 { Some(fields.u32()?) } else { None };
    let row = row_bytes(flags);
    let (needed, left) = (u64::from(count) * row, fields.rest().len() as u64);
    if needed > left {
        return Err(ReadError::new(fields.offset(), Problem::Cut { needed, left }));
    }
    let data_bytes = if flags & SAMPLE_SIZE != 0 {
        sizes(flags, fields, count)?
    } else {
        u64::from(count) * u64::from(defaults.size)
    };
    if row == 0 {
        if u64::from(count) > data_bytes.min(file_length) {
            return outside("more samples than the file has bytes");
        }
        unlisted.add(count_offset, u64::from(count))?;
    }
    let columns = flags;
    let decode_time = None;
    let rows = fields;
    Ok(Run { decode_time, columns, first_flags, defaults, count, rows, data_start, data_bytes })
}

fn row_bytes(columns: u32) -> u64 {
    let optional = [SAMPLE_DURATION, SAMPLE_SIZE, SAMPLE_FLAGS, SAMPLE_COMPOSITION_OFFSET];
    optional.iter().filter(|&&column| columns & column != 0).count() as u64 * 4
}

/// The sum of the sizes.
fn sizes(columns: u32, mut rows: Fields<'_>, count: u32) -> Result<u64, ReadError> {
    let mut sum = 0_u64;
    for _ in 0..count {
        sum += u64::from(Row::read(columns, &mut rows)?.size.unwrap_or_default());
    }
    Ok(sum)
}

impl<'a> Run<'a> {
    /// Where its data ends.
    pub(super) fn data_end(&self) -> u64 {
        self.data_start.saturating_add(self.data_bytes)
    }

    pub(in crate::read) fn samples(&self) -> RunSamples<'a> {
        RunSamples { run: self.clone(), number: 0 }
    }
}

/// Walks a run.
#[derive(Debug, Clone)]
pub(in crate::read) struct RunSamples<'a> {
    run: Run<'a>,
    number: u32,
}

impl RunSamples<'_> {
    /// The next sample, decoded at `decode_time`.
    pub(in crate::read) fn next(&mut self, decode_time: u64) -> Result<Option<Sample>, ReadError> {
        let run = &mut self.run;
        if self.number == run.count {
            return Ok(None);
        }
        let row = Row::read(run.columns, &mut run.rows)?;
        let first = (self.number == 0).then_some(run.first_flags).flatten();
        let flags = first.or(row.flags).unwrap_or(run.defaults.flags);
        let size = row.size.unwrap_or(run.defaults.size);
        let offset = run.data_start;
        self.number += 1;
        run.data_start = offset.saturating_add(u64::from(size));
        Ok(Some(Sample {
            offset,
            size,
            decode_time,
            duration: row.duration.unwrap_or(run.defaults.duration),
            composition_offset: row.composition_offset.unwrap_or(0).cast_signed(),
            key: flags & IS_NON_SYNC == 0,
            entry: run.defaults.entry.wrapping_sub(1),
        }))
    }
}

/// The columns of one sample that are there.
struct Row {
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
    composition_offset: Option<u32>,
}

impl Row {
    fn read(columns: u32, rows: &mut Fields<'_>) -> Result<Self, ReadError> {
        let mut optional =
            |column: u32| if columns & column != 0 { rows.u32().map(Some) } else { Ok(None) };
        Ok(Self {
            duration: optional(SAMPLE_DURATION)?,
            size: optional(SAMPLE_SIZE)?,
            flags: optional(SAMPLE_FLAGS)?,
            composition_offset: optional(SAMPLE_COMPOSITION_OFFSET)?,
        })
    }
}
