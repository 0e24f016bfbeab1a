//! The DASH manifest: snapshots, and that it says the same as HLS.

use kinora_media::{AudioRole, Head, Page, Status, TrackKind};
use kinora_packager::{PackagerError, dash, hls};
use quick_xml::{Reader, events::Event};

use crate::fixtures::{AUDIO_FRAMES, audio, head, id, surround, tracks};

#[test]
fn growing() {
    let (head, pages) = head(tracks(), 2, Status::Growing);
    insta::assert_snapshot!("dynamic", dash::mpd(&head, &pages).unwrap());
}

#[test]
fn complete() {
    let (head, pages) = head(tracks(), 3, Status::Complete);
    insta::assert_snapshot!("static", dash::mpd(&head, &pages).unwrap());
}

#[test]
fn audio_only() {
    let (head, pages) = head(vec![audio("a-und", "und", "", true)], 3, Status::Complete);
    insta::assert_snapshot!("audio_only_mpd", dash::mpd(&head, &pages).unwrap());
}

#[test]
fn soundtracks_say_what_they_are() {
    let english = audio("a-en", "en", "English", true);
    let mut commentary = audio("a-en-2", "en", "Commentary", false);
    if let TrackKind::Audio(audio) = &mut commentary.kind {
        audio.role = AudioRole::Commentary;
    }
    let wide = surround(&english);
    let (head, pages) = head(vec![english, commentary, wide], 3, Status::Complete);
    insta::assert_snapshot!("soundtracks_mpd", dash::mpd(&head, &pages).unwrap());
}

#[test]
fn the_origin_of_time_stays() {
    let (one, pages) = head(tracks(), 2, Status::Growing);
    let (mut two, _) = head(tracks(), 3, Status::Growing);
    two.published_at_us += 60_000_000;
    let start = |head| {
        let mpd = dash::mpd(head, &pages).unwrap();
        attribute(&mpd, "MPD", "availabilityStartTime").unwrap()
    };
    // 5.5 s and one more before the first publication, rounded down to a second.
    assert_eq!(start(&one), "2025-12-31T23:59:54.000Z");
    assert_eq!(start(&one), start(&two));
}

/// Six seconds more than what is listed: less and Shaka starts late, much more and it starves.
#[test]
fn the_suggested_delay_follows_what_is_published() {
    let delay = |segments| {
        let (head, pages) = head(tracks(), segments, Status::Growing);
        attribute(&dash::mpd(&head, &pages).unwrap(), "MPD", "suggestedPresentationDelay").unwrap()
    };
    let (one, two) = (delay(1), delay(2));
    assert!(one.starts_with("PT8."), "2 s and 6 s: {one}");
    assert!(two.starts_with("PT10."), "4 s and 6 s: {two}");
}

#[test]
fn no_segment_ends_after_the_presentation() {
    let total = |head: &Head, pages: &[Page]| {
        let mpd = dash::mpd(head, pages).unwrap();
        attribute(&mpd, "MPD", "mediaPresentationDuration").unwrap()
    };
    let (growing, pages) = head(tracks(), 2, Status::Growing);
    assert_eq!(total(&growing, &pages), "PT5.501S");
    // The longest soundtrack: 259 frames of 1024 less the priming of one, and a millisecond.
    let (complete, pages) = head(tracks(), 3, Status::Complete);
    assert_eq!(total(&complete, &pages), "PT5.505S");
    let (all_but_complete, pages) = head(tracks(), 3, Status::Growing);
    assert_eq!(total(&all_but_complete, &pages), "PT5.505S");
}

#[test]
fn a_tombstone_has_no_manifest() {
    let (mut head, pages) = head(tracks(), 2, Status::Deleted);
    assert_eq!(dash::mpd(&head, &pages), Err(PackagerError::Deleted));
    head.status = Status::Growing;
    head.tracks.retain(|track| track.id.as_str().starts_with("t-"));
    assert_eq!(dash::mpd(&head, &pages), Err(PackagerError::NothingPublished { track: None }));
}

#[test]
fn names_the_segments_hls_names() {
    let (head, pages) = head(tracks(), 3, Status::Complete);
    let dash = dash_segments(&dash::mpd(&head, &pages).unwrap());
    assert_eq!(dash.len(), 4 * 3);
    let from_hls: Vec<_> = ["v1080", "v480", "a-en", "a-de"]
        .into_iter()
        .flat_map(|track| hls_segments(&head, &pages, track))
        .collect();
    assert_eq!(dash, from_hls);
}

#[test]
fn priming_is_taken_off_once() {
    let (head, pages) = head(tracks(), 3, Status::Complete);
    let mpd = dash::mpd(&head, &pages).unwrap();
    let audio: Vec<_> =
        dash_segments(&mpd).into_iter().filter(|(url, _)| url.starts_with("a-en")).collect();
    let ticks = |micros: u64| (micros * 48_000 + 500_000) / 1_000_000;
    let durations: Vec<_> = audio.iter().map(|(_, micros)| ticks(*micros)).collect();
    let [first, others @ ..] = AUDIO_FRAMES.map(|frames| frames * 1024);
    assert_eq!(durations, [&[first - 1024], &others[..]].concat());
    assert!(!mpd.contains("presentationTimeOffset"));
}

/// Address and duration in microseconds of every segment, as times round.
type Segments = Vec<(String, u64)>;

fn hls_segments(head: &Head, pages: &[Page], track: &str) -> Segments {
    let playlist = hls::media_playlist(head, pages, &id(track)).unwrap().unwrap();
    let lines: Vec<_> = playlist.lines().collect();
    lines
        .windows(2)
        .filter_map(|pair| {
            let duration = pair[0].strip_prefix("#EXTINF:")?.trim_end_matches(',');
            Some((pair[1].to_owned(), duration.replace('.', "").parse().unwrap()))
        })
        .collect()
}

fn dash_segments(mpd: &str) -> Segments {
    let mut reader = Reader::from_str(mpd);
    let (mut representation, mut template) = (String::new(), String::new());
    let (mut timescale, mut time, mut number) = (0, 0, 0);
    let mut found = Segments::new();
    loop {
        let (Event::Start(element) | Event::Empty(element)) = (match reader.read_event().unwrap() {
            Event::Eof => return found,
            event => event,
        }) else {
            continue;
        };
        let get = |name: &str| {
            let attribute = element.try_get_attribute(name).unwrap()?;
            Some(String::from_utf8(attribute.value.into_owned()).unwrap())
        };
        let integer = |name: &str| get(name).map(|text| text.parse::<u64>().unwrap());
        match element.name().as_ref() {
            b"Representation" => representation = get("id").unwrap(),
            b"SegmentTemplate" => {
                template = get("media").unwrap();
                timescale = integer("timescale").unwrap();
                (time, number) = (0, integer("startNumber").unwrap());
            }
            b"S" => {
                time = integer("t").unwrap_or(time);
                let duration = integer("d").unwrap();
                for _ in 0..=integer("r").unwrap_or(0) {
                    let micros = |time: u64| (time * 2_000_000 + timescale) / (timescale * 2);
                    let url = template.replace("$RepresentationID$", &representation);
                    let url = url.replace("$Number$", &number.to_string());
                    found.push((url, micros(time + duration) - micros(time)));
                    (time, number) = (time + duration, number + 1);
                }
            }
            _ => {}
        }
    }
}

fn attribute(mpd: &str, element: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(mpd);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return None,
            Event::Start(found) if found.name().as_ref() == element.as_bytes() => {
                let attribute = found.try_get_attribute(name).unwrap()?;
                return Some(String::from_utf8(attribute.value.into_owned()).unwrap());
            }
            _ => {}
        }
    }
}

#[test]
fn thumbnails_come_with_the_whole() {
    let (mut growing, pages) = head(tracks(), 3, Status::Growing);
    growing.pictures = Some(crate::fixtures::pictures());
    assert!(!dash::mpd(&growing, &pages).unwrap().contains("image/jpeg"));
    let complete = Head { status: Status::Complete, ..growing };
    let mpd = dash::mpd(&complete, &pages).unwrap();
    let from = mpd.find("    <AdaptationSet id=\"5\" contentType=\"image\"").unwrap();
    insta::assert_snapshot!("thumbnails", mpd[from..].replace("</MPD>", "").trim_end());
}
