//! Track header (14496-12 8.3.2).

use crate::read::{BoxRef, Problem, ReadError};

pub(super) struct TrackHeader {
    pub(super) id: u32,
    pub(super) matrix: [i32; 9],
    /// Whole pixels, rounded to nearest.
    pub(super) width: u32,
    /// Whole pixels, rounded to nearest.
    pub(super) height: u32,
}

pub(super) fn read(tkhd: &BoxRef<'_>) -> Result<TrackHeader, ReadError> {
    let mut fields = tkhd.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.skip(if version == 0 { 8 } else { 16 })?; // creation and modification time
    let offset = fields.offset();
    let id = fields.u32()?;
    if id == 0 {
        return Err(ReadError::new(offset, Problem::Value { what: "a track's number", value: 0 }));
    }
    fields.skip(if version == 0 { 8 } else { 12 })?; // reserved, duration
    fields.skip(16)?; // reserved, layer, alternate group, volume, reserved
    let mut matrix = [0; 9];
    for entry in &mut matrix {
        *entry = fields.u32()?.cast_signed();
    }
    let pixels = |fixed: u32| ((u64::from(fixed) + 0x8000) >> 16) as u32;
    Ok(TrackHeader { id, matrix, width: pixels(fields.u32()?), height: pixels(fields.u32()?) })
}
