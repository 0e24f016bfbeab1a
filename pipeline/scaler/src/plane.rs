//! One plane in, one plane out.

use std::num::NonZeroU32;

use crate::{
    aligned::{Aligned, aligned_stride, is_aligned},
    zimg::{Cpu, Graph},
};

/// How much the bicubic filter sharpens, its C: Catmull and Rom's is 0.5, ffmpeg's 0.6, OpenCV's 0.75.
/// Players scale small rungs up again, and 0.15 more is worth 2 VMAF there at the same bits.
const SHARPNESS: f64 = 0.75;
/// The most samples of a plane's side: four times what any source may have.
const LONGEST_SIDE: u32 = 1 << 15;

/// Samples of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Samples of a row.
    pub width: NonZeroU32,
    /// Rows.
    pub height: NonZeroU32,
}

/// Why a plane was not scaled.
#[derive(Debug, thiserror::Error)]
pub enum ScaleError {
    /// zimg refused; for sizes it has no filter for, or for want of memory.
    #[error("zimg: {message} (code {code})")]
    Library {
        /// `zimg_error_code_e`.
        code: i32,
        /// What the library says about it.
        message: String,
    },
    /// A side is longer than any picture's.
    #[error("a plane of {0}x{1} samples is too large")]
    TooLarge(u32, u32),
    /// A plane is shorter than its rows.
    #[error("a plane of {bytes} bytes does not hold {rows} rows of {width}, {stride} apart")]
    TooShort {
        /// What there is.
        bytes: usize,
        /// Bytes from row to row.
        stride: usize,
        /// Samples of a row.
        width: usize,
        /// Rows.
        rows: usize,
    },
}

/// Scales planes of 8-bit samples from one size to another, centre on centre.
///
/// The result depends on the samples alone, whatever instructions the host has.
pub struct PlaneScaler {
    graph: Graph,
    source: Staged,
    target: Staged,
}

/// A plane's size, and its copy for those that do not lie as zimg wants them.
struct Staged {
    width: usize,
    rows: usize,
    copy: Option<Aligned>,
}

impl PlaneScaler {
    /// A scaler from planes of one size to another.
    ///
    /// # Errors
    /// When a side is too long, or the library has no filter.
    pub fn new(source: Size, target: Size) -> Result<Self, ScaleError> {
        Self::on(source, target, Cpu::Best)
    }

    fn on(source: Size, target: Size, cpu: Cpu) -> Result<Self, ScaleError> {
        for size in [source, target] {
            if size.width.get().max(size.height.get()) > LONGEST_SIDE {
                return Err(ScaleError::TooLarge(size.width.get(), size.height.get()));
            }
        }
        let graph = Graph::bicubic(source, target, SHARPNESS, cpu)?;
        Ok(Self { graph, source: Staged::new(source), target: Staged::new(target) })
    }

    /// Fills `target` from `source`; strides are bytes from row to row.
    ///
    /// A plane that begins at a multiple of 32 and has a stride that is one is used where it lies, and
    /// what is between its rows may be overwritten; others are copied.
    ///
    /// # Errors
    /// When a plane is shorter than its rows, or the library fails.
    pub fn scale(
        &mut self,
        (source, source_stride): (&[u8], usize),
        (target, target_stride): (&mut [u8], usize),
    ) -> Result<(), ScaleError> {
        self.source.check(source, source_stride)?;
        self.target.check(target, target_stride)?;
        let from = self.source.staged(source, source_stride);
        if self.target.lies_well(target, target_stride) {
            // SAFETY: `lies_well`, and `staged` gives only what does.
            return unsafe { self.graph.process(from, (target, target_stride)) };
        }
        let (width, rows, stride) = (self.target.width, self.target.rows, self.target.stride());
        let copy = self.target.copy().as_mut_slice();
        // SAFETY: copies are made to lie well.
        unsafe { self.graph.process(from, (&mut *copy, stride))? };
        copy_rows((copy, stride), (target, target_stride), width, rows);
        Ok(())
    }
}

impl Staged {
    fn new(size: Size) -> Self {
        // Limited by LONGEST_SIDE.
        Self { width: size.width.get() as usize, rows: size.height.get() as usize, copy: None }
    }

    fn stride(&self) -> usize {
        aligned_stride(self.width)
    }

    fn check(&self, plane: &[u8], stride: usize) -> Result<(), ScaleError> {
        let (bytes, width, rows) = (plane.len(), self.width, self.rows);
        let needed = stride.checked_mul(rows - 1).and_then(|begin| begin.checked_add(width));
        match needed {
            Some(needed) if stride >= width && bytes >= needed => Ok(()),
            _ => Err(ScaleError::TooShort { bytes, stride, width, rows }),
        }
    }

    fn lies_well(&self, plane: &[u8], stride: usize) -> bool {
        is_aligned(plane, stride, self.rows)
    }

    fn copy(&mut self) -> &mut Aligned {
        let size = self.stride() * self.rows;
        self.copy.get_or_insert_with(|| Aligned::zeroed(size))
    }

    /// The plane as zimg wants it.
    fn staged<'a>(&'a mut self, plane: &'a [u8], stride: usize) -> (&'a [u8], usize) {
        if self.lies_well(plane, stride) {
            return (plane, stride);
        }
        let (width, rows, aligned) = (self.width, self.rows, self.stride());
        let copy = self.copy();
        copy_rows((plane, stride), (copy.as_mut_slice(), aligned), width, rows);
        (copy.as_slice(), aligned)
    }
}

fn copy_rows(
    (from, from_stride): (&[u8], usize),
    (to, to_stride): (&mut [u8], usize),
    width: usize,
    rows: usize,
) {
    let rows = from.chunks(from_stride).zip(to.chunks_mut(to_stride)).take(rows);
    for (from, to) in rows {
        to[..width].copy_from_slice(&from[..width]);
    }
}

#[cfg(test)]
mod tests;
