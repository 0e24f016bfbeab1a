//! From signals to light: what a reference display shows for a non-linear signal, cd/m².

/// HDR reference white (Report ITU-R BT.2408, 2.1). It is also what SDR's white stands for here:
/// mid-tones then keep their place.
pub(super) const WHITE_NITS: f64 = 203.0;
/// The peak of the nominal display that HLG is seen on (Rec. ITU-R BT.2100, table 5, note 5f).
pub(super) const HLG_PEAK_NITS: f64 = 1000.0;
/// The most a PQ signal can say.
pub(super) const PQ_PEAK_NITS: f64 = 10_000.0;

/// SMPTE ST 2084, 5.
const M1: f64 = 2610.0 / 16_384.0;
const M2: f64 = 2523.0 / 4096.0 * 128.0;
const C1: f64 = 3424.0 / 4096.0;
const C2: f64 = 2413.0 / 4096.0 * 32.0;
const C3: f64 = 2392.0 / 4096.0 * 32.0;

/// HLG's OETF (Rec. ITU-R BT.2100, table 5).
const A: f64 = 0.178_832_77;
const B: f64 = 1.0 - 4.0 * A;
const C: f64 = 0.559_910_73;
/// HLG's system gamma at [`HLG_PEAK_NITS`].
const HLG_GAMMA: f64 = 1.2;
/// BT.2020's weights of luminance.
const LUMINANCE: [f64; 3] = [0.2627, 0.6780, 0.0593];

/// SDR displays (Rec. ITU-R BT.1886, annex 1, with a black of 0).
const GAMMA: f64 = 2.4;

/// How a signal encodes light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67.
    Hlg,
    /// SDR in wider primaries than BT.709's.
    Gamma,
}

impl Transfer {
    /// The light of a signal (R′G′B′, 1 is nominal peak). Negative signals, which saturated
    /// colours between the nodes of a table have, give negative light.
    pub(super) fn light(self, signal: [f64; 3]) -> [f64; 3] {
        match self {
            Self::Pq => signal.map(|part| odd(part, pq_light)),
            Self::Gamma => signal.map(|part| odd(part, |part| WHITE_NITS * part.powf(GAMMA))),
            Self::Hlg => {
                let scene = signal.map(|part| odd(part, hlg_scene));
                let luminance = dot(LUMINANCE, scene).max(0.0);
                let gain = HLG_PEAK_NITS * luminance.powf(HLG_GAMMA - 1.0);
                scene.map(|part| part * gain)
            }
        }
    }
}

/// PQ's EOTF: the light of a signal of 0 to 1.
pub(super) fn pq_light(signal: f64) -> f64 {
    let root = signal.clamp(0.0, 1.0).powf(1.0 / M2);
    PQ_PEAK_NITS * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

/// Its inverse.
pub(super) fn pq_signal(nits: f64) -> f64 {
    let power = (nits / PQ_PEAK_NITS).clamp(0.0, 1.0).powf(M1);
    ((C1 + C2 * power) / (1.0 + C3 * power)).powf(M2)
}

/// HLG's inverse OETF: light of the scene, 1 at nominal peak.
fn hlg_scene(signal: f64) -> f64 {
    if signal <= 0.5 { signal * signal / 3.0 } else { (((signal - C) / A).exp() + B) / 12.0 }
}

/// The SDR signal that shows this much of white, 0 to 1.
pub(super) fn sdr_signal(part_of_white: f64) -> f64 {
    part_of_white.clamp(0.0, 1.0).powf(1.0 / GAMMA)
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn odd(value: f64, of: impl Fn(f64) -> f64) -> f64 {
    of(value.abs()).copysign(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    /// Report ITU-R BT.2408-7, table 1: signals of grey card, reference white and nominal peak.
    #[test]
    fn published_levels() {
        for (nits, percent) in [(203.0, 58.0), (100.0, 51.0), (1000.0, 75.0), (10_000.0, 100.0)] {
            near(pq_signal(nits) * 100.0, percent, 0.5);
            near(pq_light(pq_signal(nits)), nits, nits * 1e-9);
        }
        // In 10 bits, narrow range (Rec. ITU-R BT.2100, table 9).
        let code = |nits| (876.0 * pq_signal(nits) + 64.0).round();
        assert_eq!([100.0, 1000.0, 4000.0, 10_000.0].map(code), [509.0, 723.0, 855.0, 940.0]);
        assert_eq!(pq_light(0.0), 0.0);
        let grey = |signal: f64| Transfer::Hlg.light([signal; 3])[1];
        near(grey(0.75), 203.0, 1.0);
        near(grey(0.38), 26.0, 1.0);
        near(grey(1.0), 1000.0, 0.01);
        assert_eq!(grey(0.0), 0.0);
        near(Transfer::Gamma.light([1.0; 3])[0], 203.0, 1e-9);
        near(sdr_signal(0.5_f64.powf(2.4)), 0.5, 1e-12);
    }

    #[test]
    fn the_two_halves_of_hlg_meet() {
        near(hlg_scene(0.5), 1.0 / 12.0, 1e-12);
        near(hlg_scene(0.5 + 1e-9), 1.0 / 12.0, 1e-7);
        near(hlg_scene(1.0), 1.0, 1e-6);
    }

    #[test]
    fn whatever_the_signal_light_is_finite() {
        for transfer in [Transfer::Pq, Transfer::Hlg, Transfer::Gamma] {
            for signal in [[-1.0, 0.0, 2.0], [2.0, 2.0, 2.0], [-2.0, -2.0, -2.0], [0.0, 1.0, 0.0]] {
                let light = transfer.light(signal);
                assert!(light.iter().all(|part| part.is_finite()), "{transfer:?} {light:?}");
            }
        }
    }
}
