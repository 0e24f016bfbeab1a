//! Track fragment decode time (14496-12 8.8.12).

use crate::read::{BoxRef, ReadError};

pub(super) fn read(tfdt: &BoxRef<'_>) -> Result<u64, ReadError> {
    let mut fields = tfdt.fields();
    let (version, _) = fields.version_and_flags()?;
    fields.u32_or_u64(version)
}
