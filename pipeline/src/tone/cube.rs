//! The conversion as a table: exact colours at its nodes, straight lines between them.
//!
//! A cell of chroma holds what stands at its four corners side by side, for every step of luma:
//! samples that share their chroma then share the weights of the corners, and one costs two reads
//! that lie next to each other.

use super::colour::Conversion;

/// Ten-bit codes between two nodes, as powers of two: luma is seen best.
const LUMA_SHIFT: u32 = 4;
const CHROMA_SHIFT: u32 = 4;
const CODES: usize = 1024;
const LUMA_CELLS: usize = CODES >> LUMA_SHIFT;
const CHROMA_CELLS: usize = CODES >> CHROMA_SHIFT;
/// The largest code.
const MOST: u16 = 1023;

/// One value at the corners of a cell of chroma, for each node of luma.
type Column = [[f32; 4]; LUMA_CELLS + 1];

/// From 10-bit Y′CbCr to 8-bit codes, not rounded.
pub(super) struct Cube {
    luma: Vec<Column>,
    blue: Vec<Column>,
    red: Vec<Column>,
}

/// A place in the plane of chroma.
pub(super) struct Chroma<'a> {
    cube: &'a Cube,
    cell: usize,
    weights: [f32; 4],
}

impl Cube {
    pub(super) fn new(conversion: &Conversion) -> Self {
        let nodes = CHROMA_CELLS + 1;
        let node = |n: usize, shift: u32| (n << shift) as f64;
        let mut exact = Vec::with_capacity(nodes * nodes);
        for cr in 0..nodes {
            for cb in 0..nodes {
                let column: [[f32; 3]; LUMA_CELLS + 1] = std::array::from_fn(|y| {
                    let codes =
                        [node(y, LUMA_SHIFT), node(cb, CHROMA_SHIFT), node(cr, CHROMA_SHIFT)];
                    conversion.convert(codes).map(|part| part as f32)
                });
                exact.push(column);
            }
        }
        let part = |which: usize| -> Vec<Column> {
            let cells = (0..CHROMA_CELLS * CHROMA_CELLS).map(|cell| {
                let first = cell / CHROMA_CELLS * nodes + cell % CHROMA_CELLS;
                let corners = [first, first + 1, first + nodes, first + nodes + 1];
                std::array::from_fn(|y| corners.map(|corner| exact[corner][y][which]))
            });
            cells.collect()
        };
        Self { luma: part(0), blue: part(1), red: part(2) }
    }

    /// A place in the plane of chroma; larger codes count as the largest.
    #[inline]
    pub(super) fn chroma(&self, blue: u16, red: u16) -> Chroma<'_> {
        let (blue, red) = (blue.min(MOST), red.min(MOST));
        let cell = |code: u16| usize::from(code >> CHROMA_SHIFT);
        let part = |code: u16| {
            f32::from(code & ((1 << CHROMA_SHIFT) - 1)) / (1_u16 << CHROMA_SHIFT) as f32
        };
        let (b, r) = (part(blue), part(red));
        let weights = [(1.0 - b) * (1.0 - r), b * (1.0 - r), (1.0 - b) * r, b * r];
        Chroma { cube: self, cell: cell(red) * CHROMA_CELLS + cell(blue), weights }
    }
}

impl Chroma<'_> {
    /// The new luma of a sample of this chroma.
    #[inline]
    pub(super) fn luma(&self, y: u16) -> f32 {
        self.between(&self.cube.luma[self.cell], y)
    }

    /// The new chroma, Cb and Cr, where luma is `y`.
    #[inline]
    pub(super) fn shifted(&self, y: u16) -> (f32, f32) {
        let column = |part: &Vec<Column>| self.between(&part[self.cell], y);
        (column(&self.cube.blue), column(&self.cube.red))
    }

    #[inline]
    fn between(&self, column: &Column, y: u16) -> f32 {
        let y = y.min(MOST);
        let cell = usize::from(y >> LUMA_SHIFT);
        let part = f32::from(y & ((1 << LUMA_SHIFT) - 1)) / (1_u16 << LUMA_SHIFT) as f32;
        let (low, high) = (&column[cell], &column[cell + 1]);
        let at: [f32; 4] =
            std::array::from_fn(|n| (low[n] + (high[n] - low[n]) * part) * self.weights[n]);
        (at[0] + at[1]) + (at[2] + at[3])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        colour::{
            Conversion, Meaning,
            tests::{PQ, WIDE},
        },
        transfer::{WHITE_NITS, dot, pq_signal, sdr_signal},
    };
    use super::*;

    fn read(cube: &Cube, [y, cb, cr]: [u16; 3]) -> [f64; 3] {
        let chroma = cube.chroma(cb, cr);
        let (blue, red) = chroma.shifted(y);
        [chroma.luma(y).into(), blue.into(), red.into()]
    }

    /// Codes of colours that BT.709 can show, as bright as `peak_nits`, or of all of BT.2020.
    fn colours(
        meaning: Meaning,
        peak: f64,
        encode: fn(f64) -> f64,
        wide: bool,
    ) -> impl Iterator<Item = [u16; 3]> {
        let (red_weight, blue_weight) = meaning.luma;
        (0..20_000_u64).map(move |n| {
            let random = |salt: u64| {
                let mixed = (n * 3 + salt).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
                mixed as f64 / f64::from(1_u32 << 24)
            };
            let light = [0, 1, 2].map(|salt| peak * random(salt).powf(2.4));
            // Rec. ITU-R BT.2087-0, 4: from BT.709's primaries.
            let to_wide =
                [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]];
            let light = if wide { light } else { to_wide.map(|row| dot(row, light)) };
            let [r, g, b] = light.map(encode);
            let y = red_weight * r + (1.0 - red_weight - blue_weight) * g + blue_weight * b;
            let cb = (b - y) / (2.0 - 2.0 * blue_weight);
            let cr = (r - y) / (2.0 - 2.0 * red_weight);
            [64.0 + 876.0 * y, 512.0 + 896.0 * cb, 512.0 + 896.0 * cr].map(|c| c.round() as u16)
        })
    }

    #[test]
    fn lines_between_nodes_are_close_to_the_curve() {
        let gamma: fn(f64) -> f64 = |nits| sdr_signal(nits / WHITE_NITS);
        for (meaning, peak, encode, wide) in [
            (PQ, 1000.0, pq_signal as fn(f64) -> f64, false),
            (PQ, 203.0, pq_signal, false),
            (PQ, 1000.0, pq_signal, true),
            (WIDE, 203.0, gamma, false),
            (WIDE, 203.0, gamma, true),
        ] {
            let conversion = Conversion::new(meaning);
            let cube = Cube::new(&conversion);
            let mut errors = [vec![], vec![], vec![]];
            for codes in colours(meaning, peak, encode, wide) {
                let exact = conversion.convert(codes.map(f64::from));
                let read = read(&cube, codes);
                for n in 0..3 {
                    errors[n].push((exact[n] - read[n]).abs());
                }
            }
            for part in &mut errors {
                part.sort_by(f64::total_cmp);
            }
            let mean = errors.each_ref().map(|part| part.iter().sum::<f64>() / part.len() as f64);
            let most = errors.each_ref().map(|part| part[part.len() * 99 / 100]);
            println!("{:?} {peak} {wide}: mean {mean:.2?}, 99 % {most:.2?}", meaning.transfer);
            assert!(mean.iter().all(|mean| *mean < 2.0), "{mean:?}");
        }
    }

    #[test]
    fn grey_is_exact() {
        let conversion = Conversion::new(PQ);
        let cube = Cube::new(&conversion);
        let mut last = 0.0;
        for y in 0..1024 {
            let exact = conversion.convert([y.into(), 512.0, 512.0])[0];
            let [read, blue, red] = read(&cube, [y, 512, 512]);
            assert!((exact - read).abs() < 0.5, "{y}: {exact} {read}");
            assert!((blue - 128.0).abs() < 1e-3 && (red - 128.0).abs() < 1e-3, "{y}");
            assert!(read >= last, "{y}");
            last = read;
        }
        // What no 10-bit sample should be.
        assert_eq!(read(&cube, [u16::MAX; 3]), read(&cube, [1023; 3]));
    }
}
