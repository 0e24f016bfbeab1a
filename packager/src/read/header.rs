//! Box headers (14496-12 4.2) and the boxes inside a box.

use super::{Fields, Problem, ReadError};

/// The longest header: size, code, 64-bit size.
pub(crate) const MAX_HEADER: usize = 16;

/// A box header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) code: [u8; 4],
    /// Bytes of the header itself.
    pub(crate) length: u64,
    /// Bytes of the whole box; `None` says that it reaches to the end of what it lies in.
    pub(crate) size: Option<u64>,
}

impl Header {
    /// Reads a header at the beginning of `bytes`, which lie at `offset` in the file.
    pub(crate) fn read(bytes: &[u8], offset: u64) -> Result<Self, ReadError> {
        let mut fields = Fields::new(bytes, offset);
        let short = fields.u32()?;
        let code = fields.array::<4>()?;
        let at_box = |error: ReadError| error.within(code);
        let (length, size) = match short {
            0 => (8, None),
            1 => (16, Some(fields.u64().map_err(at_box)?)),
            size => (8, Some(u64::from(size))),
        };
        if size.is_some_and(|size| size < length) {
            let problem = Problem::Size(size.unwrap_or_default());
            return Err(at_box(ReadError::new(offset, problem)));
        }
        Ok(Self { code, length, size })
    }
}

/// A box whose body is at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoxRef<'a> {
    pub(crate) code: [u8; 4],
    /// Where its header begins in the file.
    pub(crate) offset: u64,
    /// The whole box, header included.
    pub(crate) bytes: &'a [u8],
    /// Bytes of the header.
    header: usize,
}

impl<'a> BoxRef<'a> {
    /// The box at the beginning of `bytes`, which lie at `offset` in the file.
    pub(crate) fn read(bytes: &'a [u8], offset: u64) -> Result<Self, ReadError> {
        let header = Header::read(bytes, offset)?;
        let left = bytes.len() as u64;
        let size = header.size.unwrap_or(left);
        if size > left {
            let problem = Problem::Cut { needed: size, left };
            return Err(ReadError::new(offset, problem).within(header.code));
        }
        // Neither is more than `bytes` has.
        let (bytes, header_length) = (&bytes[..size as usize], header.length as usize);
        Ok(Self { code: header.code, offset, bytes, header: header_length })
    }

    pub(crate) fn fields(&self) -> Fields<'a> {
        let body = &self.bytes[self.header..];
        Fields::new(body, self.offset.saturating_add(self.header as u64))
    }

    /// The boxes inside, where there is nothing before them.
    pub(crate) fn children(&self) -> Children<'a> {
        Children(self.fields())
    }

    /// Reads it with `read`; an error tells that it happened in this box.
    pub(crate) fn read_with<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        read(self).map_err(|error| error.within(self.code))
    }

    /// The error that something in here is missing.
    pub(crate) fn missing(&self, what: &'static str) -> ReadError {
        ReadError::new(self.offset, Problem::Missing(what))
    }
}

/// Boxes one after the other. Fewer than 8 bytes at the end are padding, as QuickTime has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Children<'a>(pub(crate) Fields<'a>);

impl<'a> Iterator for Children<'a> {
    type Item = Result<BoxRef<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.0.rest();
        if bytes.len() < 8 {
            return None;
        }
        let found = BoxRef::read(bytes, self.0.offset());
        let step = found.as_ref().map_or(bytes.len(), |found| found.bytes.len());
        // A box is at least its header, so this advances; after an error nothing is left.
        self.0.skip(step).ok()?;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_all_three_kinds() {
        let read = |bytes: &[u8]| Header::read(bytes, 0);
        let header = |length, size| Header { code: *b"free", length, size };
        assert_eq!(read(b"\0\0\0\x08free"), Ok(header(8, Some(8))));
        assert_eq!(read(b"\0\0\0\0free"), Ok(header(8, None)));
        assert_eq!(read(b"\0\0\0\x01free\0\0\0\x01\0\0\0\0"), Ok(header(16, Some(1 << 32))));
        for bad in [&b"\0\0\0\x07free"[..], b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f", b"\0\0\0\x08fre"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn children_end_at_padding_and_at_the_first_fault() {
        let codes = |bytes| {
            let children = Children(Fields::new(bytes, 5));
            children.map(|child| child.map(|child| (child.code, child.offset))).collect::<Vec<_>>()
        };
        let two = codes(b"\0\0\0\x09aaaa?\0\0\0\x08bbbb\0\0\0\0");
        assert_eq!(two, [Ok((*b"aaaa", 5)), Ok((*b"bbbb", 14))]);
        let bad = codes(b"\0\0\0\x08aaaa\0\0\0\xffbbbb\0\0\0\x08cccc");
        assert_eq!(bad.len(), 2);
        let error = bad[1].as_ref().unwrap_err();
        assert_eq!((error.path.as_str(), error.offset), ("bbbb", 13));
    }
}
