//! A presentation whose picture changes its parameter sets once, on the way.

use kinora_media::{Head, Page, Period, Status};
use kinora_packager::{PackagerError, dash, hls};
use m3u8_rs::Playlist;

use crate::fixtures::{audio, head, id, tracks, video};

const TRACKS: [&str; 4] = ["v1080", "v480", "a-en", "a-de"];

fn period(start: u64, init: &str) -> Period {
    Period { start, timescale: 90_000, init: init.into() }
}

/// The second segment, at 2 s, begins the second period.
fn switched(segments: usize, status: Status) -> (Head, Vec<Page>) {
    let (mut head, pages) = head(tracks(), segments, status);
    head.periods = vec![period(0, "init.mp4"), period(180_000, "init-1.mp4")];
    (head, pages)
}

fn media(head: &Head, pages: &[Page], track: &str) -> String {
    hls::media_playlist(head, pages, &id(track)).unwrap().unwrap()
}

#[test]
fn every_playlist_has_the_discontinuity_at_the_same_segment() {
    let (head, pages) = switched(3, Status::Complete);
    for track in TRACKS {
        let playlist = media(&head, &pages, track);
        let Ok(Playlist::MediaPlaylist(parsed)) = m3u8_rs::parse_playlist_res(playlist.as_bytes())
        else {
            panic!("{playlist}");
        };
        let places: Vec<_> = parsed.segments.iter().map(|segment| segment.discontinuity).collect();
        assert_eq!(places, [false, true, false], "{track}");
        let maps: Vec<_> = parsed
            .segments
            .iter()
            .map(|segment| segment.map.as_ref().map(|map| map.uri.clone()))
            .collect();
        let second = if track.starts_with('v') { "init-1.mp4" } else { "init.mp4" };
        let first = Some(format!("{track}/init.mp4"));
        assert_eq!(maps[0], first, "{track}");
        assert_eq!(maps[1], Some(format!("{track}/{second}")), "{track}");
    }
    insta::assert_snapshot!("two_periods_video", media(&head, &pages, "v480"));
    insta::assert_snapshot!("two_periods_audio", media(&head, &pages, "a-en"));
    insta::assert_snapshot!("two_periods_mpd", dash::mpd(&head, &pages).unwrap());
}

#[test]
fn a_period_is_only_appended() {
    let (mut before, pages) = head(tracks(), 1, Status::Growing);
    before.periods = vec![period(0, "init.mp4")];
    let (decided, _) = switched(1, Status::Growing);
    let (begun, _) = switched(2, Status::Growing);
    for track in TRACKS {
        assert_eq!(media(&before, &pages, track), media(&decided, &pages, track));
        assert!(media(&begun, &pages, track).starts_with(&media(&before, &pages, track)));
    }
    let mpd = |head| dash::mpd(head, &pages).unwrap();
    let periods = |mpd: &str| -> Vec<String> {
        mpd.split_inclusive("</Period>").map(str::to_owned).collect()
    };
    assert_eq!(mpd(&before), mpd(&decided), "a period without segments is not listed");
    let (before, begun) = (periods(&mpd(&before)), periods(&mpd(&begun)));
    assert_eq!((before.len(), begun.len()), (2, 3));
    // Of the first period nothing changes but that its end is known.
    let first = |mpd: &str| mpd[mpd.find("<Adapt").unwrap()..].to_owned();
    assert_eq!(first(&before[0]), first(&begun[0]));
    assert!(before[0].contains(r#"<Period id="0" start="PT0S" duration="PT5.501S">"#));
    assert!(begun[0].contains(r#"<Period id="0" start="PT0S">"#));
    assert!(begun[1].contains(r#"<Period id="1" start="PT2S" duration="PT3.501S">"#));
}

#[test]
fn an_mpd_to_which_a_period_may_come_has_no_end_of_its_own() {
    let (mut head, pages) = head(tracks(), 2, Status::Growing);
    let ends = |head: &Head| {
        dash::mpd(head, &pages).unwrap().contains("mediaPresentationDuration=\"PT5.501S\"")
    };
    assert!(ends(&head));
    head.periods = vec![period(0, "init.mp4")];
    assert!(!ends(&head));
    let (switched, pages) = switched(3, Status::Complete);
    let mpd = dash::mpd(&switched, &pages).unwrap();
    assert!(mpd.contains("mediaPresentationDuration") && !mpd.contains(" duration="));
}

#[test]
fn a_redone_version_has_one_period_under_another_name() {
    let (mut head, pages) = head(tracks(), 2, Status::Growing);
    head.periods = vec![period(0, "init-1.mp4")];
    let playlist = media(&head, &pages, "v480");
    assert!(playlist.contains(r#"#EXT-X-MAP:URI="v480/init-1.mp4""#), "{playlist}");
    assert!(!playlist.contains("DISCONTINUITY"));
    assert!(media(&head, &pages, "a-en").contains(r#"URI="a-en/init.mp4""#));
    let mpd = dash::mpd(&head, &pages).unwrap();
    assert_eq!(mpd.matches("<Period").count(), 1);
    assert_eq!(mpd.matches("$RepresentationID$/init-1.mp4").count(), 2);
}

#[test]
fn the_boundary_is_exact_where_seconds_are_not() {
    // 60 frames of 30000/1001 end at 2.002 s: 60060 ticks of 30000.
    let tracks = vec![
        video("v360", 640, 360, (30_000, 1001), 800_000),
        audio("a-en", "en", "English", true),
    ];
    let (mut head, pages) = head(tracks, 3, Status::Complete);
    let scale = head.tracks[0].timescale;
    let start = u64::from(scale) * 60 * 1001 / 30_000;
    head.periods = vec![
        Period { start: 0, timescale: scale, init: "init.mp4".into() },
        Period { start, timescale: scale, init: "init-1.mp4".into() },
    ];
    let mpd = dash::mpd(&head, &pages).unwrap();
    assert!(mpd.contains(r#"start="PT2.002S""#), "{mpd}");
    assert!(mpd.contains(&format!(r#"presentationTimeOffset="{start}""#)), "{mpd}");
    assert!(mpd.contains(r#"presentationTimeOffset="96096""#), "2.002 s of 48 kHz: {mpd}");
}

#[test]
fn periods_that_make_no_sense_are_refused() {
    let wrong = [
        vec![period(90_000, "init.mp4")],
        vec![period(0, "init.mp4"), period(0, "init-1.mp4")],
        vec![period(0, "../init.mp4")],
        vec![period(0, "")],
        vec![Period { timescale: 0, ..period(0, "init.mp4") }],
    ];
    for periods in wrong {
        let (mut head, pages) = head(tracks(), 2, Status::Growing);
        head.periods = periods.clone();
        assert_eq!(dash::mpd(&head, &pages), Err(PackagerError::Periods), "{periods:?}");
    }
}
