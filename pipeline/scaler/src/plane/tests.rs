use proptest::prelude::*;

use super::*;

const GUARD: u8 = 0xA5;

fn size(width: u32, height: u32) -> Size {
    let side = |samples| NonZeroU32::new(samples).unwrap();
    Size { width: side(width), height: side(height) }
}

fn plane(size: Size, stride: usize, sample: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let (width, rows) = (size.width.get() as usize, size.height.get() as usize);
    let mut plane = vec![GUARD; stride * (rows - 1) + width];
    for (y, row) in plane.chunks_mut(stride).enumerate() {
        row[..width].iter_mut().enumerate().for_each(|(x, to)| *to = sample(x, y));
    }
    plane
}

/// Noise that is the same everywhere.
fn noise(x: usize, y: usize) -> u8 {
    let mixed = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761);
    (mixed >> 13) as u8
}

fn scaled(cpu: Cpu, from: Size, to: Size, strides: (usize, usize), offset: usize) -> Vec<u8> {
    let source = plane(from, strides.0, noise);
    let length = strides.1 * (to.height.get() as usize - 1) + to.width.get() as usize;
    let mut target = vec![GUARD; offset + length + 64];
    let mut scaler = PlaneScaler::on(from, to, cpu).unwrap();
    let inner = &mut target[offset..offset + length];
    scaler.scale((&source, strides.0), (inner, strides.1)).unwrap();
    assert!(target[..offset].iter().all(|byte| *byte == GUARD), "written before the plane");
    assert!(
        target[offset + length..].iter().all(|byte| *byte == GUARD),
        "written behind the plane"
    );
    let width = to.width.get() as usize;
    target[offset..offset + length]
        .chunks(strides.1)
        .flat_map(|row| row[..width].to_vec())
        .collect()
}

proptest! {
    // Vectors go wrong at single sizes: many are tried.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn any_size_and_stride_gives_what_plain_c_gives_and_nothing_beside_it_is_touched(
        from in (8_u32..400, 8_u32..60),
        to in (8_u32..300, 8_u32..60),
        more in (0_usize..70, 0_usize..70),
        offset in 0_usize..64,
    ) {
        let (from, to) = (size(from.0, from.1), size(to.0, to.1));
        let strides = (from.width.get() as usize + more.0, to.width.get() as usize + more.1);
        let best = scaled(Cpu::Best, from, to, strides, offset);
        let plain = scaled(Cpu::Plain, from, to, (aligned_stride(strides.0), strides.1), 0);
        prop_assert_eq!(best, plain);
    }
}

#[test]
fn a_plane_of_one_value_keeps_it_and_a_ramp_stays_one() {
    let (from, to) = (size(1920, 1080), size(426, 240));
    let mut scaler = PlaneScaler::new(from, to).unwrap();
    for value in [0, 16, 128, 235, 255] {
        let mut target = vec![GUARD; 426 * 240];
        scaler.scale((&plane(from, 1920, |_, _| value), 1920), (&mut target, 426)).unwrap();
        assert!(target.iter().all(|sample| *sample == value), "{value}");
    }
    let ramp = plane(from, 1920, |x, _| (x * 255 / 1919) as u8);
    let mut target = vec![GUARD; 426 * 240];
    scaler.scale((&ramp, 1920), (&mut target, 426)).unwrap();
    for (x, sample) in target[..426].iter().enumerate() {
        let expected = ((x as f64 + 0.5) * 1920.0 / 426.0 - 0.5) * 255.0 / 1919.0;
        assert!((f64::from(*sample) - expected).abs() <= 1.5, "{x}: {sample} for {expected}");
    }
}

#[test]
fn every_small_size_has_a_filter() {
    for from in [1, 2, 3, 5, 8, 17, 4000] {
        for to in [1, 2, 3, 8, 120] {
            PlaneScaler::new(size(from, from), size(to, to)).unwrap();
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut scaler = PlaneScaler::new(size(16, 16), size(8, 8)).unwrap();
    let (source, mut target) = (vec![0; 256], vec![0; 64]);
    scaler.scale((&source, 16), (&mut target, 8)).unwrap();
    assert!(scaler.scale((&source[1..], 16), (&mut target, 8)).is_err());
    assert!(scaler.scale((&source, 15), (&mut target, 8)).is_err());
    assert!(scaler.scale((&source, usize::MAX), (&mut target, 8)).is_err());
    assert!(scaler.scale((&source, 16), (&mut target[1..], 8)).is_err());
    assert!(PlaneScaler::new(size(LONGEST_SIDE + 1, 16), size(8, 8)).is_err());
}
