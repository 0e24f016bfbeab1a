//! H.264 levels (Rec. ITU-T H.264, table A-1).

use kinora_media::FrameRate;

/// A row of table A-1; MaxBR in units of 1000 bits a second.
struct Level {
    level: u32,
    max_mbps: u64,
    max_fs: u64,
    max_dpb_mbs: u64,
    max_br: u64,
}

const fn row(level: u32, max_mbps: u64, max_fs: u64, max_dpb_mbs: u64, max_br: u64) -> Level {
    Level { level, max_mbps, max_fs, max_dpb_mbs, max_br }
}

const LEVELS: [Level; 16] = [
    row(10, 1485, 99, 396, 64),
    row(11, 3000, 396, 900, 192),
    row(12, 6000, 396, 2376, 384),
    row(13, 11_880, 396, 2376, 768),
    row(20, 11_880, 396, 2376, 2000),
    row(21, 19_800, 792, 4752, 4000),
    row(22, 20_250, 1620, 8100, 4000),
    row(30, 40_500, 1620, 8100, 10_000),
    row(31, 108_000, 3600, 18_000, 14_000),
    row(32, 216_000, 5120, 20_480, 20_000),
    row(40, 245_760, 8192, 32_768, 20_000),
    row(41, 245_760, 8192, 32_768, 50_000),
    row(42, 522_240, 8704, 34_816, 50_000),
    row(50, 589_824, 22_080, 110_400, 135_000),
    row(51, 983_040, 36_864, 184_320, 240_000),
    row(52, 2_073_600, 36_864, 184_320, 240_000),
];

/// Pictures the decoder must be able to keep: what x264's B pyramid takes at our presets.
const DPB_PICTURES: u64 = 4;

/// The lowest level, times ten, that a High profile stream of this size, rate and VBV cap fits
/// (clauses A.3.1 and A.3.3; the High profile may have 1.25 × MaxBR). Pictures beyond every level
/// get the highest.
pub(super) fn level(width: u32, height: u32, rate: FrameRate, max_kbps: u32) -> u32 {
    let (columns, rows) = (u64::from(width).div_ceil(16), u64::from(height).div_ceil(16));
    let size = columns * rows;
    let longest = columns.max(rows);
    let a_second = (size * u64::from(rate.num.get())).div_ceil(u64::from(rate.den.get()));
    let fits = |l: &&Level| {
        size <= l.max_fs
            && longest * longest <= 8 * l.max_fs
            && a_second <= l.max_mbps
            && size * DPB_PICTURES <= l.max_dpb_mbs
            && u64::from(max_kbps) * 4 <= l.max_br * 5
    };
    LEVELS.iter().find(fits).map_or(52, |l| l.level)
}

/// Up to this level a high cap may lift a rung above what its size and rate ask for: phones and
/// televisions of the last ten years decode it.
const LIFTED_TO: u32 = 42;

/// The highest VBV cap of a rung of this size and rate, kbit/s: what level 4.2 allows, or the
/// higher level that size and rate ask for.
pub(super) fn most_kbps(width: u32, height: u32, rate: FrameRate) -> u32 {
    let level = level(width, height, rate, 0).max(LIFTED_TO);
    let row = LEVELS.iter().find(|row| row.level == level).unwrap_or(&LEVELS[LEVELS.len() - 1]);
    u32::try_from(row.max_br * 5 / 4).unwrap_or(u32::MAX)
}

/// [`most_kbps`] of a 16:9 picture of so many lines at 30 frames a second.
pub(crate) fn most_kbps_of_step(height: u32) -> u32 {
    let width = u64::from(height) * 16 / 9;
    let rate = FrameRate::new(30, 1).expect("neither is 0");
    most_kbps(u32::try_from(width).unwrap_or(u32::MAX), height, rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_stay_within_table_a_1() {
        let rate = |num| FrameRate::new(num, 1).unwrap();
        assert_eq!(most_kbps(640, 360, rate(30)), 62_500);
        assert_eq!(most_kbps(1920, 1080, rate(60)), 62_500);
        assert_eq!(most_kbps(3840, 2160, rate(30)), 300_000);
        assert_eq!(level(640, 360, rate(30), most_kbps(640, 360, rate(30))), 41);
    }

    #[test]
    fn levels_are_those_players_expect() {
        let rate = |num| FrameRate::new(num, 1).unwrap();
        let cases = [
            (1920, 1080, 30, 5000, 40),
            (1920, 1080, 60, 7500, 42),
            (1080, 1920, 60, 7500, 42),
            (1280, 720, 30, 2800, 31),
            (1280, 720, 60, 4200, 32),
            (854, 480, 30, 1400, 31),
            (640, 480, 30, 1400, 30),
            (640, 360, 30, 800, 30),
            (426, 240, 30, 400, 21),
            (16, 16, 30, 60, 10),
            (100_000, 100_000, 60, 5000, 52),
        ];
        for (width, height, fps, kbps, expected) in cases {
            assert_eq!(level(width, height, rate(fps), kbps), expected, "{width}×{height}@{fps}");
        }
    }
}
