//! Changes that know what the bytes mean.

pub mod boxes;
pub mod lines;

use fastrand::Rng;

/// One of `from`.
fn one_of<'a, T: ?Sized>(from: &[&'a T], random: &mut Rng) -> &'a T {
    from[random.usize(..from.len())]
}

/// How often something is repeated: mostly twice, sometimes as often as there is room, which shows what
/// takes longer than its input is long.
fn repetitions(size: usize, limit: usize, random: &mut Rng) -> usize {
    let room = limit / size.max(1) + 1;
    match random.u32(..8) {
        0 => room,
        1 => random.usize(1..=room.min(300)),
        _ => 2,
    }
}
