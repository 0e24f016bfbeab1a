//! The rules of RFC 8216bis: ours keep them, and each that is broken is found.

mod presentation;

use kinora_media::Status;
use kinora_packager::{
    hls,
    lint::{self, Kind},
};
use proptest::prelude::*;

use crate::fixtures::{head, note_key_frames, tracks};

#[test]
fn our_playlists_keep_the_rules() {
    for (segments, status) in [(1, Status::Growing), (3, Status::Growing), (3, Status::Complete)] {
        let (mut head, mut pages) = head(tracks(), segments, status);
        note_key_frames(&mut head, &mut pages);
        let report = lint::playlist(hls::multivariant(&head, &pages).unwrap().as_bytes());
        assert_eq!((report.kind, &report.findings[..]), (Kind::Multivariant, &[][..]));
        assert!(report.playlists.contains(&"v1080/iframes.m3u8".to_owned()));
        for track in &head.tracks {
            let media = hls::media_playlist(&head, &pages, &track.id).unwrap().unwrap();
            assert_eq!(lint::playlist(media.as_bytes()).findings, [], "{media}");
            if let Some(media) = hls::i_frame_playlist(&head, &pages, &track.id).unwrap() {
                assert_eq!(lint::playlist(media.as_bytes()).findings, [], "{media}");
            }
        }
    }
}

fn found(text: &str) -> String {
    let findings = lint::playlist(text.as_bytes())
        .findings
        .into_iter()
        .map(|it| format!("{} {} {} {}\n", it.line, it.severity.as_str(), it.clause, it.message));
    findings.collect()
}

#[test]
fn rules_of_media_playlists() {
    insta::assert_snapshot!(found(
        "#EXTINF:1,\n\
         #EXT-X-VERSION:2\n\
         #EXT-X-VERSION:x\n\
         #EXT-X-TARGETDURATION:2\n\
         #EXT-X-TARGETDURATION:4\n\
         #EXT-X-PLAYLIST-TYPE:LIVE\n\
         #EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=3.0,HOLD-BACK=5.9,CAN-BLOCK-RELOAD=YES\n\
         #EXT-X-KEY:METHOD=AES-128,IV=12\n\
         #EXT-X-KEY:METHOD=NONE,URI=\"k\"\n\
         #EXT-X-KEY:METHOD=ROT13,URI=\"k\"\n\
         #EXT-X-MAP:BYTERANGE=x\n\
         #EXTINF:2.5,\n\
         a.m4s\n\
         #EXT-X-MEDIA-SEQUENCE:7\n\
         b.m4s\n\
         #EXTINF:2.4\n\
         #EXT-X-BYTERANGE:12\n\
         c.m4s\n\
         #EXTINF:fast,\n\
         #EXT-X-BYTERANGE:12@a\n\
         c.m4s \n\
         #EXT-X-PART:URI=\"p\",DURATION=x\n\
         #EXT-X-DATERANGE:ID=\"1\",END-ON-NEXT=YES,DURATION=2\n\
         # a comment\n\
         #EXTINF:1,\n\u{7}"
    ));
}

#[test]
fn rules_of_parts() {
    insta::assert_snapshot!(found(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n\
         #EXT-X-SERVER-CONTROL:PART-HOLD-BACK=0.9,CAN-SKIP-DATERANGES=YES\n\
         #EXT-X-PART:DURATION=0.51,URI=p\n"
    ));
    let hold = |seconds| {
        found(&format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n\
             #EXT-X-SERVER-CONTROL:{seconds}\n"
        ))
    };
    assert!(hold("PART-HOLD-BACK=1.2").contains("warning 4.4.3.8"));
    assert!(hold("HOLD-BACK=12.0").contains("PART-HOLD-BACK is missing"));
    assert_eq!(hold("PART-HOLD-BACK=1.5"), "");
}

#[test]
fn rules_of_low_latency() {
    insta::assert_snapshot!(found(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n\
         #EXT-X-SKIP:SKIPPED-SEGMENTS=x\n\
         #EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3,CAN-SKIP-UNTIL=24,CAN-BLOCK-RELOAD=NO\n\
         #EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=\"a\"\n\
         #EXT-X-PROGRAM-DATE-TIME:yesterday\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-27T06:00:00.000\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-27T06:00:00.000Z\n\
         #EXT-X-PART:URI=\"a\",DURATION=0.8\n\
         #EXT-X-PART:URI=\"b\",DURATION=0.8,INDEPENDENT=NO,BYTERANGE=\"x\"\n\
         #EXT-X-PART:URI=\"c\",DURATION=0.8\n\
         #EXTINF:2.4,\nabc.m4s\n\
         #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"d\"\n\
         #EXT-X-PRELOAD-HINT:TYPE=PART,URI=e,BYTERANGE-START=-1\n\
         #EXT-X-PRELOAD-HINT:TYPE=MOOD\n\
         #EXT-X-RENDITION-REPORT:URI=\"https://example.org/a.m3u8\",LAST-PART=x\n"
    ));
}

#[test]
fn rules_of_variables() {
    let rules =
        |tags: &str| found(&format!("#EXTM3U\n#EXT-X-VERSION:8\n{tags}#EXT-X-TARGETDURATION:4\n"));
    insta::assert_snapshot!(rules(
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"a\"\n\
         #EXT-X-DEFINE:IMPORT=\"b\",NAME=\"c d\"\n#EXT-X-DEFINE:VALUE=\"1\"\n\
         #EXT-X-DEFINE:QUERYPARAM=\"e\"\n#EXTINF:1,{$a}\n{$f}/{$e}/{$$}.ts\n"
    ));
    let import = "#EXT-X-DEFINE:IMPORT=\"a\"\n";
    assert_eq!(rules(import), "");
    let multivariant = format!("{import}#EXT-X-MEDIA:TYPE=AUDIO\n");
    assert!(rules(&multivariant).contains("error 4.4.2.3 IMPORT stands in a multivariant"));
}

#[test]
fn rules_of_keys_and_gaps() {
    insta::assert_snapshot!(found(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMATVERSIONS=\"1/0\"\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n\
         #EXT-X-GAP\n#EXT-X-GAP:1\n#EXTINF:4,\n0.m4s\n\
         #EXT-X-KEY:METHOD=NONE,KEYFORMATVERSIONS=\"1\"\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n\
         #EXT-X-KEY:METHOD=AES-128,URI=k,IV=0x00112233445566778899aabbccddeeff\n\
         #EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4,\n1.m4s\n#EXT-X-GAP\n"
    ));
}

#[test]
fn rules_of_session_keys_and_groups() {
    insta::assert_snapshot!(found(
        "#EXTM3U\n\
         #EXT-X-SESSION-KEY:METHOD=NONE\n\
         #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n\
         #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,KEYFORMAT=\"identity\",URI=\"k\"\n\
         #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\",IV=0x00112233445566778899aabbccddeeff\n\
         #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\",CHANNELS=\"2\",URI=\"1\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"2\",CHANNELS=\"2\",URI=\"2\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"1\",CHANNELS=\"6\",URI=\"3\"\n"
    ));
}

#[test]
fn rules_of_multivariant_playlists() {
    insta::assert_snapshot!(found(
        "#EXTM3U\n\
         #EXT-X-TARGETDURATION:2\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\",DEFAULT=YES,URI=\"1.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\",DEFAULT=YES,AUTOSELECT=NO,CHANNELS=\"2\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=s,NAME=\"1\",FORCED=MAYBE\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"1\",URI=\"x\",FORCED=NO\n\
         #EXT-X-MEDIA:TYPE=SMELL,NAME=\"un,finished\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=2,CODECS=avc1,AUDIO=\"b\",CLOSED-CAPTIONS=NONE\n\
         #EXT-X-STREAM-INF:BANDWIDTH=x,BANDWIDTH=1,VIDEO-RANGE=XDR,RESOLUTION=5,SUBTITLES=\"s\"\n\
         v.m3u8\n\
         stray.m3u8\n\
         #EXT-X-I-FRAME-STREAM-INF:FRAME-RATE=30,CODECS=\"avc1.64001f\"lower=1\n\
         #EXT-X-STREAM-INF:AVERAGE-BANDWIDTH\n"
    ));
    assert!(found("\u{feff}#EXTM3U\r\n#EXT-X-TARGETDURATION:1\r\n").contains("byte order mark"));
    let report = lint::playlist(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n\xff\n");
    assert_eq!((report.findings[0].line, report.findings[0].clause), (3, "4.1"));
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes: Vec<u8>) {
        lint::playlist(&bytes);
    }

    #[test]
    fn anything_like_a_playlist_is_judged(
        lines in proptest::collection::vec(
            "#EXT(INF|-X-(KEY|MAP|PART|MEDIA|STREAM-INF|BYTERANGE|VERSION|DATERANGE|DEFINE|SKIP|\
             PRELOAD-HINT|RENDITION-REPORT|PROGRAM-DATE-TIME)):\
             [A-Z0-9=\",.@é:-]{0,24}|[a-z\"é]{0,9}",
            0..20,
        ),
    ) {
        let text = lines.join("\n");
        let report = lint::playlist(text.as_bytes());
        prop_assert!(report.findings.iter().all(|finding| finding.line <= lines.len().max(1)));
    }
}
