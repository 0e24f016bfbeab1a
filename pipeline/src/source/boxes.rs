//! Boxes of MP4 files (ISO/IEC 14496-12 4.2).

/// A box's type and its size, header included; `None` if it is no box.
pub(crate) fn box_header(header: &[u8], left: u64) -> Option<([u8; 4], u64)> {
    let kind: [u8; 4] = header.get(4..8)?.try_into().ok()?;
    let size = u64::from(u32::from_be_bytes(header.get(..4)?.try_into().ok()?));
    match size {
        0 => Some((kind, left)),
        1 => {
            let large = u64::from_be_bytes(header.get(8..16)?.try_into().ok()?);
            (large >= 16).then_some((kind, large))
        }
        2..8 => None,
        _ => Some((kind, size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_headers_are_read_with_care() {
        let header = |size: u32, kind: &[u8; 4], large: u64| {
            let mut bytes = size.to_be_bytes().to_vec();
            bytes.extend_from_slice(kind);
            bytes.extend_from_slice(&large.to_be_bytes());
            bytes
        };
        assert_eq!(box_header(&header(24, b"ftyp", 0), 99), Some((*b"ftyp", 24)));
        assert_eq!(box_header(&header(0, b"mdat", 0), 99), Some((*b"mdat", 99)));
        assert_eq!(box_header(&header(1, b"mdat", 1 << 40), 99), Some((*b"mdat", 1 << 40)));
        assert_eq!(box_header(&header(1, b"mdat", 3), 99), None);
        assert_eq!(box_header(&header(7, b"mdat", 0), 99), None);
        assert_eq!(box_header(b"\0\0\0\x08ftyp", 99), Some((*b"ftyp", 8)));
        assert_eq!(box_header(b"\0\0\0", 99), None);
    }
}
