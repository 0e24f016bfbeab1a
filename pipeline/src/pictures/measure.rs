//! How good a picture is as a poster.

use super::image::{Image, PIXEL};

/// Bins of the histogram of brightness.
const BINS: usize = 64;
/// Mean brightness from which on a picture is neither too dark nor too bright.
const DARK: f64 = 48.0;
const BRIGHT: f64 = 208.0;
/// Standard deviation of brightness from which on a picture is not flat.
const FLAT: f64 = 24.0;
/// What is cut off at each edge: letterbox bars and burnt-in channel logos, in tenths.
const EDGE: usize = 10;

/// The measure, larger is better: entropy × log sharpness × exposure × contrast.
///
/// All of it on BT.601 luma of the middle four fifths. Entropy of a 64-bin histogram, in bits: how
/// much there is to see. Sharpness is the variance of the 4-neighbour Laplacian, which motion and
/// defocus make small; its logarithm, because noise makes it large without end. Exposure falls with
/// the square of how much darker than 48 or brighter than 208 the mean is, contrast with the
/// square of how much less than 24 the standard deviation is: so fades, black and white lose
/// against whatever else there is.
pub(super) fn quality(image: &Image) -> f64 {
    let luma = Luma::middle_of(image);
    let count = luma.values.len() as f64;
    let mean = luma.values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let deviation =
        luma.values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    let exposure = (mean / DARK).min((255.0 - mean) / (255.0 - BRIGHT)).clamp(0.0, 1.0).powi(2);
    let contrast = (deviation.sqrt() / FLAT).min(1.0).powi(2);
    luma.entropy() * (1.0 + luma.sharpness()).ln() * exposure * contrast
}

struct Luma {
    width: usize,
    values: Vec<u8>,
}

impl Luma {
    fn middle_of(image: &Image) -> Self {
        let (left, top) = (image.width / EDGE, image.height / EDGE);
        let width = image.width - 2 * left;
        let rows = image.pixels.chunks_exact(image.width * PIXEL);
        let rows = rows.skip(top).take(image.height - 2 * top);
        let pixels = rows.flat_map(|row| row[left * PIXEL..][..width * PIXEL].chunks_exact(PIXEL));
        let luma = |pixel: &[u8]| {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            ((77 * r + 150 * g + 29 * b) >> 8) as u8
        };
        Self { width, values: pixels.map(luma).collect() }
    }

    fn entropy(&self) -> f64 {
        let mut bins = [0_u32; BINS];
        for value in &self.values {
            bins[usize::from(*value) * BINS / 256] += 1;
        }
        let count = self.values.len() as f64;
        let bits = |bin: &u32| {
            let share = f64::from(*bin) / count;
            -share * share.log2()
        };
        bins.iter().filter(|bin| **bin > 0).map(bits).sum()
    }

    fn sharpness(&self) -> f64 {
        let at = |index: usize| i32::from(self.values[index]);
        let (mut sum, mut squares, mut count) = (0_i64, 0_i64, 0_i64);
        let height = self.values.len() / self.width.max(1);
        for y in 1..height.saturating_sub(1) {
            for x in 1..self.width.saturating_sub(1) {
                let i = y * self.width + x;
                let around = at(i - 1) + at(i + 1) + at(i - self.width) + at(i + self.width);
                let laplacian = i64::from(around - 4 * at(i));
                sum += laplacian;
                squares += laplacian * laplacian;
                count += 1;
            }
        }
        let count = count.max(1) as f64;
        (squares as f64 / count - (sum as f64 / count).powi(2)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(brightness: impl Fn(usize, usize) -> usize) -> Image {
        let mut image = Image::black(64, 36);
        for y in 0..36 {
            for x in 0..64 {
                let value = brightness(x, y).min(255) as u8;
                image.pixels[(y * 64 + x) * PIXEL..][..PIXEL].fill(value);
            }
        }
        image
    }

    /// Tiles of many greys: edges and variety.
    fn scene(x: usize, y: usize) -> usize {
        40 + (x / 4 * 37 + y / 4 * 59) % 180
    }

    #[test]
    fn a_sharp_scene_beats_a_soft_one_and_that_beats_fades() {
        let sharp = quality(&painted(scene));
        let soft = quality(&painted(|x, y| {
            let near = (0..7).flat_map(|dx| (0..7).map(move |dy| (x + dx, y + dy)));
            near.map(|(x, y)| scene(x, y)).sum::<usize>() / 49
        }));
        let dark = quality(&painted(|x, y| scene(x, y) / 12));
        let washed = quality(&painted(|x, y| 235 + scene(x, y) / 12));
        let order = [sharp, soft, dark, washed];
        assert!(sharp > soft && soft > dark && soft > washed, "{order:?}");
        for value in [0, 128, 255] {
            assert!(quality(&painted(|_, _| value)) < dark.min(washed), "{value}");
        }
    }

    #[test]
    fn bars_do_not_make_a_picture_dark() {
        let bars = quality(&painted(|x, y| if !(3..33).contains(&y) { 0 } else { scene(x, y) }));
        assert!((bars - quality(&painted(scene))).abs() < 0.1);
    }

    #[test]
    fn the_smallest_pictures_are_measured() {
        for (width, height) in [(1, 1), (2, 1), (1, 9)] {
            assert!(quality(&Image::black(width, height)).abs() < 1e-9);
        }
    }
}
