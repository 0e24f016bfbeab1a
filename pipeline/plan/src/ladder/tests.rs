use proptest::prelude::*;

use super::*;
use crate::{Orientation, Profile, testing::video};

fn ladder(stream: &VideoStream) -> Ladder {
    super::ladder(stream, &Profile::default().video)
}

fn sizes(stream: &VideoStream) -> Vec<(String, u32, u32, u32, u32)> {
    ladder(stream)
        .rungs
        .into_iter()
        .map(|r| (r.track.to_string(), r.width, r.height, r.rate_divisor.get(), r.max_kbps))
        .collect()
}

fn names(width: u32, height: u32) -> Vec<String> {
    sizes(&video(width, height, 30))
        .into_iter()
        .map(|(id, w, h, ..)| format!("{id}={w}x{h}"))
        .collect()
}

#[test]
fn a_1080p_source_gets_the_standard_ladder() {
    insta::assert_json_snapshot!(ladder(&video(1920, 1080, 30)));
}

#[test]
fn a_60_fps_source_keeps_its_rate_at_the_top_only() {
    let expected = [
        ("v1080", 1920, 1080, 1, 7500),
        ("v720", 1280, 720, 1, 4200),
        ("v480", 854, 480, 2, 1400),
        ("v360", 640, 360, 2, 800),
        ("v240", 426, 240, 2, 400),
    ];
    let found = sizes(&video(1920, 1080, 60));
    assert_eq!(found, expected.map(|(id, w, h, d, k)| (id.to_owned(), w, h, d, k)));
}

#[test]
fn portrait_and_rotated_sources_are_measured_upright() {
    let mut stream = video(3840, 2160, 60);
    stream.orientation = Orientation::Rotate90;
    let found = sizes(&stream);
    assert_eq!((found[0].1, found[0].2), (1080, 1920));
    assert_eq!((found[4].1, found[4].2), (240, 426));
}

#[test]
fn pixels_become_square() {
    let mut stream = video(800, 640, 30);
    stream.pixel_aspect = (64, 45);
    assert_eq!(sizes(&stream)[0].0, "v640");
    assert_eq!(sizes(&stream)[0].1, 1138);
    stream.pixel_aspect = (0, 0);
    assert_eq!(sizes(&stream)[0].1, 800);
}

#[test]
fn a_source_between_steps_keeps_its_size() {
    assert_eq!(names(1280, 800)[..2], ["v800=1280x800", "v480=768x480"]);
    assert_eq!(names(960, 540)[..2], ["v540=960x540", "v360=640x360"]);
    assert_eq!(names(1024, 576)[..2], ["v576=1024x576", "v480=854x480"]);
    assert_eq!(names(642, 642)[..2], ["v642=642x642", "v480=480x480"]);
    assert_eq!(names(640, 362)[..2], ["v362=640x362", "v240=424x240"]);
}

#[test]
fn a_small_fast_source_keeps_its_rate_at_the_top() {
    let found = sizes(&video(640, 360, 60));
    assert_eq!(found[0], ("v360".to_owned(), 640, 360, 1, 1200));
    assert_eq!(found[1], ("v240".to_owned(), 426, 240, 2, 400));
}

#[test]
fn a_wide_film_keeps_its_width() {
    assert_eq!(names(1920, 804)[..2], ["v1080=1920x804", "v720=1280x536"]);
    assert_eq!(names(2560, 1080)[0], "v1080=1920x810");
}

#[test]
fn tiny_sources_get_one_rung_of_their_own_size() {
    assert_eq!(names(176, 144), ["v144=176x144"]);
    assert_eq!(names(33, 17), ["v19=32x16"]);
    assert_eq!(names(1, 1), ["v1=16x16"]);
    assert_eq!(names(4000, 20), ["v1080=1920x16"]);
}

prop_compose! {
    fn any_stream()(
        width in 1u32..9000, height in 1u32..9000, par in (1u32..20, 1u32..20),
        turned in any::<bool>(), fps in 1u32..=60,
    ) -> VideoStream {
        let mut stream = video(width, height, fps);
        stream.pixel_aspect = par;
        stream.orientation = if turned { Orientation::Rotate270 } else { Orientation::Rotate0 };
        stream
    }
}

proptest! {
    #[test]
    fn ladders_hold_their_promises(stream in any_stream()) {
        let (width, height) = geometry::upright_size(&stream);
        let rungs = ladder(&stream).rungs;
        prop_assert!((1..=6).contains(&rungs.len()));
        for rung in &rungs {
            let (w, h) = (u64::from(rung.width), u64::from(rung.height));
            prop_assert!(w % 2 == 0 && h % 2 == 0 && w >= 16 && h >= 16);
            prop_assert!(w <= width.max(16) && h <= height.max(16), "{rung:?} of {width}x{height}");
            prop_assert!(w.min(h) <= 1080 && w.max(h) <= 1920);
            // Aspect: each side is within a rounding of what the other asks for.
            if w > 16 && h > 16 {
                let skew = (w * height).abs_diff(h * width);
                prop_assert!(skew <= 3 * width.max(height), "{w}x{h} of {width}x{height}");
            }
            prop_assert_eq!(rung.frame_rate, stream.frame_rate.divided(rung.rate_divisor));
        }
        for pair in rungs.windows(2) {
            prop_assert!(pair[0].width > pair[1].width || pair[0].height > pair[1].height);
            prop_assert!(pair[0].max_kbps > pair[1].max_kbps);
            prop_assert!(pair[0].level >= pair[1].level);
            prop_assert!(pair[0].track != pair[1].track);
        }
    }
}

#[test]
fn a_profile_decides_steps_caps_and_rates() {
    let text = "[video]\nkeep_rate_height = 0\nhigh_rate_percent = 200\n\
                [[video.steps]]\nheight = 2160\nmax_kbps = 20000\ncrf = 19\npreset = \"slow\"\n\
                tune = \"film\"\nx264 = { aq-mode = 3 }\n\
                [[video.steps]]\nheight = 480\nmax_kbps = 1000\ncrf = 21\npreset = \"slow\"\n";
    let profile = Profile::parse("mine.toml", text).unwrap().video;
    let rungs = super::ladder(&video(3840, 2160, 60), &profile).rungs;
    let found: Vec<_> =
        rungs.iter().map(|r| (r.width, r.rate_divisor.get(), r.max_kbps, r.level)).collect();
    assert_eq!(found, [(3840, 1, 40_000, 52), (854, 1, 2000, 31)]);
    assert_eq!(rungs[0].tune, Some(Tune::Film));
    assert_eq!(rungs[0].x264.get("aq-mode"), Some("3"));
}

#[test]
fn no_cap_is_above_its_level() {
    let text = "[[video.steps]]\nheight = 1080\nmax_kbps = 62500\ncrf = 19\npreset = \"slow\"\n";
    let profile = Profile::parse("mine.toml", text).unwrap().video;
    let top = super::ladder(&video(1920, 1080, 60), &profile).rungs.remove(0);
    assert_eq!((top.max_kbps, top.level), (62_500, 42));
}
