//! Movie header (14496-12 8.2.2): the timescale of edit lists.

use crate::read::{BoxRef, Problem, ReadError};

pub(super) fn read(mvhd: &BoxRef<'_>) -> Result<u32, ReadError> {
    let mut fields = mvhd.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?; // creation and modification time
    let offset = fields.offset();
    match fields.u32()? {
        0 => Err(ReadError::new(offset, Problem::Value { what: "a timescale", value: 0 })),
        timescale => Ok(timescale),
    }
}
