//! Live playlists with parts: snapshots, the rules of low latency, and what another parser makes
//! of them.

use std::sync::Arc;

use kinora_packager::{
    hls::live::{
        ByteRange, DateRange, Form, Hint, HintKind, LivePlaylist, Opening, Part, Position, Report,
        Resource, Settings,
    },
    lint,
};
use proptest::prelude::*;

/// Segments of 2 s of six parts of a third of a second; 30 000 ticks a second.
const SETTINGS: Settings = Settings {
    timescale: 30_000,
    target_duration_s: 2,
    part_target: Some(10_000),
    independent: true,
};
const PARTS: u64 = 6;
/// 27 November 2026, 06:00 UTC.
const BEGAN_US: i64 = 1_795_759_200_000_000;

fn opening(number: u64) -> Opening {
    Opening {
        map: Arc::new(Resource::file("init.mp4")),
        discontinuity: false,
        date_time_us: Some(BEGAN_US + number as i64 * 2_000_000),
    }
}

fn part(segment: u64, index: u64) -> Part {
    let resource = Resource::file(format!("{segment}.{index}.m4s"));
    Part { resource, duration: 10_000, independent: index == 0, gap: false }
}

fn whole(segment: u64) -> Resource {
    Resource::file(format!("{segment}.m4s"))
}

/// Whole segments, and parts of one more.
fn live(first: u64, segments: u64, parts: u64) -> LivePlaylist {
    let mut playlist = LivePlaylist::new(SETTINGS, first).unwrap();
    for segment in first..first + segments {
        push(&mut playlist, segment, PARTS);
        assert_eq!(playlist.finish(whole(segment)), Ok(segment));
    }
    push(&mut playlist, first + segments, parts);
    playlist
}

fn push(playlist: &mut LivePlaylist, segment: u64, parts: u64) {
    playlist.begin(opening(segment)).unwrap();
    for index in 0..parts {
        playlist.push_part(part(segment, index)).unwrap();
    }
}

fn hint(uri: &str) -> Hint {
    Hint { kind: HintKind::Part, uri: uri.into(), offset: 0, length: None }
}

fn reports() -> Vec<Report> {
    let position = Position { segment: 43, part: Some(2) };
    let behind = Position { segment: 42, part: Some(0) };
    vec![
        Report { uri: "../audio/live.m3u8".into(), position },
        Report { uri: "../text/live.m3u8".into(), position: behind },
    ]
}

fn lint_of(text: &str) -> Vec<lint::Finding> {
    lint::playlist(text.as_bytes()).findings
}

fn parsed(text: &str) -> m3u8_rs::MediaPlaylist {
    match m3u8_rs::parse_playlist_res(text.as_bytes()) {
        Ok(m3u8_rs::Playlist::MediaPlaylist(parsed)) => parsed,
        other => panic!("not a media playlist: {other:?}\n{text}"),
    }
}

#[test]
fn whole_and_delta() {
    let mut playlist = live(30, 10, 2);
    playlist.hint(Some(hint("40.2.m4s"))).unwrap();
    let text = playlist.write(Form::Whole, &reports());
    insta::assert_snapshot!("live_whole", text);
    assert_eq!(lint_of(&text), []);
    let found = parsed(&text);
    assert_eq!((found.media_sequence, found.segments.len()), (30, 10));

    let delta = playlist.write(Form::Delta, &reports());
    insta::assert_snapshot!("live_delta", delta);
    assert_eq!(lint_of(&delta), []);
    // What is left out and what is left are all there is; the rest is equal to the last byte.
    let (_, rest) = delta.split_once("EXT-X-MAP:URI=\"init.mp4\"\n").unwrap();
    assert!(text.ends_with(rest));
    assert_eq!(rest.matches("#EXTINF").count() + 4, 10);

    // A rendition that has no parts is reported without.
    let position = Position { segment: 7, part: None };
    let report = Report { uri: "low.m3u8".into(), position };
    let text = playlist.write(Form::Whole, &[report]);
    assert!(text.ends_with("#EXT-X-RENDITION-REPORT:URI=\"low.m3u8\",LAST-MSN=7\n"), "{text}");

    // Too short a playlist has nothing to leave out.
    let short = live(0, 6, 0);
    assert_eq!(short.write(Form::Delta, &[]), short.write(Form::Whole, &[]));
}

#[test]
fn the_window_moves() {
    let mut playlist = live(0, 4, 0);
    playlist.finish(whole(4)).unwrap_err();
    for index in 0..PARTS {
        playlist.push_part(part(4, index)).unwrap();
    }
    playlist.finish(whole(4)).unwrap();
    let moved = Opening {
        map: Arc::new(Resource {
            uri: "all.mp4".into(),
            range: Some(ByteRange { offset: 7, length: 900 }),
        }),
        discontinuity: true,
        date_time_us: None,
    };
    playlist.begin(moved.clone()).unwrap();
    let range = |offset| Some(ByteRange { offset, length: 500 });
    let resource = |offset| Resource { uri: "all.mp4".into(), range: range(offset) };
    let bytes = |offset, gap: bool| Part {
        resource: resource(offset),
        duration: 9000,
        independent: !gap,
        gap,
    };
    playlist.push_part(bytes(907, false)).unwrap();
    playlist.push_part(bytes(1407, true)).unwrap();
    let length = Some(500);
    let next = Hint { offset: 1907, length, ..hint("all.mp4") };
    playlist.hint(Some(next)).unwrap();
    playlist.trim(0);
    let text = playlist.write(Form::Whole, &[]);
    insta::assert_snapshot!("live_window", text);
    assert_eq!(lint_of(&text), []);

    // The discontinuity leaves with its segment, and is counted from then on.
    playlist.finish(resource(907)).unwrap();
    let lost = Resource::file("lost.m4s");
    let kept = Opening { discontinuity: false, ..moved };
    for _ in 0..4 {
        playlist.push_segment(kept.clone(), 60_000, lost.clone(), true).unwrap();
    }
    playlist.trim(0);
    let text = playlist.write(Form::Whole, &[]);
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), "{text}");
    assert_eq!(text.matches("#EXT-X-GAP\n").count(), 3);
    assert_eq!(lint_of(&text), []);
}

#[test]
fn three_target_durations_stay() {
    let mut playlist = live(0, 10, 1);
    playlist.trim(60_000 * 8);
    assert_eq!(playlist.position(), Some(Position { segment: 10, part: Some(0) }));
    let first = |playlist: &LivePlaylist| parsed(&playlist.write(Form::Whole, &[])).media_sequence;
    assert_eq!(first(&playlist), 2);
    playlist.trim(0);
    assert_eq!(first(&playlist), 7);
}

#[test]
fn it_ends() {
    let mut playlist = live(0, 9, PARTS);
    playlist.hint(Some(hint("10.0.m4s"))).unwrap();
    playlist.finish(whole(9)).unwrap();
    playlist.finish_stream();
    let text = playlist.write(Form::Delta, &reports());
    assert!(text.ends_with("9.m4s\n#EXT-X-ENDLIST\n"), "{text}");
    assert!(!text.contains("SKIP:") && !text.contains("HINT"));
    assert_eq!(lint_of(&text), []);
    let after = playlist.begin(opening(10)).unwrap_err().to_string();
    assert_eq!(after, "segment 10 of the live playlist: it follows the end of the playlist");
}

#[test]
fn what_is_waited_for() {
    let playlist = live(30, 2, 2);
    assert_eq!(playlist.position(), Some(Position { segment: 32, part: Some(1) }));
    assert_eq!(playlist.last_segment(), Some(31));
    let is_there = [(3, None), (31, None), (3, Some(9)), (31, Some(5)), (32, Some(1))];
    assert!(is_there.iter().all(|(segment, part)| playlist.has(*segment, *part)));
    let is_not = [(32, None), (32, Some(2)), (33, Some(0)), (33, None), (u64::MAX, Some(0))];
    assert!(is_not.iter().all(|(segment, part)| !playlist.has(*segment, *part)));

    // A part after the last of a whole segment is the first of the next.
    assert!(playlist.has(31, Some(6)));
    let playlist = live(30, 2, 0);
    assert!(playlist.has(30, Some(6)) && !playlist.has(31, Some(6)));
    assert_eq!(playlist.position(), Some(Position { segment: 31, part: Some(5) }));
    assert_eq!(LivePlaylist::new(SETTINGS, 3).unwrap().position(), None);
}

#[test]
fn what_breaks_the_rules_is_refused() {
    let mut playlist = live(0, 1, 1);
    let mut refused = String::new();
    let mut refuse = |result: Result<(), kinora_packager::PackagerError>| {
        refused.push_str(&format!("{}\n", result.unwrap_err()));
    };
    refuse(playlist.begin(opening(1)));
    refuse(playlist.push_part(Part { duration: 10_001, ..part(1, 1) }));
    refuse(playlist.push_part(Part { duration: 0, ..part(1, 1) }));
    refuse(playlist.push_part(Part { resource: Resource::file("a\nb"), ..part(1, 1) }));
    refuse(playlist.finish(Resource::file("")).map(|_| ()));
    refuse(playlist.hint(Some(hint("a\"b"))));
    // 2.33 s round to the target of 2 s, 2.67 s do not.
    for index in 1..7 {
        playlist.push_part(part(1, index)).unwrap();
    }
    refuse(playlist.push_part(part(1, 7)));
    playlist.finish(whole(1)).unwrap();
    refuse(playlist.push_part(part(2, 0)));
    refuse(playlist.finish(whole(2)).map(|_| ()));
    refuse(playlist.push_segment(opening(2), 75_000, whole(2), false).map(|_| ()));
    let settings = Settings { part_target: None, ..SETTINGS };
    refuse(LivePlaylist::new(settings, 0).unwrap().begin(opening(0)));
    for settings in [
        Settings { timescale: 0, ..SETTINGS },
        Settings { target_duration_s: 0, ..SETTINGS },
        Settings { part_target: Some(0), ..SETTINGS },
        Settings { part_target: Some(60_001), ..SETTINGS },
    ] {
        refuse(LivePlaylist::new(settings, 9).map(|_| ()));
    }
    insta::assert_snapshot!(refused);
}

fn date_range(id: &str, start_s: i64) -> DateRange {
    DateRange {
        id: id.into(),
        class: Some("com.example.ad".into()),
        start_us: BEGAN_US + start_s * 1_000_000,
        duration_us: None,
        planned_duration_us: None,
        end_on_next: false,
        attributes: vec![],
    }
}

#[test]
fn dates_and_variables() {
    let mut playlist = live(0, 5, 0);
    playlist.define("base", "https://cdn.example/token-of-one-viewer").unwrap();
    let known = DateRange {
        duration_us: Some(2_500_000),
        planned_duration_us: Some(3_000_000),
        attributes: vec![("X-COM-EXAMPLE-AD".into(), "42".into())],
        ..date_range("first", 1)
    };
    playlist.put_date_range(DateRange { duration_us: None, ..known.clone() }).unwrap();
    playlist.put_date_range(known.clone()).unwrap();
    let until = |id, start_s| DateRange {
        class: Some("com.example.programme".into()),
        end_on_next: true,
        ..date_range(id, start_s)
    };
    playlist.put_date_range(until("news", 0)).unwrap();
    playlist.put_date_range(until("weather", 2)).unwrap();
    playlist.push_part(Part { resource: Resource::file("{$base}/5.0.m4s"), ..part(5, 0) }).unwrap();
    playlist.hint(Some(hint("{$base}/5.1.m4s"))).unwrap();
    let text = playlist.write(Form::Whole, &[]);
    insta::assert_snapshot!("live_dates_and_variables", text);
    assert_eq!(lint_of(&text), []);

    // They go with the segments of their time: at 4 s the news is over, the weather is not.
    playlist.trim(0);
    let text = playlist.write(Form::Whole, &[]);
    assert!(!text.contains("news") && !text.contains("first"), "{text}");
    assert!(text.contains("weather"), "{text}");

    let mut refused = String::new();
    for range in [
        DateRange { id: String::new(), ..known.clone() },
        DateRange { class: Some("a\"b".into()), ..known.clone() },
        DateRange { attributes: vec![("COLOUR".into(), "red".into())], ..known.clone() },
        DateRange { end_on_next: true, ..known },
    ] {
        refused += &format!("{}\n", playlist.put_date_range(range).unwrap_err());
    }
    for (name, value) in [("base", "again"), ("a b", ""), ("c", "\"")] {
        refused += &format!("{}\n", playlist.define(name, value).unwrap_err());
    }
    insta::assert_snapshot!("live_dates_refused", refused);
}

proptest! {
    /// Durations never drift: parts sum to their segment, segments to the timeline, and no part is
    /// above the target, whatever the timescale.
    #[test]
    fn durations_add_up(
        timescale in 1_000_u32..200_000,
        parts in 1_u64..8,
        thirds in 1_u64..400,
    ) {
        let duration = thirds * u64::from(timescale) / 3_000 + 1;
        let settings = Settings {
            timescale,
            target_duration_s: 2,
            part_target: Some(duration),
            independent: false,
        };
        let mut playlist = LivePlaylist::new(settings, 5).unwrap();
        for segment in 5..9 {
            playlist.begin(opening(segment)).unwrap();
            for index in 0..parts {
                playlist.push_part(Part { duration, ..part(segment, index) }).ok();
            }
            playlist.finish(whole(segment)).unwrap();
        }
        let text = playlist.write(Form::Whole, &[]);
        prop_assert_eq!(lint_of(&text), vec![]);
        let micros = |text: &str| text.replace('.', "").parse::<u64>().unwrap();
        let (mut sum, mut total) = (0, 0);
        for line in text.lines() {
            if let Some(list) = line.strip_prefix("#EXT-X-PART:DURATION=") {
                sum += micros(list.split(',').next().unwrap());
            } else if let Some(whole) = line.strip_prefix("#EXTINF:") {
                let whole = micros(whole.trim_end_matches(','));
                prop_assert!(sum == whole || sum == 0);
                (sum, total) = (0, total + whole);
            }
        }
        let ticks = 4 * (0..parts).fold(0, |sum, _| {
            let longer = sum + duration;
            if longer * 2 < 5 * u64::from(timescale) { longer } else { sum }
        });
        let exact = (ticks * 1_000_000 * 2 + u64::from(timescale)) / (2 * u64::from(timescale));
        prop_assert_eq!(total, exact);
    }
}
