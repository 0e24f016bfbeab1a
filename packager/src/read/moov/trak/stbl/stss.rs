//! Sync samples (14496-12 8.6.2): the numbers of key frames, counted from 1, in order.

use crate::read::{BoxRef, ReadError, Rows};

pub(super) fn read<'a>(stss: &BoxRef<'a>) -> Result<Rows<'a, 1>, ReadError> {
    let mut fields = stss.fields();
    fields.version_and_flags()?;
    Rows::counted(&mut fields)
}
