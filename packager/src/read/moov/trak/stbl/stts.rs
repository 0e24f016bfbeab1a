//! Decoding times (14496-12 8.6.1.2): runs of samples that last alike.

use crate::read::{BoxRef, ReadError, Rows};

pub(super) fn read<'a>(stts: &BoxRef<'a>) -> Result<Rows<'a, 2>, ReadError> {
    let mut fields = stts.fields();
    fields.version_and_flags()?;
    Rows::counted(&mut fields)
}
