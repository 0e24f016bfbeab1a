//! Memory that begins where vector instructions want it.

use crate::zimg::ALIGNMENT;

/// Bytes whose first lies at a multiple of [`ALIGNMENT`].
pub(crate) struct Aligned {
    /// Longer by what its beginning is off. Never grown, so it stays where it is.
    memory: Box<[u8]>,
    begin: usize,
    length: usize,
}

impl Aligned {
    pub(crate) fn zeroed(length: usize) -> Self {
        let memory = vec![0; length.saturating_add(ALIGNMENT)].into_boxed_slice();
        let begin = memory.as_ptr().addr().wrapping_neg() % ALIGNMENT;
        Self { memory, begin, length }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.memory[self.begin..self.begin + self.length]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.memory[self.begin..self.begin + self.length]
    }
}

/// A row's bytes with what brings the next one to a multiple of [`ALIGNMENT`].
pub(crate) fn aligned_stride(width: usize) -> usize {
    width.next_multiple_of(ALIGNMENT)
}

/// Whether a plane of `rows` rows lies as zimg wants it: vectors read and write whole strides.
pub(crate) fn is_aligned(plane: &[u8], stride: usize, rows: usize) -> bool {
    plane.as_ptr().addr().is_multiple_of(ALIGNMENT)
        && stride.is_multiple_of(ALIGNMENT)
        && stride.checked_mul(rows).is_some_and(|all| plane.len() >= all)
}
