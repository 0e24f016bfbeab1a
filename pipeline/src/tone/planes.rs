//! Whole pictures: through a [`Cube`], 4:2:0 of 10 bits in, 4:2:0 of 8 bits out; or from full range
//! to limited.
//!
//! Chroma is neither moved nor made finer: each sample is converted where it lies, with the luma it
//! is sited beside, and serves the four samples of luma around it. That their chroma is not
//! interpolated costs less than the coding of chroma does, and saves half of the time.

use super::cube::Cube;

/// Which of a picture's codes, little-endian, lie where.
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) stride: usize,
}

/// The same of what is written.
pub(super) struct PlaneMut<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) stride: usize,
}

/// A picture's size, and how its rows of chroma belong to those of luma.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Two fields, each with chroma of its own.
    pub(super) interlaced: bool,
}

/// Bayer's matrix: thresholds of ordered dither, each once. Ten bits would show as steps in eight.
const DITHER: [[f32; 8]; 8] = dither();
/// Added to a small number it leaves the nearest integer in the lowest bits.
const ROUNDING: f32 = 8_388_608.0;

/// Converts a picture; planes too short for the layout are left as they are from there on.
pub(super) fn convert(cube: &Cube, layout: Layout, from: [Plane<'_>; 3], to: [PlaneMut<'_>; 3]) {
    let [mut luma, mut blue, mut red] = to;
    let half = layout.width.div_ceil(2);
    let mut rows = Rows::new(half);
    for row in 0..layout.height.div_ceil(2) {
        let at = layout.luma_rows(row);
        let read = rows.blue.fill(&from[1], row, half)
            && rows.red.fill(&from[2], row, half)
            && rows.upper.fill(&from[0], at[0], layout.width)
            && rows.lower.fill(&from[0], at[1], layout.width);
        if !read {
            return;
        }
        rows.convert(cube, row, at);
        luma.write(at[0], &rows.new_upper[..layout.width]);
        luma.write(at[1], &rows.new_lower[..layout.width]);
        blue.write(row, &rows.new_blue);
        red.write(row, &rows.new_red);
    }
}

/// From full range to limited, both of 8 bits (Rec. ITU-T H.273, 8.3); planes too short for the
/// layout are left as they are from there on.
pub(super) fn narrow(layout: Layout, from: [Plane<'_>; 3], to: [PlaneMut<'_>; 3]) {
    let table = |zero: f64, limited_zero: f64, range: f64| -> [u8; 256] {
        let narrowed = |code: usize| limited_zero + (code as f64 - zero) * range / 255.0;
        std::array::from_fn(|code| narrowed(code).round() as u8)
    };
    let (luma, chroma) = (table(0.0, 16.0, 219.0), table(128.0, 128.0, 224.0));
    let half = (layout.width.div_ceil(2), layout.height.div_ceil(2));
    let sizes = [(layout.width, layout.height), half, half];
    for (((from, mut to), (width, height)), table) in
        from.into_iter().zip(to).zip(sizes).zip([&luma, &chroma, &chroma])
    {
        let mut row = vec![0; width];
        for y in 0..height {
            let start = y * from.stride;
            let Some(codes) = from.bytes.get(start..start + width) else { return };
            for (to, code) in row.iter_mut().zip(codes) {
                *to = table[usize::from(*code)];
            }
            to.write(y, &row);
        }
    }
}

impl Layout {
    /// The rows of luma that a row of chroma serves; the last may serve one.
    fn luma_rows(&self, row: usize) -> [usize; 2] {
        let first = if self.interlaced { row / 2 * 4 + row % 2 } else { row * 2 };
        let step = if self.interlaced { 2 } else { 1 };
        [first, first + step].map(|row| row.min(self.height - 1))
    }
}

/// A row of codes, as many as there are pairs.
struct Codes(Vec<u16>);

impl Codes {
    /// Reads `count` codes of a row and repeats the last; whether there are as many.
    fn fill(&mut self, plane: &Plane<'_>, row: usize, count: usize) -> bool {
        let start = row * plane.stride;
        let Some(bytes) = plane.bytes.get(start..start + count * 2) else { return false };
        for (code, bytes) in self.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *code = u16::from_le_bytes(*bytes);
        }
        let last = self.0[count.saturating_sub(1)];
        self.0[count..].fill(last);
        true
    }
}

/// Two rows of luma with their chroma, before and after.
struct Rows {
    upper: Codes,
    lower: Codes,
    blue: Codes,
    red: Codes,
    new_upper: Vec<u8>,
    new_lower: Vec<u8>,
    new_blue: Vec<u8>,
    new_red: Vec<u8>,
}

impl Rows {
    fn new(half: usize) -> Self {
        let codes = |count| Codes(vec![0; count]);
        Self {
            upper: codes(half * 2),
            lower: codes(half * 2),
            blue: codes(half),
            red: codes(half),
            new_upper: vec![0; half * 2],
            new_lower: vec![0; half * 2],
            new_blue: vec![0; half],
            new_red: vec![0; half],
        }
    }

    fn convert(&mut self, cube: &Cube, row: usize, at: [usize; 2]) {
        let upper = self.upper.0.as_chunks::<2>().0.iter();
        let lower = self.lower.0.as_chunks::<2>().0.iter();
        let chroma = self.blue.0.iter().zip(&self.red.0);
        let new_upper = self.new_upper.as_chunks_mut::<2>().0.iter_mut();
        let new_lower = self.new_lower.as_chunks_mut::<2>().0.iter_mut();
        let new_chroma = self.new_blue.iter_mut().zip(&mut self.new_red);
        let dither = [row, at[0], at[1]].map(|row| &DITHER[row % 8]);
        let pixels = upper.zip(lower).zip(chroma).zip(new_upper.zip(new_lower).zip(new_chroma));
        for (x, (((upper, lower), (blue, red)), ((new_upper, new_lower), new))) in
            pixels.enumerate()
        {
            let chroma = cube.chroma(*blue, *red);
            let x2 = x * 2 % 8;
            new_upper[0] = rounded(chroma.luma(upper[0]), dither[1][x2]);
            new_upper[1] = rounded(chroma.luma(upper[1]), dither[1][x2 + 1]);
            new_lower[0] = rounded(chroma.luma(lower[0]), dither[2][x2]);
            new_lower[1] = rounded(chroma.luma(lower[1]), dither[2][x2 + 1]);
            // BT.2100's chroma lies beside the left samples; halfway down or above is all one.
            let beside = (upper[0].min(1023) + lower[0].min(1023)) / 2;
            let (new_blue, new_red) = chroma.shifted(beside);
            *new.0 = rounded(new_blue, dither[0][x % 8]);
            *new.1 = rounded(new_red, dither[0][x % 8]);
        }
    }
}

impl PlaneMut<'_> {
    fn write(&mut self, row: usize, codes: &[u8]) {
        let start = row * self.stride;
        if let Some(bytes) = self.bytes.get_mut(start..start + codes.len()) {
            bytes.copy_from_slice(codes);
        }
    }
}

/// To an integer, up or down as the threshold of its place says.
#[inline]
fn rounded(value: f32, threshold: f32) -> u8 {
    // Codes are within 16 and 240, so that nothing leaves the lowest byte.
    (value + threshold + ROUNDING).to_bits() as u8
}

const fn dither() -> [[f32; 8]; 8] {
    let mut matrix = [[0.0; 8]; 8];
    let mut at = 0;
    while at < 64 {
        let (x, y) = (at % 8, at / 8);
        // The bits of x ^ y and of y, interleaved, the lowest first.
        let (mut rank, mut bit) = (0, 0);
        while bit < 3 {
            rank = rank << 2 | ((x ^ y) >> bit & 1) << 1 | (y >> bit & 1);
            bit += 1;
        }
        matrix[y][x] = (rank as f32 + 0.5) / 64.0 - 0.5;
        at += 1;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::super::colour::{Conversion, tests::PQ};
    use super::*;

    fn picture(layout: Layout, code: impl Fn(usize, usize, usize) -> u16) -> [Vec<u8>; 3] {
        let Layout { width, height, .. } = layout;
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        [(0, width, height), (1, half_width, half_height), (2, half_width, half_height)].map(
            |(plane, width, height)| {
                let at = |n: usize| code(plane, n % width, n / width);
                (0..width * height).flat_map(|n| at(n).to_le_bytes()).collect()
            },
        )
    }

    fn converted(layout: Layout, source: &[Vec<u8>; 3]) -> [Vec<u8>; 3] {
        let cube = Cube::new(&Conversion::new(PQ));
        let half = layout.width.div_ceil(2);
        let widths = [layout.width, half, half];
        let mut made = [0, 1, 2].map(|n| vec![0_u8; source[n].len() / 2]);
        let from = [0, 1, 2].map(|n| Plane { bytes: &source[n], stride: widths[n] * 2 });
        let [luma, blue, red] = &mut made;
        let to = [(luma, widths[0]), (blue, half), (red, half)]
            .map(|(bytes, stride)| PlaneMut { bytes, stride });
        convert(&cube, layout, from, to);
        made
    }

    #[test]
    fn dither_is_fair() {
        let mut all: Vec<f32> = DITHER.iter().flatten().copied().collect();
        all.sort_by(f32::total_cmp);
        let expected: Vec<f32> = (0..64_u8).map(|n| (f32::from(n) + 0.5) / 64.0 - 0.5).collect();
        assert_eq!(all, expected);
        // Neighbours are far apart.
        assert!(
            DITHER.iter().all(|row| row.windows(2).all(|pair| (pair[0] - pair[1]).abs() > 0.2))
        );
        assert_eq!(
            [rounded(16.0, 0.49), rounded(235.4, -0.49), rounded(100.5, 0.1)],
            [16, 235, 101]
        );
    }

    #[test]
    fn flat_pictures_of_odd_sizes_are_filled_to_the_edge() {
        for (width, height, interlaced) in
            [(1, 1, false), (5, 3, false), (16, 9, false), (7, 7, true), (8, 8, true)]
        {
            let layout = Layout { width, height, interlaced };
            let made = converted(layout, &picture(layout, |plane, _, _| [723, 512, 512][plane]));
            assert!(made[0].iter().all(|y| (234..=235).contains(y)), "{layout:?} {:?}", made[0]);
            assert!(made[1].iter().chain(&made[2]).all(|c| *c == 128), "{layout:?}");
        }
    }

    /// In an interlaced picture every other row is of the other field, and so is its chroma.
    #[test]
    fn chroma_serves_the_rows_of_its_field() {
        let layout = Layout { width: 4, height: 8, interlaced: true };
        // One field red, one blue, equally bright.
        let field = |plane: usize, y: usize| match (plane, y % 2) {
            (0, _) => 400,
            (1, 0) | (2, 1) => 450,
            _ => 650,
        };
        let source = picture(layout, |plane, _, y| field(plane, y));
        let made = converted(layout, &source);
        for y in 0..8 {
            let row = &made[0][y * 4..y * 4 + 4];
            let alike = &made[0][y % 2 * 4..y % 2 * 4 + 4];
            assert!(row.iter().zip(alike).all(|(a, b)| a.abs_diff(*b) <= 1), "{y}: {row:?}");
        }
        assert!(made[0][0].abs_diff(made[0][4]) > 3, "the fields differ");
    }

    #[test]
    fn full_range_is_narrowed_to_the_edge() {
        let codes = [0_u8, 128, 255];
        let mut made = [[9_u8; 4], [9; 4], [9; 4]];
        let from = [0, 1, 2].map(|_| Plane { bytes: &codes, stride: 3 });
        let to = made.each_mut().map(|bytes| PlaneMut { bytes, stride: 4 });
        narrow(Layout { width: 3, height: 1, interlaced: false }, from, to);
        assert_eq!(made, [[16, 126, 235, 9], [16, 128, 9, 9], [16, 128, 9, 9]]);
    }

    #[test]
    fn short_planes_do_no_harm() {
        let layout = Layout { width: 4, height: 4, interlaced: false };
        let mut source = picture(layout, |_, x, y| (x * 100 + y) as u16);
        source[1].truncate(3);
        let made = converted(layout, &source);
        assert_eq!(made[0], [0; 16]);
    }
}
