//! Colours of decoded rungs, against what the source's numbers mean by the recommendations' own
//! formulas, written out here in floating point.

mod chart;
mod delta_e;
mod hdr;

use std::path::{Path, PathBuf};

use gstreamer_video::{VideoColorMatrix, VideoColorRange, prelude::*};
use kinora_pipeline::chunk;
use kinora_plan::{Plan, encoder::ChunkSpec};

use self::{
    chart::{BT601, BT709, FRAMES, Format, PATCHES},
    delta_e::{delta_e, lab},
};
use crate::{
    joined::{frames, join},
    media::{prepare, reporter},
};

/// SDR displays (Rec. ITU-R BT.1886).
const GAMMA: f64 = 2.4;

/// 8-bit codes, Y′CbCr, and the weights of red and blue they go with.
struct Patch {
    codes: [f64; 3],
    luma: (f64, f64),
}

impl Patch {
    fn colour(&self) -> [f64; 3] {
        chart::colour(self.codes, self.luma)
    }
}

/// Encodes a film in the largest rung of its plan and the smallest; the plan and the files.
fn encode(film: &Path, folder: &Path) -> (Plan, Vec<PathBuf>) {
    encode_rungs(film, folder, |n, last| n == 0 || n == last)
}

/// Encodes a film in those rungs that `wanted` picks by number, the last one's beside it.
fn encode_rungs(
    film: &Path,
    folder: &Path,
    wanted: fn(usize, usize) -> bool,
) -> (Plan, Vec<PathBuf>) {
    let (plan, source) = prepare(film);
    let mut spec: ChunkSpec = plan.chunk_spec(0, source.size()).unwrap();
    let last = spec.rungs.len() - 1;
    let mut number = 0..;
    spec.rungs.retain(|_| wanted(number.next().unwrap(), last));
    spec.output_dir = folder.to_owned();
    let outcome = chunk::run(&spec, &source, &mut reporter()).unwrap();
    assert_eq!(outcome.warnings, []);
    let specs = [spec];
    let files = specs[0].rungs.iter().map(|rung| join(&specs, &rung.track, folder)).collect();
    (plan, files)
}

/// What the patches of a decoded chart are, in their middle, on average over all frames.
fn patches(film: &Path) -> Vec<Patch> {
    let all = frames(film, |frame| {
        let colorimetry = frame.info().colorimetry();
        assert_eq!(colorimetry.range(), VideoColorRange::Range16_235, "{}", film.display());
        let luma = match colorimetry.matrix() {
            VideoColorMatrix::Bt709 => BT709,
            VideoColorMatrix::Bt601 => BT601,
            other => panic!("{}: {other:?}", film.display()),
        };
        let mean = |plane: u32, patch: usize| {
            let half = if plane > 0 { 2 } else { 1 };
            let stride = frame.plane_stride()[plane as usize] as usize;
            let data = frame.plane_data(plane).unwrap();
            let side = |pixels: u32, count: usize, at: usize| {
                let length = pixels as usize / half / count;
                at * length + length / 4..at * length + length * 3 / 4
            };
            let columns = side(frame.width(), PATCHES.0, patch % PATCHES.0);
            let rows = side(frame.height(), PATCHES.1, patch / PATCHES.0);
            let count = (columns.len() * rows.len()) as f64;
            let sum: u64 = rows
                .flat_map(|y| &data[y * stride..][columns.clone()])
                .map(|code| u64::from(*code))
                .sum();
            sum as f64 / count
        };
        let patch = |n| Patch { codes: [0, 1, 2].map(|plane| mean(plane, n)), luma };
        (0..PATCHES.0 * PATCHES.1).map(patch).collect::<Vec<_>>()
    });
    assert_eq!(all.len(), FRAMES, "{}", film.display());
    let mean = |n: usize| {
        let sum = |part: usize| all.iter().map(|frame| frame[n].codes[part]).sum::<f64>();
        Patch { codes: [0, 1, 2].map(|part| sum(part) / FRAMES as f64), luma: all[0][n].luma }
    };
    (0..PATCHES.0 * PATCHES.1).map(mean).collect()
}

/// Mean difference of a chart's decoded patches from the colours they should have.
fn mean_difference(film: &Path, expected: &[[f64; 3]]) -> f64 {
    let light = |colour: [f64; 3]| colour.map(|part: f64| part.clamp(0.0, 1.0).powf(GAMMA));
    let found = patches(film);
    let differences: Vec<f64> = found
        .iter()
        .zip(expected)
        .map(|(found, expected)| delta_e(lab(light(found.colour())), lab(light(*expected))))
        .collect();
    differences.iter().sum::<f64>() / differences.len() as f64
}

#[test]
fn rungs_have_the_colours_of_their_source() {
    let usual = Format {
        size: (1280, 720),
        subsampling: (2, 2),
        bits: 8,
        full_range: false,
        luma: BT709,
        coding: "-c:v libx264 -qp 0 -preset ultrafast",
    };
    let bt709 = "-c:v libx264 -preset ultrafast -x264-params \
                 qp=0:colorprim=bt709:transfer=bt709:colormatrix=bt709";
    let bt601 = "-c:v libx264 -preset ultrafast -x264-params \
                 qp=0:colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m";
    let full = "-c:v libx264 -preset ultrafast -x264-params \
                qp=0:colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=on";
    let small = Format { size: (512, 288), luma: BT601, ..usual };
    let cases = [
        ("BT.709, HD, untagged", usual),
        ("BT.709, HD, tagged", Format { coding: bt709, ..usual }),
        ("BT.709, SD, tagged", Format { coding: bt709, luma: BT709, ..small }),
        ("BT.601, SD, untagged", small),
        ("BT.601, SD, tagged", Format { coding: bt601, ..small }),
        ("BT.601, HD, tagged", Format { coding: bt601, luma: BT601, ..usual }),
        ("full range", Format { coding: full, full_range: true, ..usual }),
        (
            "full range, 4:4:4, 10 bits",
            Format { subsampling: (1, 1), bits: 10, coding: full, full_range: true, ..usual },
        ),
        ("4:2:2, 10 bits", Format { subsampling: (2, 1), bits: 10, coding: bt709, ..usual }),
        ("4:4:4, 10 bits", Format { subsampling: (1, 1), bits: 10, coding: bt709, ..usual }),
        ("4:2:0, 10 bits", Format { bits: 10, coding: bt709, ..usual }),
    ];
    let colours = chart::colours();
    for (name, format) in cases {
        let folder = tempfile::tempdir().unwrap();
        let film = format.film(folder.path(), &colours);
        let (plan, rungs) = encode(&film, folder.path());
        assert!(plan.video.unwrap().passthrough.is_none(), "{name} is encoded");
        for rung in rungs {
            let difference = mean_difference(&rung, &colours);
            let file = rung.file_name().unwrap().display();
            println!("{name}, {file}: mean ΔE2000 {difference:.2}");
            assert!(difference <= 2.0, "{name}, {file}: {difference}");
        }
    }
}
