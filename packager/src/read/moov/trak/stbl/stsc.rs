//! Samples to chunks (14496-12 8.7.4): runs of chunks that hold equally many samples.

use crate::read::{BoxRef, Problem, ReadError, Rows};

pub(super) fn read<'a>(stsc: &BoxRef<'a>) -> Result<Rows<'a, 3>, ReadError> {
    let mut fields = stsc.fields();
    fields.version_and_flags()?;
    let rows: Rows<'a, 3> = Rows::counted(&mut fields)?;
    let mut before = 0;
    for index in 0..rows.len() {
        let [first, ..] = rows.get(index).unwrap_or_default();
        if first <= before || index == 0 && first != 1 {
            let problem = Problem::Contradiction("runs of chunks do not start at 1 and ascend");
            return Err(ReadError::new(rows.offset_of(index), problem));
        }
        before = first;
    }
    Ok(rows)
}
