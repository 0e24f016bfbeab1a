//! How bright the parts of an HDR picture are shown in SDR: the EETF of Report ITU-R BT.2390-4
//! 5.4.1 ("Mapping to display with limited brightness range"), from the peak of the source down to
//! [`WHITE_NITS`].
//!
//! Up to a knee nothing changes; above it a Hermite spline in the PQ domain leads to the target's
//! peak. One thing differs from the report: its spline arrives with a slope of 0, so that 8 bits
//! show everything above half of the peak as one white. Here it arrives with [`END_SLOPE`], which
//! keeps nine tenths of the peak two codes apart from white.

use super::transfer::{PQ_PEAK_NITS, WHITE_NITS, pq_light, pq_signal};

/// Of the spline at the source's peak; small enough for it to rise all the way.
const END_SLOPE: f64 = 0.2;

/// The curve of a title.
#[derive(Debug, Clone, Copy)]
pub(super) struct Eetf {
    /// PQ of the source's peak: 1 on the curve's scale.
    peak: f64,
    /// The target's peak on that scale.
    most: f64,
    /// Where the spline begins on that scale.
    knee: f64,
}

impl Eetf {
    /// For a source that is at most so bright. One that is never brighter than white is left as it
    /// is.
    pub(super) fn new(peak_nits: f64) -> Self {
        let peak = pq_signal(peak_nits.clamp(WHITE_NITS, PQ_PEAK_NITS));
        let most = (pq_signal(WHITE_NITS) / peak).min(1.0);
        Self { peak, most, knee: 1.5 * most - 0.5 }
    }

    /// What is shown of this much light, cd/m²: at most white.
    pub(super) fn shown(&self, nits: f64) -> f64 {
        let signal = (pq_signal(nits) / self.peak).min(1.0);
        // Where there is no spline, the two are one.
        if signal <= self.knee || self.knee >= 1.0 {
            return nits.min(WHITE_NITS);
        }
        pq_light(self.spline(signal) * self.peak).min(WHITE_NITS)
    }

    fn spline(&self, signal: f64) -> f64 {
        let width = 1.0 - self.knee;
        let t = (signal - self.knee) / width;
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * self.knee
            + (t3 - 2.0 * t2 + t) * width
            + (3.0 * t2 - 2.0 * t3) * self.most
            + (t3 - t2) * width * END_SLOPE
    }
}

#[cfg(test)]
mod tests {
    use super::super::transfer::sdr_signal;
    use super::*;

    const PEAKS: [f64; 8] = [0.0, 100.0, 203.0, 204.0, 400.0, 1000.0, 4000.0, 10_000.0];

    #[test]
    fn it_rises_from_black_to_white() {
        for peak in PEAKS {
            let eetf = Eetf::new(peak);
            assert_eq!(eetf.shown(0.0), 0.0);
            let end = eetf.shown(peak.max(WHITE_NITS));
            assert!((end - WHITE_NITS).abs() < 1e-6, "{peak}: {end}");
            let steps = (0..=2000).map(|n| eetf.shown(pq_light(f64::from(n) / 2000.0)));
            let steps: Vec<f64> = steps.collect();
            assert!(steps.iter().all(|nits| (0.0..=WHITE_NITS).contains(nits)));
            for (n, pair) in steps.windows(2).enumerate() {
                assert!(pair[1] >= pair[0], "{peak}: {pair:?}");
                let below_peak = pq_light(n as f64 / 2000.0 + 0.001) < peak.max(WHITE_NITS);
                assert!(pair[1] > pair[0] || !below_peak, "{peak}: flat at {}", pair[0]);
            }
        }
    }

    #[test]
    fn below_the_knee_nothing_changes() {
        // KS = 1.5 maxLum − 0.5: with a peak of 1000 cd/m² about 88.
        let eetf = Eetf::new(1000.0);
        let knee = pq_light(eetf.knee * eetf.peak);
        assert!((85.0..90.0).contains(&knee), "{knee}");
        for nits in [0.001, 1.0, 26.0, 85.0, knee] {
            assert_eq!(eetf.shown(nits), nits);
        }
        assert!(eetf.shown(knee * 1.2) < knee * 1.2);
        let dim = Eetf::new(150.0);
        assert_eq!([dim.shown(150.0), dim.shown(203.0), dim.shown(500.0)], [150.0, 203.0, 203.0]);
    }

    /// In 8-bit codes of SDR.
    #[test]
    fn highlights_keep_apart_up_to_nine_tenths_of_the_peak() {
        let code = |eetf: &Eetf, nits| 16.0 + 219.0 * sdr_signal(eetf.shown(nits) / WHITE_NITS);
        for peak in [400.0, 1000.0, 2000.0, 4000.0, 10_000.0] {
            let eetf = Eetf::new(peak);
            let top = code(&eetf, 0.9 * peak);
            assert!(top < 234.0, "{peak}: {top}");
            // Reference white stays a bright white.
            assert!(code(&eetf, WHITE_NITS) > 175.0, "{peak}: {}", code(&eetf, WHITE_NITS));
        }
    }
}
