//! Small pictures in memory: RGB, upright, square pixels.

use kinora_plan::Orientation;

/// Bytes of a pixel.
pub(super) const PIXEL: usize = 3;

/// A picture in sRGB, row by row without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

impl Image {
    pub(super) fn black(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height * PIXEL] }
    }

    /// Every second row: one field of an interlaced picture.
    pub(super) fn field(self) -> Self {
        let row = self.width * PIXEL;
        let kept = self.pixels.chunks_exact(row).step_by(2);
        let pixels: Vec<u8> = kept.flatten().copied().collect();
        Self { height: self.height.div_ceil(2), pixels, ..self }
    }

    /// The picture as it should be seen.
    pub(super) fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::Rotate0 {
            return self;
        }
        let (w, h) = (self.width, self.height);
        let (width, height) = if orientation.swaps_sides() { (h, w) } else { (w, h) };
        let mut turned = Self::black(width, height);
        for y in 0..height {
            for x in 0..width {
                // Where the pixel comes from.
                let (sx, sy) = match orientation {
                    Orientation::Rotate0 => (x, y),
                    Orientation::Rotate90 => (y, h - 1 - x),
                    Orientation::Rotate180 => (w - 1 - x, h - 1 - y),
                    Orientation::Rotate270 => (w - 1 - y, x),
                    Orientation::FlipRotate0 => (w - 1 - x, y),
                    Orientation::FlipRotate90 => (w - 1 - y, h - 1 - x),
                    Orientation::FlipRotate180 => (x, h - 1 - y),
                    Orientation::FlipRotate270 => (y, x),
                };
                let (to, from) = ((y * width + x) * PIXEL, (sy * w + sx) * PIXEL);
                turned.pixels[to..to + PIXEL].copy_from_slice(&self.pixels[from..from + PIXEL]);
            }
        }
        turned
    }

    /// The picture in another size: each pixel is the mean of what it covers.
    pub(super) fn scaled(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let mut scaled = Self::black(width, height);
        let columns: Vec<_> = (0..width).map(|x| covered(x, width, self.width)).collect();
        for y in 0..height {
            let rows = covered(y, height, self.height);
            for (x, column) in columns.iter().enumerate() {
                let mut sums = [0_u32; PIXEL];
                for row in rows.clone() {
                    let from = (row * self.width + column.start) * PIXEL;
                    let length = column.len() * PIXEL;
                    for (n, value) in self.pixels[from..from + length].iter().enumerate() {
                        sums[n % PIXEL] += u32::from(*value);
                    }
                }
                let count = (rows.len() * column.len()) as u32;
                let to = (y * width + x) * PIXEL;
                for (n, sum) in sums.into_iter().enumerate() {
                    scaled.pixels[to + n] = ((sum + count / 2) / count) as u8;
                }
            }
        }
        scaled
    }

    /// Puts another picture onto this one. What goes over the edge is left out.
    pub(super) fn put(&mut self, other: &Self, left: usize, top: usize) {
        let width = other.width.min(self.width.saturating_sub(left));
        for y in 0..other.height.min(self.height.saturating_sub(top)) {
            let to = ((top + y) * self.width + left) * PIXEL;
            let from = y * other.width * PIXEL;
            let row = &other.pixels[from..from + width * PIXEL];
            self.pixels[to..to + row.len()].copy_from_slice(row);
        }
    }
}

/// The pixels of `from` that pixel `at` of `to` covers: at least one.
fn covered(at: usize, to: usize, from: usize) -> std::ops::Range<usize> {
    let start = (at * from / to).min(from - 1);
    let end = ((at + 1) * from / to).clamp(start + 1, from);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pixels wide, one high: red, blue.
    fn flag() -> Image {
        Image { width: 2, height: 1, pixels: vec![255, 0, 0, 0, 0, 255] }
    }

    #[test]
    fn turning_and_mirroring_follow_gstreamer() {
        let red_at = |orientation| {
            let turned = flag().upright(orientation);
            let red = turned.pixels.chunks(PIXEL).position(|pixel| pixel[0] == 255).unwrap();
            (turned.width, turned.height, red)
        };
        assert_eq!(red_at(Orientation::Rotate0), (2, 1, 0));
        // A quarter turn clockwise: what was left is on top.
        assert_eq!(red_at(Orientation::Rotate90), (1, 2, 0));
        assert_eq!(red_at(Orientation::Rotate180), (2, 1, 1));
        assert_eq!(red_at(Orientation::Rotate270), (1, 2, 1));
        assert_eq!(red_at(Orientation::FlipRotate0), (2, 1, 1));
        assert_eq!(red_at(Orientation::FlipRotate180), (2, 1, 0));
    }

    #[test]
    fn scaling_is_the_mean() {
        assert_eq!(flag().scaled(1, 1).pixels, [128, 0, 128]);
        assert_eq!(flag().scaled(4, 2).pixels[..6], [255, 0, 0, 255, 0, 0]);
    }

    #[test]
    fn pictures_are_put_side_by_side() {
        let mut sheet = Image::black(3, 1);
        sheet.put(&flag(), 1, 0);
        assert_eq!(sheet.pixels, [0, 0, 0, 255, 0, 0, 0, 0, 255]);
        sheet.put(&flag(), 2, 0);
        assert_eq!(sheet.pixels[6..], [255, 0, 0]);
    }
}
