//! Charts of flat patches, written in the numbers of any kind of video.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Patches of a chart, across and down.
pub(super) const PATCHES: (usize, usize) = (8, 4);
/// Frames of a chart's film.
pub(super) const FRAMES: usize = 4;

/// How a film holds its numbers.
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub(super) size: (usize, usize),
    /// How much narrower and lower chroma is.
    pub(super) subsampling: (usize, usize),
    pub(super) bits: u32,
    pub(super) full_range: bool,
    /// Weights of red and blue in luma.
    pub(super) luma: (f64, f64),
    /// ffmpeg's encoder, with its own words for what the film says of its colours.
    pub(super) coding: &'static str,
}

pub(super) const BT601: (f64, f64) = (0.299, 0.114);
pub(super) const BT709: (f64, f64) = (0.2126, 0.0722);
pub(super) const BT2020: (f64, f64) = (0.2627, 0.0593);

impl Format {
    /// A film of patches of those colours, R′G′B′ of 0 to 1, row by row.
    pub(super) fn film(&self, folder: &Path, colours: &[[f64; 3]]) -> PathBuf {
        let codes: Vec<[u16; 3]> = colours.iter().map(|colour| self.codes(*colour)).collect();
        let planes = [(1, 1), self.subsampling, self.subsampling];
        let mut frame = Vec::new();
        for (plane, (narrower, lower)) in planes.into_iter().enumerate() {
            let (width, height) = (self.size.0 / narrower, self.size.1 / lower);
            for y in 0..height {
                for x in 0..width {
                    let patch = y * PATCHES.1 / height * PATCHES.0 + x * PATCHES.0 / width;
                    let code = codes[patch][plane].to_le_bytes();
                    frame.extend_from_slice(&code[..self.bits.div_ceil(8) as usize]);
                }
            }
        }
        let raw = folder.join("chart.yuv");
        std::fs::write(&raw, frame.repeat(FRAMES)).unwrap();
        let film = folder.join("chart.mkv");
        let kind = match self.subsampling {
            (1, 1) => "444",
            (2, 1) => "422",
            _ => "420",
        };
        let deep = if self.bits > 8 { format!("{}le", self.bits) } else { String::new() };
        let done = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "rawvideo", "-framerate", "25"])
            .args(["-pix_fmt", &format!("yuv{kind}p{deep}")])
            .args(["-video_size", &format!("{}x{}", self.size.0, self.size.1), "-i"])
            .arg(&raw)
            .args(self.coding.split_whitespace())
            .arg(&film)
            .status()
            .unwrap();
        assert!(done.success(), "{}", self.coding);
        film
    }

    /// Y′CbCr of a colour (Rec. ITU-R BT.709, 3 and 4; BT.2100, tables 6 and 9).
    fn codes(&self, [red, green, blue]: [f64; 3]) -> [u16; 3] {
        let (wr, wb) = self.luma;
        let y = wr * red + (1.0 - wr - wb) * green + wb * blue;
        let (cb, cr) = ((blue - y) / (2.0 - 2.0 * wb), (red - y) / (2.0 - 2.0 * wr));
        let unit = f64::from(1_u32 << (self.bits - 8));
        let most = f64::from((1_u32 << self.bits) - 1);
        let codes = match self.full_range {
            true => [y * most, 128.0 * unit + cb * most, 128.0 * unit + cr * most],
            false => [16.0 + 219.0 * y, 128.0 + 224.0 * cb, 128.0 + 224.0 * cr].map(|c| c * unit),
        };
        codes.map(|code| code.round().clamp(0.0, most) as u16)
    }
}

/// The colour that 8-bit codes of limited range mean.
pub(super) fn colour([y, cb, cr]: [f64; 3], (wr, wb): (f64, f64)) -> [f64; 3] {
    let (y, cb, cr) = ((y - 16.0) / 219.0, (cb - 128.0) / 224.0, (cr - 128.0) / 224.0);
    let (red, blue) = (y + (2.0 - 2.0 * wr) * cr, y + (2.0 - 2.0 * wb) * cb);
    [red, (y - wr * red - wb * blue) / (1.0 - wr - wb), blue]
}

/// Thirty-two colours: greys, the corners of the cube, and others between them.
pub(super) fn colours() -> Vec<[f64; 3]> {
    let greys = (0..8).map(|n| [f64::from(n) / 7.0; 3]);
    let corner =
        |n: u32, high: f64, low: f64| [4, 2, 1].map(|bit| if n & bit > 0 { high } else { low });
    let strong = (1..7).map(move |n| corner(n, 0.9, 0.1));
    let soft = (1..7).map(move |n| corner(n, 0.7, 0.4));
    let dark = (1..7).map(move |n| corner(n, 0.35, 0.15));
    // Skins, sky, leaves, brick, and the like.
    let found = [
        [0.45, 0.32, 0.27],
        [0.76, 0.59, 0.51],
        [0.38, 0.48, 0.61],
        [0.34, 0.42, 0.26],
        [0.84, 0.49, 0.18],
        [0.62, 0.74, 0.25],
    ];
    greys.chain(strong).chain(soft).chain(dark).chain(found).collect()
}
