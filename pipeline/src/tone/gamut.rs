//! From wider primaries to BT.709's.

use super::transfer::dot;

/// Chromaticities of red, green, blue; the white of all is D65.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primaries {
    /// Rec. ITU-R BT.709.
    Bt709,
    /// Rec. ITU-R BT.2020, and BT.2100.
    Bt2020,
    /// SMPTE EG 432-1: DCI's colours with D65.
    DisplayP3,
}

type Matrix = [[f64; 3]; 3];

/// BT.709's weights of luminance.
const LUMINANCE: [f64; 3] = [0.2126, 0.7152, 0.0722];
/// Report ITU-R BT.2407-0, 2.2, with more digits: between the normalised primary matrices.
const FROM_BT2020: Matrix = [
    [1.660_491_002, -0.587_641_139, -0.072_849_863],
    [-0.124_550_475, 1.132_899_897, -0.008_349_423],
    [-0.018_150_763, -0.100_578_898, 1.118_729_661],
];
/// The same of SMPTE EG 432-1.
const FROM_DISPLAY_P3: Matrix = [
    [1.224_940_176, -0.224_940_176, 0.0],
    [-0.042_056_955, 1.042_056_955, 0.0],
    [-0.019_637_555, -0.078_636_046, 1.098_273_600],
];

impl Primaries {
    /// The same light in BT.709's primaries: nothing negative. What BT.709 can show stays exactly
    /// as it is. What it cannot is paled towards the grey of its own luminance just until it can:
    /// its brightness and its hue are worth more than a saturation nobody can see.
    pub(super) fn to_bt709(self, light: [f64; 3]) -> [f64; 3] {
        let light = match self {
            Self::Bt709 => light,
            Self::Bt2020 => FROM_BT2020.map(|row| dot(row, light)),
            Self::DisplayP3 => FROM_DISPLAY_P3.map(|row| dot(row, light)),
        };
        let least = light.into_iter().fold(f64::INFINITY, f64::min);
        if least >= 0.0 {
            return light;
        }
        let luminance = dot(LUMINANCE, light);
        if luminance <= 0.0 {
            return [0.0; 3];
        }
        let kept = luminance / (luminance - least);
        light.map(|part| (luminance + (part - luminance) * kept).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Primaries; 3] = [Primaries::Bt709, Primaries::Bt2020, Primaries::DisplayP3];

    #[test]
    fn grey_stays_grey() {
        for primaries in ALL {
            let grey = primaries.to_bt709([40.0; 3]);
            assert!(grey.iter().all(|part| (part - 40.0).abs() < 1e-5), "{primaries:?} {grey:?}");
        }
    }

    /// BT.709's red in BT.2020 (Rec. ITU-R BT.2087-0, 4).
    #[test]
    fn what_bt709_can_show_is_exact() {
        let [red, green, blue] = Primaries::Bt2020.to_bt709([0.6274, 0.0691, 0.0164]);
        assert!((red - 1.0).abs() < 1e-3 && green.abs() < 1e-3 && blue.abs() < 1e-3);
    }

    #[test]
    fn corners_keep_their_luminance_and_order() {
        for primaries in ALL {
            for corner in 1..8 {
                let light = [1, 2, 4].map(|bit| if corner & bit > 0 { 100.0 } else { 0.0 });
                let shown = primaries.to_bt709(light);
                assert!(shown.iter().all(|part| part.is_finite() && *part >= 0.0));
                // The row of luminance in the source's primaries.
                let weights = match primaries {
                    Primaries::Bt709 => LUMINANCE,
                    Primaries::Bt2020 => [0.2627, 0.6780, 0.0593],
                    Primaries::DisplayP3 => [0.2290, 0.6917, 0.0793],
                };
                let (before, after) = (dot(weights, light), dot(LUMINANCE, shown));
                assert!((before - after).abs() < 0.05, "{primaries:?} {light:?} {shown:?}");
                let brightest = |parts: [f64; 3]| {
                    (0..3).filter(|n| parts[*n] >= parts.into_iter().fold(0.0, f64::max)).count()
                };
                assert!(brightest(shown) <= brightest(light));
            }
            assert_eq!(primaries.to_bt709([-1.0, -1.0, -1.0]), [0.0; 3]);
        }
    }
}
