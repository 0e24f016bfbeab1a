//! Appends big-endian fields and nested boxes to one buffer.

use bytes::Bytes;

/// A buffer of boxes. A box's size is patched in when its body is complete, so nothing is
/// measured beforehand or copied afterwards.
pub(crate) struct BoxWriter {
    bytes: Vec<u8>,
}

impl BoxWriter {
    /// A writer that expects about `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// A box (14496-12 4.2): size, code, then what `body` writes.
    pub(crate) fn boxed(&mut self, code: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(0);
        self.bytes(code);
        body(self);
        let size = u32::try_from(self.bytes.len() - start)
            .expect("callers limit what they write to less than 4 GiB");
        self.bytes[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    /// A full box: a box that begins with a version and 24 bits of flags.
    pub(crate) fn full_box(
        &mut self,
        code: &[u8; 4],
        version: u8,
        flags: u32,
        body: impl FnOnce(&mut Self),
    ) {
        self.boxed(code, |w| {
            w.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            body(w);
        });
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.bytes.resize(self.bytes.len() + count, 0);
    }

    /// The matrix of movie and track headers.
    pub(crate) fn matrix(&mut self, rows: [i32; 9]) {
        rows.into_iter().for_each(|value| self.i32(value));
    }

    /// How many bytes stand before the next.
    pub(crate) fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Replaces the four bytes at `position`.
    pub(crate) fn patch_u32(&mut self, position: usize, value: u32) {
        self.bytes[position..position + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn finish(self) -> Bytes {
        Bytes::from(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_cover_what_is_nested() {
        let mut w = BoxWriter::with_capacity(0);
        w.boxed(b"moof", |w| w.full_box(b"mfhd", 1, 0x0200_0002, |w| w.u16(7)));
        let expected = b"\0\0\0\x16moof\0\0\0\x0emfhd\x01\0\0\x02\0\x07";
        assert_eq!(w.finish().as_ref(), expected);
    }
}
