//! The storyboard as manifests list it: once all is there. A growing manifest has none, whether or
//! not the pictures are made: players are told of tracks once. Nor has one of several periods:
//! sheets do not begin where those do.

use std::ops::Range;

use kinora_media::{Head, Pictures, Status, Storyboard, ticks::MICROS};

/// The storyboard that manifests list.
pub(crate) fn listed(head: &Head) -> Option<&Storyboard> {
    let Pictures { storyboard, .. } = head.pictures.as_ref()?;
    let whole = head.status == Status::Complete && head.periods.len() <= 1;
    (whole && storyboard.interval_us > 0 && storyboard.tiles_a_sheet() > 0).then_some(storyboard)
}

/// How long a whole sheet stands for.
pub(crate) fn sheet_us(storyboard: &Storyboard) -> u64 {
    u64::from(storyboard.tiles_a_sheet()).saturating_mul(storyboard.interval_us)
}

/// Bits a second at most, rounded up: the largest sheet over its time.
pub(crate) fn bandwidth(storyboard: &Storyboard) -> u64 {
    let largest = storyboard.sheets.iter().map(|sheet| sheet.size).max().unwrap_or(0);
    let bits = u128::from(largest) * 8 * u128::from(MICROS);
    let rate = bits.div_ceil(u128::from(sheet_us(storyboard).max(1)));
    u64::try_from(rate).unwrap_or(u64::MAX).max(1)
}

/// When each sheet is shown, microseconds; the last to the end.
pub(crate) fn times(storyboard: &Storyboard, duration_us: u64) -> Vec<Range<u64>> {
    let step = sheet_us(storyboard);
    let count = storyboard.sheets.len() as u64;
    let end = |sheet: u64| {
        let start = sheet.saturating_mul(step);
        if sheet + 1 == count { duration_us.max(start + 1) } else { start.saturating_add(step) }
    };
    (0..count).map(|sheet| sheet.saturating_mul(step)..end(sheet)).collect()
}
