//! Which picture each rung is scaled from.

use kinora_plan::Rung;

/// Pictures whose shorter side has at least this many lines are good enough to scale from; below,
/// a cascade gets blurry.
const GOOD_SOURCE: u32 = 720;

/// For each rung the index of the rung it is scaled from; `None` is the source itself.
///
/// Big rungs come from the source, small ones from the smallest rung that is larger, still good,
/// and holds all the frames they need. A rung of another's very size and rate takes its picture.
pub(super) fn parents(rungs: &[Rung]) -> Vec<Option<usize>> {
    let parent = |(index, rung)| twin(&rungs[..index], rung).or_else(|| parent(rungs, rung));
    rungs.iter().enumerate().map(parent).collect()
}

/// The first rung, if it is the same picture at another quality: samples are encoded so.
fn twin(before: &[Rung], rung: &Rung) -> Option<usize> {
    let shape = |rung: &Rung| (rung.width, rung.height, rung.rate_divisor);
    before.first().filter(|first| shape(first) == shape(rung)).map(|_| 0)
}

fn parent(rungs: &[Rung], rung: &Rung) -> Option<usize> {
    if short_side(rung) >= GOOD_SOURCE {
        return None;
    }
    rungs
        .iter()
        .enumerate()
        .filter(|(_, larger)| short_side(larger) >= GOOD_SOURCE)
        .filter(|(_, larger)| rung.rate_divisor.get().is_multiple_of(larger.rate_divisor.get()))
        .min_by_key(|(_, larger)| short_side(larger))
        .map(|(index, _)| index)
}

fn short_side(rung: &Rung) -> u32 {
    rung.width.min(rung.height)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::chunk::validate::tests::spec;

    fn ladder(rungs: &[(u32, u32)]) -> Vec<Rung> {
        let sample = spec().rungs[0].clone();
        rungs
            .iter()
            .map(|(height, divisor)| Rung {
                width: height * 16 / 9,
                height: *height,
                rate_divisor: NonZeroU32::new(*divisor).unwrap(),
                ..sample.clone()
            })
            .collect()
    }

    #[test]
    fn small_rungs_come_from_720() {
        let full = ladder(&[(1080, 1), (720, 1), (480, 1), (360, 1), (240, 1)]);
        assert_eq!(parents(&full), [None, None, Some(1), Some(1), Some(1)]);
        let halved = ladder(&[(1080, 1), (720, 1), (480, 2)]);
        assert_eq!(parents(&halved), [None, None, Some(1)]);
        let small = ladder(&[(480, 1), (360, 1)]);
        assert_eq!(parents(&small), [None, None], "nothing good to scale from");
        let missing = ladder(&[(1080, 1), (720, 2), (480, 1)]);
        assert_eq!(parents(&missing), [None, None, Some(0)], "720 lacks half the frames");
        let twins = ladder(&[(1080, 1), (720, 1), (480, 1), (1080, 1), (1080, 1)]);
        assert_eq!(parents(&twins), [None, None, Some(1), Some(0), Some(0)]);
    }
}
