//! Edit list (14496-12 8.6.6).

use crate::read::{BoxRef, Edit, Problem, ReadError};

/// Edits of a track, at most. What cuts films into more pieces hands over the cut film.
const MAX_EDITS: u64 = 1 << 16;

pub(super) fn read(elst: &BoxRef<'_>) -> Result<Vec<Edit>, ReadError> {
    let mut fields = elst.fields();
    let (version, _) = fields.version_and_flags()?;
    let offset = fields.offset();
    let count = u64::from(fields.u32()?);
    if count > MAX_EDITS {
        let problem = Problem::TooMany { what: "edits", count, max: MAX_EDITS };
        return Err(ReadError::new(offset, problem));
    }
    let mut edits = Vec::new();
    for _ in 0..count {
        let duration = fields.u32_or_u64(version)?;
        let media_time = if version == 0 {
            i64::from(fields.u32()?.cast_signed())
        } else {
            fields.u64()?.cast_signed()
        };
        // Below 0 there is no media: the standard says −1, and all negatives mean it.
        let media_time = u64::try_from(media_time).ok();
        edits.push(Edit { duration, media_time, rate: fields.u32()? });
    }
    Ok(edits)
}
