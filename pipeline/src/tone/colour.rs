//! One colour, from a source's code values to those of BT.709, exactly.

use super::{
    eetf::Eetf,
    gamut::Primaries,
    transfer::{HLG_PEAK_NITS, Transfer, WHITE_NITS, sdr_signal},
};

/// Weights of red and blue in BT.709's luma.
const BT709: (f64, f64) = (0.2126, 0.0722);

/// What the numbers of a source mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meaning {
    pub(super) transfer: Transfer,
    pub(super) primaries: Primaries,
    /// Weights of red and blue in luma.
    pub(super) luma: (f64, f64),
    pub(super) full_range: bool,
    /// How bright PQ gets, cd/m²; the others say so themselves.
    pub(super) peak_nits: f64,
}

/// How its colours become BT.709's.
pub(super) struct Conversion {
    meaning: Meaning,
    eetf: Eetf,
}

impl Conversion {
    pub(super) fn new(meaning: Meaning) -> Self {
        let peak_nits = match meaning.transfer {
            Transfer::Pq => meaning.peak_nits,
            Transfer::Hlg => HLG_PEAK_NITS,
            Transfer::Gamma => WHITE_NITS,
        };
        Self { meaning, eetf: Eetf::new(peak_nits) }
    }

    /// From Y′CbCr in 10-bit codes to 8-bit ones of limited range, not rounded.
    pub(super) fn convert(&self, codes: [f64; 3]) -> [f64; 3] {
        let light = self.meaning.transfer.light(self.signal(codes));
        let light = self.meaning.primaries.to_bt709(light);
        // By the brightest part, and all alike: hue and saturation stay, nothing is clipped.
        let brightest = light.into_iter().fold(0.0, f64::max);
        let gain = if brightest > 0.0 { self.eetf.shown(brightest) / brightest } else { 0.0 };
        let [red, green, blue] = light.map(|part| sdr_signal(part * gain / WHITE_NITS));
        let luma = BT709.0 * red + (1.0 - BT709.0 - BT709.1) * green + BT709.1 * blue;
        let blueness = (blue - luma) / (2.0 - 2.0 * BT709.1);
        let redness = (red - luma) / (2.0 - 2.0 * BT709.0);
        [16.0 + 219.0 * luma, 128.0 + 224.0 * blueness, 128.0 + 224.0 * redness]
    }

    /// R′G′B′ of 10-bit codes (Rec. ITU-R BT.2100, table 9).
    fn signal(&self, [y, cb, cr]: [f64; 3]) -> [f64; 3] {
        let (black, luma_range, chroma_range) =
            if self.meaning.full_range { (0.0, 1023.0, 1023.0) } else { (64.0, 876.0, 896.0) };
        let (weight_red, weight_blue) = self.meaning.luma;
        let luma = (y - black) / luma_range;
        let blue = luma + (cb - 512.0) / chroma_range * (2.0 - 2.0 * weight_blue);
        let red = luma + (cr - 512.0) / chroma_range * (2.0 - 2.0 * weight_red);
        let others = weight_red * red + weight_blue * blue;
        [red, (luma - others) / (1.0 - weight_red - weight_blue), blue]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const PQ: Meaning = Meaning {
        transfer: Transfer::Pq,
        primaries: Primaries::Bt2020,
        luma: (0.2627, 0.0593),
        full_range: false,
        peak_nits: 1000.0,
    };
    pub(in super::super) const HLG: Meaning = Meaning { transfer: Transfer::Hlg, ..PQ };
    pub(in super::super) const WIDE: Meaning = Meaning { transfer: Transfer::Gamma, ..PQ };

    #[test]
    fn grey_ramps_rise_from_black_to_white_and_stay_grey() {
        for (meaning, peak) in [(PQ, 723.0), (HLG, 940.0), (WIDE, 940.0)] {
            let conversion = Conversion::new(meaning);
            let mut last = 0.0;
            for code in 0..1024_u32 {
                let [y, cb, cr] = conversion.convert([code.into(), 512.0, 512.0]);
                assert!((cb - 128.0).abs() < 1e-3 && (cr - 128.0).abs() < 1e-3, "{code}");
                assert!(y > last - 1e-6, "{meaning:?} {code}: {last} {y}");
                last = y;
            }
            let [black, ..] = conversion.convert([64.0, 512.0, 512.0]);
            let [white, ..] = conversion.convert([peak, 512.0, 512.0]);
            assert!((black - 16.0).abs() < 1e-6, "{black}");
            assert!((white - 235.0).abs() < 0.3, "{white}");
        }
    }

    /// Clipped is what has the code of the peak once it is rounded to eight bits.
    #[test]
    fn no_grey_below_nine_tenths_of_the_peak_is_clipped() {
        for (meaning, peak_nits) in [(PQ, 1000.0), (PQ, 4000.0), (HLG, HLG_PEAK_NITS)] {
            let meaning = Meaning { peak_nits, ..meaning };
            let conversion = Conversion::new(meaning);
            let light = |code: f64| meaning.transfer.light([(code - 64.0) / 876.0; 3])[1];
            let codes = (64..1024_u32).map(f64::from);
            let below: Vec<f64> = codes.filter(|code| light(*code) < 0.9 * peak_nits).collect();
            let shown = below.iter().map(|code| conversion.convert([*code, 512.0, 512.0])[0]);
            let shown: Vec<f64> = shown.collect();
            assert!(shown.is_sorted_by(|a, b| a < b), "{meaning:?}");
            let most = shown.last().unwrap();
            // Two codes are left: none of them is lost to dither or to coding.
            assert!(*most < 233.5, "{meaning:?}: {most}");
        }
    }

    #[test]
    fn full_range_means_the_same() {
        let full = Conversion::new(Meaning { full_range: true, ..PQ });
        let limited = Conversion::new(PQ);
        for signal in [0.0, 0.2, 0.5, 0.7] {
            let a = full.convert([1023.0 * signal, 512.0 + 102.3, 512.0 - 51.15]);
            let b = limited.convert([64.0 + 876.0 * signal, 512.0 + 89.6, 512.0 - 44.8]);
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
        }
    }

    #[test]
    fn every_corner_is_a_colour() {
        for meaning in [PQ, HLG, WIDE] {
            let conversion = Conversion::new(meaning);
            for y in [0.0, 64.0, 500.0, 940.0, 1023.0] {
                for (cb, cr) in [(0.0, 0.0), (0.0, 1023.0), (1023.0, 0.0), (1023.0, 1023.0)] {
                    let [y, cb, cr] = conversion.convert([y, cb, cr]);
                    assert!((16.0..235.001).contains(&y), "{y}");
                    assert!((15.999..240.001).contains(&cb), "{cb}");
                    assert!((15.999..240.001).contains(&cr), "{cr}");
                }
            }
        }
    }
}
