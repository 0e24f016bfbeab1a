//! Sample descriptions (14496-12 8.5.2).

use crate::read::{BoxRef, Children, Problem, ReadError, SampleEntry};

/// Sample entries of a track, at most.
const MAX_ENTRIES: u64 = 256;

pub(super) fn read<'a>(stsd: &BoxRef<'a>) -> Result<Vec<SampleEntry<'a>>, ReadError> {
    let mut fields = stsd.fields();
    fields.version_and_flags()?;
    let offset = fields.offset();
    let count = u64::from(fields.u32()?);
    if count > MAX_ENTRIES {
        let problem = Problem::TooMany { what: "sample entries", count, max: MAX_ENTRIES };
        return Err(ReadError::new(offset, problem));
    }
    let entries = Children(fields).take(count as usize);
    let entries: Vec<_> =
        entries.map(|entry| entry.map(SampleEntry::new)).collect::<Result<_, _>>()?;
    if (entries.len() as u64) < count {
        let problem = Problem::Contradiction("fewer sample entries than it counts");
        return Err(ReadError::new(offset, problem));
    }
    Ok(entries)
}
