//! HDR10 and HLG, and colours wider than BT.709's, brought to SDR.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use gstreamer_video::prelude::*;
use kinora_pipeline::pictures;

use super::{
    GAMMA,
    chart::{self, BT2020, Format, PATCHES},
    delta_e::{delta_e, lab},
    encode, encode_rungs, mean_difference, patches,
};
use crate::{
    joined::frames,
    media::{prepare, reporter},
};

/// Displays that HLG is defined on, and that most PQ is graded on, cd/m².
const PEAK: f64 = 1000.0;
/// SDR's white among HDR's light (Report ITU-R BT.2408).
const WHITE: f64 = 203.0;

const FORMAT: Format = Format {
    size: (640, 360),
    subsampling: (2, 2),
    bits: 10,
    full_range: false,
    luma: BT2020,
    coding: "",
};
const PQ: &str = "-c:v libx265 -preset ultrafast -x265-params \
                  log-level=none:lossless=1:colorprim=bt2020:transfer=smpte2084:\
                  colormatrix=bt2020nc:hdr10=1:max-cll=1000,400:\
                  master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)\
                  L(10000000,50)";
const PQ_BARE: &str = "-c:v libx265 -preset ultrafast -x265-params \
                       log-level=none:lossless=1:colorprim=bt2020:transfer=smpte2084:\
                       colormatrix=bt2020nc";
const HLG: &str = "-c:v libx265 -preset ultrafast -x265-params \
                   log-level=none:lossless=1:colorprim=bt2020:transfer=arib-std-b67:\
                   colormatrix=bt2020nc";
const WIDE: &str = "-c:v libx265 -preset ultrafast -x265-params \
                    log-level=none:lossless=1:colorprim=bt2020:transfer=bt2020-10:\
                    colormatrix=bt2020nc";
const FULL: &str = "-c:v libx265 -preset ultrafast -x265-params \
                    log-level=none:lossless=1:colorprim=bt2020:transfer=smpte2084:\
                    colormatrix=bt2020nc:range=full";

/// SMPTE ST 2084's signal of a light, cd/m².
fn pq(nits: f64) -> f64 {
    let (m1, m2) = (0.159_301_757_812_5, 78.843_75);
    let (c1, c2, c3) = (0.835_937_5, 18.851_562_5, 18.687_5);
    let y = (nits / 10_000.0).powf(m1);
    ((c1 + c2 * y) / (1.0 + c3 * y)).powf(m2)
}

/// HLG's signals of the light that its nominal display shows (Rec. ITU-R BT.2100, table 5).
fn hlg(light: [f64; 3]) -> [f64; 3] {
    let shown = light.map(|part| part / PEAK);
    let luminance = 0.2627 * shown[0] + 0.6780 * shown[1] + 0.0593 * shown[2];
    if luminance <= 0.0 {
        return [0.0; 3];
    }
    let gain = luminance.powf((1.0 - 1.2) / 1.2);
    shown.map(|part| {
        let scene = part * gain;
        let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
        if scene <= 1.0 / 12.0 { (3.0 * scene).sqrt() } else { a * (12.0 * scene - b).ln() + c }
    })
}

/// Light in BT.709's primaries in those of BT.2020 (Rec. ITU-R BT.2087, 4).
fn wider(light: [f64; 3]) -> [f64; 3] {
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
        .map(|row| row[0] * light[0] + row[1] * light[1] + row[2] * light[2])
}

/// The signals of grey of so much light.
fn grey(hybrid: bool, nits: f64) -> [f64; 3] {
    if hybrid { hlg([nits; 3]) } else { [pq(nits); 3] }
}

/// A ramp of greys from black beyond the peak: even steps of the signal, then nine tenths of the
/// peak, the peak, and what should not be there.
fn ramp(hybrid: bool) -> Vec<f64> {
    let count = PATCHES.0 * PATCHES.1 - 3;
    // The light of even steps, found by halving: the signal only rises.
    let light = |signal: f64| {
        let (mut low, mut high) = (0.0, PEAK);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if grey(hybrid, middle)[0] < signal { low = middle } else { high = middle }
        }
        low
    };
    // The last step stays below nine tenths of the peak.
    let top = grey(hybrid, 0.8 * PEAK)[0];
    let steps = (0..count).map(|n| light(top * n as f64 / (count - 1) as f64));
    steps.chain([0.9 * PEAK, PEAK, 1.2 * PEAK]).collect()
}

fn ramp_through(coding: &'static str, hybrid: bool, full_range: bool) -> Vec<[f64; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let nits = ramp(hybrid);
    let colours: Vec<_> = nits.iter().map(|nits| grey(hybrid, *nits)).collect();
    let film = Format { coding, full_range, ..FORMAT }.film(folder.path(), &colours);
    let (plan, rungs) = encode(&film, folder.path());
    let stream = &plan.video.as_ref().unwrap().stream;
    assert!(stream.hdr);
    assert_eq!((stream.peak_nits, plan.warnings), (Some(PEAK as u32), vec![]));
    let assumed = plan.notes.iter().any(|note| note.code == "hdr_peak_assumed");
    assert_eq!(assumed, coding == PQ_BARE || coding == FULL, "{:?}", plan.notes);
    patches(&rungs[0]).iter().map(|patch| patch.codes).collect()
}

/// Issue 3, 3: monotone, neutral, nothing below nine tenths of the peak is clipped.
fn assert_shown(name: &str, ramp: &[[f64; 3]]) {
    let luma: Vec<f64> = ramp.iter().map(|codes| codes[0]).collect();
    println!("{name}: {luma:.1?}");
    let [.., most, peak, beyond] = luma[..] else { panic!("no ramp") };
    assert!((luma[0] - 16.0).abs() < 1.0, "{name}: black is {}", luma[0]);
    assert!((peak - 235.0).abs() < 1.0 && (beyond - peak).abs() < 0.6, "{name}: {peak} {beyond}");
    // Clipped is what is shown in the peak's own code, eight bits having no other word for it. (The
    // curve leaves two codes between them, as its own test says; coding rounds patches to whole ones.)
    let [shown, white] = [most, peak].map(f64::round);
    assert!(shown < white, "{name}: nine tenths of the peak are {most}, all of it {peak}");
    for (n, pair) in luma[..luma.len() - 1].windows(2).enumerate() {
        // The first steps of black differ by less than a code.
        let least = if pair[0] < 20.0 { -0.1 } else { 0.2 };
        assert!(pair[1] - pair[0] > least, "{name}: step {n}, {pair:?}");
    }
    for codes in ramp {
        assert!(codes[1..].iter().all(|chroma| (chroma - 128.0).abs() < 1.0), "{name}: {codes:?}");
    }
}

#[test]
fn a_grey_ramp_stays_one() {
    for (name, coding, hybrid, full_range) in [
        ("PQ", PQ, false, false),
        ("PQ without metadata", PQ_BARE, false, false),
        ("PQ, full range", FULL, false, true),
        ("HLG", HLG, true, false),
    ] {
        assert_shown(name, &ramp_through(coding, hybrid, full_range));
    }
}

/// Colours of SDR up to 80 cd/m², below the knee, and their light in BT.2020's primaries.
fn dim() -> (Vec<[f64; 3]>, Vec<[f64; 3]>) {
    let most = (80.0 / WHITE).powf(1.0 / GAMMA);
    let colours = chart::colours().into_iter().map(|colour| colour.map(|part| part * most));
    let light = |colour: [f64; 3]| wider(colour.map(|part| WHITE * part.powf(GAMMA)));
    colours.map(|colour| (colour, light(colour))).unzip()
}

/// Below the knee, and within BT.709, SDR shows what the HDR display would: to the colour.
#[test]
fn what_sdr_can_show_is_shown_as_it_is() {
    let (expected, light) = dim();
    let gamma = |part: f64| (part / WHITE).powf(1.0 / GAMMA);
    for (name, coding, encoded) in [
        ("PQ", PQ, light.iter().map(|light| light.map(pq)).collect::<Vec<_>>()),
        ("HLG", HLG, light.iter().map(|light| hlg(*light)).collect()),
        ("BT.2020 in SDR", WIDE, light.iter().map(|light| light.map(gamma)).collect()),
    ] {
        for (subsampling, chroma) in [((2, 2), "4:2:0"), ((2, 1), "4:2:2"), ((1, 1), "4:4:4")] {
            if chroma != "4:2:0" && name != "PQ" {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let film = Format { coding, subsampling, ..FORMAT }.film(folder.path(), &encoded);
            let (_, rungs) = encode(&film, folder.path());
            for rung in rungs {
                let difference = mean_difference(&rung, &expected);
                let file = rung.file_name().unwrap().display();
                println!("{name} {chroma}, {file}: mean ΔE2000 {difference:.2}");
                assert!(difference <= 2.0, "{name} {chroma}: {difference}");
            }
        }
    }
}

#[test]
fn posters_show_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, light) = dim();
    let signals: Vec<_> = light.iter().map(|light| light.map(pq)).collect();
    let film = Format { coding: PQ, ..FORMAT }.film(folder.path(), &signals);
    let (plan, source) = prepare(&film);
    let mut spec = plan.pictures_spec(source.size()).unwrap();
    spec.output_dir = folder.path().to_owned();
    let made = pictures::run(&spec, &source, &mut reporter()).unwrap().pictures;
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(folder.path().join(&made.poster.object))
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .unwrap();
    let (width, height) = (made.poster.width as usize, made.poster.height as usize);
    let differences = expected.iter().enumerate().map(|(patch, expected)| {
        let middle = |at: usize, count: usize, pixels: usize| (2 * at + 1) * pixels / (2 * count);
        let x = middle(patch % PATCHES.0, PATCHES.0, width);
        let y = middle(patch / PATCHES.0, PATCHES.1, height);
        let pixel = [0, 1, 2].map(|n| f64::from(out.stdout[(y * width + x) * 3 + n]) / 255.0);
        let light = |colour: [f64; 3]| lab(colour.map(|part| part.powf(GAMMA)));
        delta_e(light(pixel), light(*expected))
    });
    let mean = differences.sum::<f64>() / expected.len() as f64;
    println!("poster: mean ΔE2000 {mean:.2}");
    assert!(mean <= 2.0, "{mean}");
}

/// H.264 with PQ in it fits in every other way, but no player would show it right.
#[test]
fn hdr_is_never_passed_through() {
    let folder = tempfile::tempdir().unwrap();
    let coding = "-c:v libx264 -preset ultrafast -x264-params \
                  crf=18:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc";
    let greys: Vec<_> = ramp(false).iter().map(|nits| grey(false, *nits)).collect();
    let film = Format { coding, bits: 8, ..FORMAT }.film(folder.path(), &greys);
    let (plan, rungs) = encode(&film, folder.path());
    assert!(plan.video.unwrap().passthrough.is_none());
    assert!(plan.notes.iter().any(|note| note.code == "not_passed_through_colour"));
    for rung in rungs {
        let said = frames(&rung, |frame| frame.info().colorimetry().to_string());
        assert!(said.iter().all(|colorimetry| colorimetry == "bt709"), "{said:?}");
    }
}

/// How much there is to see in pictures: the distance between the fifth and the ninety-fifth
/// percentile of luma, and the mean distance of chroma from grey, in 8-bit codes.
#[derive(Debug, Default, Clone, Copy)]
struct Strength {
    contrast: f64,
    saturation: f64,
}

/// The mean over frames in 8-bit 4:2:0.
fn strength(film: &[[Vec<u8>; 3]]) -> Strength {
    let mut sum = Strength::default();
    for [luma, blue, red] in film {
        let mut sorted = luma.clone();
        sorted.sort_unstable();
        let at = |percent: usize| f64::from(sorted[(sorted.len() - 1) * percent / 100]);
        sum.contrast += at(95) - at(5);
        let distance =
            |(blue, red): (&u8, &u8)| (f64::from(*blue) - 128.0).hypot(f64::from(*red) - 128.0);
        sum.saturation += blue.iter().zip(red).map(distance).sum::<f64>() / blue.len() as f64;
    }
    let count = film.len() as f64;
    Strength { contrast: sum.contrast / count, saturation: sum.saturation / count }
}

/// What the numbers of a film look like where nobody maps them: only the matrix is BT.709's.
fn untouched(film: &Path, (width, height): (usize, usize)) -> Vec<[Vec<u8>; 3]> {
    let filter = format!("scale={width}:{height}:out_color_matrix=bt709,format=yuv420p");
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(film)
        .args(["-map", "0:v", "-vf", &filter, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let (luma, chroma) = (width * height, width / 2 * height / 2);
    let frames = out.stdout.chunks_exact(luma + 2 * chroma);
    let plane = |frame: &[u8], from: usize, size: usize| frame[from..from + size].to_vec();
    frames
        .map(|f| [plane(f, 0, luma), plane(f, luma, chroma), plane(f, luma + chroma, chroma)])
        .collect()
}

fn decoded(rung: &Path) -> Vec<[Vec<u8>; 3]> {
    frames(rung, |frame| {
        [0_u32, 1, 2].map(|plane| {
            let half = if plane > 0 { 2 } else { 1 };
            let stride = frame.plane_stride()[plane as usize] as usize;
            let rows = frame.plane_data(plane).unwrap().chunks(stride);
            let (width, height) = (frame.width() as usize / half, frame.height() as usize / half);
            rows.take(height).flat_map(|row| row[..width].to_vec()).collect()
        })
    })
}

/// Real films: what an untouched one lacks in contrast and in saturation is there, and still
/// little is at the ends of the scale.
#[test]
fn real_clips_are_not_washed_out() {
    for (name, size, least) in [
        ("hdr10-av1.mp4", (240, 426), Strength { contrast: 1.3, saturation: 1.3 }),
        ("hlg10.mp4", (426, 240), Strength { contrast: 1.0, saturation: 1.3 }),
    ] {
        let Some(film) = shared(name) else { return };
        let folder = tempfile::tempdir().unwrap();
        let (_, rungs) = encode_rungs(&film, folder.path(), |n, last| n == last);
        let pictures = decoded(&rungs[0]);
        let (mapped, plain) = (strength(&pictures), strength(&untouched(&film, size)));
        println!("{name}: {mapped:.1?}, untouched {plain:.1?}");
        assert!(mapped.contrast > least.contrast * plain.contrast, "{name}: {mapped:?} {plain:?}");
        assert!(
            mapped.saturation > least.saturation * plain.saturation,
            "{name}: {mapped:?} {plain:?}"
        );
        let luma: Vec<u8> = pictures.into_iter().flat_map(|[luma, ..]| luma).collect();
        let ends = luma.iter().filter(|y| !(17..234).contains(*y)).count();
        assert!(ends * 50 < luma.len(), "{name}: {ends} of {} are black or white", luma.len());
    }
}

fn shared(name: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/media").join(name);
    if !file.is_file() {
        eprintln!("SKIPPED: {} is not there", file.display());
    }
    Some(file).filter(|file| file.is_file())
}
