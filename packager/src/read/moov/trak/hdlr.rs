//! Handler reference (14496-12 8.4.3).

use crate::read::{BoxRef, ReadError};

pub(super) struct Handler<'a> {
    pub(super) code: [u8; 4],
    /// Up to its NUL.
    pub(super) name: &'a [u8],
}

pub(super) fn read<'a>(hdlr: &BoxRef<'a>) -> Result<Handler<'a>, ReadError> {
    let mut fields = hdlr.fields();
    fields.version_and_flags()?;
    fields.skip(4)?;
    let code = fields.array()?;
    fields.skip(12)?;
    let name = fields.rest();
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    Ok(Handler { code, name: &name[..end] })
}
