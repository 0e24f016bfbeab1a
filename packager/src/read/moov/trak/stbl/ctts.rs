//! Composition offsets (14496-12 8.6.1.3): runs of samples shown alike after they are decoded.
//!
//! Version 0 counts from 0 up, version 1 is signed. Some write negative offsets into version 0, and
//! none needs its upper half, so both are read as signed.

use crate::read::{BoxRef, ReadError, Rows};

pub(super) fn read<'a>(ctts: &BoxRef<'a>) -> Result<Rows<'a, 2>, ReadError> {
    let mut fields = ctts.fields();
    fields.version_and_flags()?;
    Rows::counted(&mut fields)
}
