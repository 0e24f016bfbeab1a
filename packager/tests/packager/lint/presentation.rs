//! What playlists have in common, and how they grow.

use std::{fmt::Write, time::Duration};

use kinora_media::Status;
use kinora_packager::{
    hls,
    lint::{self, Finding, Media, Multivariant, Outline},
    package::{Layout, Method, Options, Package},
};

use crate::{
    crypt::{clips::Clip, encryption},
    fixtures::{head, note_key_frames, pictures, tracks},
    package::{OPTIONS, film, packaged},
};

fn main_of(text: &str) -> Multivariant {
    match lint::playlist(text.as_bytes()).outline {
        Outline::Multivariant(main) => main,
        Outline::Media(_) => panic!("{text}"),
    }
}

fn media_of(text: &str) -> Media {
    match lint::playlist(text.as_bytes()).outline {
        Outline::Media(media) => media,
        Outline::Multivariant(_) => panic!("{text}"),
    }
}

fn told(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut told, it| {
        let Finding { line, severity, clause, message } = it;
        writeln!(told, "{line} {} {clause} {message}", severity.as_str()).unwrap();
        told
    })
}

/// Playlists by their names, the multivariant one first.
fn assert_clean(playlists: &[(String, String)]) {
    for (name, text) in playlists {
        assert_eq!(told(&lint::playlist(text.as_bytes()).findings), "", "{name}: {text}");
    }
    let (main, media) = playlists.split_first().unwrap();
    let media: Vec<_> = media.iter().map(|(name, text)| (name.as_str(), media_of(text))).collect();
    let named = lint::playlist(main.1.as_bytes()).playlists;
    for name in named {
        assert!(media.iter().any(|(known, _)| *known == name), "{name} is not there");
    }
    let media: Vec<_> = media.iter().map(|(name, media)| (*name, media)).collect();
    assert_eq!(lint::renditions(&main_of(&main.1), &media), []);
}

#[test]
fn ours_of_the_index_agree() {
    for (segments, status, vod) in [
        (1, Status::Growing, false),
        (3, Status::Growing, false),
        (3, Status::Complete, false),
        (3, Status::Complete, true),
    ] {
        let (mut head, mut pages) = head(tracks(), segments, status);
        note_key_frames(&mut head, &mut pages);
        head.first_published_complete = vod;
        head.pictures = Some(pictures());
        let mut all = vec![("hls.m3u8".to_owned(), hls::multivariant(&head, &pages).unwrap())];
        for track in &head.tracks {
            let media = hls::media_playlist(&head, &pages, &track.id).unwrap().unwrap();
            all.push((format!("{}.m3u8", track.id), media));
            if let Some(media) = hls::i_frame_playlist(&head, &pages, &track.id).unwrap() {
                all.push((format!("{}/iframes.m3u8", track.id), media));
            }
        }
        let storyboard = "storyboard".parse().unwrap();
        if let Some(media) = hls::media_playlist(&head, &pages, &storyboard).unwrap() {
            all.push(("storyboard.m3u8".to_owned(), media));
        }
        assert_clean(&all);
    }
}

fn all_of(package: &Package<'_>) -> Vec<(String, String)> {
    let mut all = vec![("hls.m3u8".to_owned(), package.multivariant().unwrap())];
    for track in &package.head().tracks {
        let media = package.media_playlist(&track.id).unwrap().unwrap();
        all.push((format!("{}.m3u8", track.id), media));
        all.extend(package.i_frame_playlist(&track.id).unwrap());
    }
    all
}

#[test]
fn ours_of_packages_agree() {
    for layout in [Layout::SingleFile, Layout::Segments] {
        packaged(&[film()], Options { layout, ..OPTIONS }, |package| {
            assert_clean(&all_of(package));
        });
    }
}

#[test]
fn ours_that_are_encrypted_agree() {
    for scheme in crate::crypt::SCHEMES.map(Method::Samples).into_iter().chain([Method::Aes128]) {
        let options = Options { layout: Layout::Segments, ..OPTIONS };
        packaged(&[Clip::Avc.bytes()], options, |package| {
            let mut package = package.clone();
            package.protect(&encryption(scheme)).unwrap();
            assert_clean(&all_of(&package));
        });
    }
}

#[test]
fn a_head_that_grows_keeps_its_promises() {
    let playlist = |segments, status| {
        let (head, pages) = head(tracks(), segments, status);
        let main = head.tracks.first().unwrap().id.clone();
        media_of(&hls::media_playlist(&head, &pages, &main).unwrap().unwrap())
    };
    let versions =
        [playlist(1, Status::Growing), playlist(3, Status::Growing), playlist(3, Status::Complete)];
    for (n, before) in versions.iter().enumerate() {
        for after in &versions[n..] {
            assert_eq!(told(&lint::growth(before, after)), "");
        }
    }
    let (first, last) = (&versions[0], &versions[2]);
    assert!(lint::is_late(first, Duration::from_secs(2)).is_none());
    assert!(lint::is_late(first, Duration::from_secs(60)).is_some());
    assert!(lint::is_late(last, Duration::from_secs(60)).is_none());
    // And it does judge.
    assert!(!lint::growth(last, first).is_empty());
}

#[test]
fn rules_of_growth() {
    let live = |tags: &str, segments: &str| {
        media_of(&format!("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n{tags}\n{segments}"))
    };
    let five = "#EXTINF:4,\na\n#EXTINF:4,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nc\n#EXTINF:4,\nd\n#EXTINF:4,\ne\n";
    let before = live("#EXT-X-MEDIA-SEQUENCE:7", five);
    let after = |tags: &str, segments: &str| told(&lint::growth(&before, &live(tags, segments)));
    let event = live("#EXT-X-PLAYLIST-TYPE:EVENT", "#EXTINF:4,\na\n#EXTINF:4,\nb\n");
    let from_event = |text: &str| told(&lint::growth(&event, &live("", text)));
    let ended = live("", &format!("{five}#EXT-X-ENDLIST\n"));
    let from_ended = |text: &str| told(&lint::growth(&ended, &live("", text)));
    let more = format!("{five}#EXTINF:4,\nf\n");
    let moved = "#EXTINF:4,\nc\n#EXTINF:4,\nd\n#EXTINF:4,\ne\n#EXTINF:4,\nf\n";
    // What may be.
    assert_eq!(after("#EXT-X-MEDIA-SEQUENCE:7", &more), "");
    let kept = "#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-DISCONTINUITY-SEQUENCE:1";
    assert_eq!(after(kept, moved), "");
    let cases = [
        ("decreased", after("#EXT-X-MEDIA-SEQUENCE:6", five)),
        ("cut off", after("#EXT-X-MEDIA-SEQUENCE:7", "#EXTINF:4,\na\n#EXTINF:4,\nb\n")),
        ("no discontinuity sequence", after("#EXT-X-MEDIA-SEQUENCE:9", moved)),
        (
            "other addresses and times",
            after(
                "#EXT-X-MEDIA-SEQUENCE:7",
                &more.replace("\nb\n", "\nB\n").replace("4,\nd", "3.9,\n#EXT-X-BYTERANGE:1@2\nd"),
            ),
        ),
        ("too short", after("#EXT-X-MEDIA-SEQUENCE:11", "#EXTINF:4,\ne\n#EXTINF:4,\nf\n")),
        (
            "another target",
            told(&lint::growth(&before, &media_of("#EXTM3U\n#EXT-X-TARGETDURATION:5\n"))),
        ),
        (
            "removed of an event",
            from_event("#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n"),
        ),
        ("after the end", from_ended(&more)),
        (
            "late",
            told(
                &lint::is_late(&before, Duration::from_millis(6100))
                    .into_iter()
                    .collect::<Vec<_>>(),
            ),
        ),
    ];
    let said = cases.map(|(name, said)| format!("# {name}\n{said}"));
    insta::assert_snapshot!(said.concat());
}

#[test]
fn a_delta_update_is_part_of_a_version() {
    let whole =
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:3\n#EXTINF:4,\na\n#EXTINF:4,\nb\n";
    let delta = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n";
    assert_eq!(told(&lint::growth(&media_of(whole), &media_of(delta))), "");
    let wrong = delta.replace("\nb\n", "\nx\n");
    assert!(
        told(&lint::growth(&media_of(whole), &media_of(&wrong))).contains("segment 4: the address")
    );
}

#[test]
fn rules_of_presentations() {
    let main = main_of(
        "#EXTM3U\n#EXT-X-VERSION:5\n\
         #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"identity\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\",CHANNELS=\"2\",URI=\"sound\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"1\",URI=\"text\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\",AUDIO=\"a\",SUBTITLES=\"s\"\nhigh\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\",AUDIO=\"a\",SUBTITLES=\"s\"\nlow\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\",URI=\"keys\"\n\
         #EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,CODECS=\"jpeg\",URI=\"images\"\n",
    );
    let media = |target: u32, tags: &str, segments: &str| {
        media_of(&format!(
            "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:{target}\n{tags}{segments}#EXT-X-ENDLIST\n"
        ))
    };
    let vod = "#EXT-X-PLAYLIST-TYPE:VOD\n";
    let key = "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"k\",KEYFORMATVERSIONS=\"1/2\"\n";
    let date = "#EXT-X-PROGRAM-DATE-TIME:2026-11-27T06:00:00.000Z\n";
    let two = "#EXTINF:4,\n0\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\n1\n";
    let one = "#EXTINF:4,\n0\n";
    let high = media(4, &format!("{vod}{date}"), two);
    let named = [
        ("high", high.clone()),
        ("low", media(5, &format!("{vod}{key}"), "#EXTINF:2,\n0\n")),
        ("sound", media(4, date, one)),
        ("text", media(9, &format!("{vod}{date}"), one)),
        ("keys", media(9, &format!("{vod}{date}"), two)),
        ("images", media(60, "", one)),
        ("stranger", media(60, "", one)),
    ];
    let named: Vec<_> = named.iter().map(|(name, media)| (*name, media)).collect();
    let said = lint::renditions(&main, &named).into_iter();
    let said = said.map(|(name, finding)| format!("{name} {}", told(&[finding])));
    insta::assert_snapshot!(said.collect::<String>());
    assert_eq!(lint::renditions(&main, &[("high", &high)]), []);
}
