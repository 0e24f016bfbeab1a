//! HLS playlists: snapshots, and what another parser makes of them.

use kinora_media::{Head, Page, Status};
use kinora_packager::{PackagerError, hls};
use m3u8_rs::{MasterPlaylist, MediaPlaylist, MediaPlaylistType, Playlist};

use crate::fixtures::{audio, head, id, note_key_frames, surround, text, tracks, video};

fn parse_multivariant(playlist: &str) -> MasterPlaylist {
    match m3u8_rs::parse_playlist_res(playlist.as_bytes()) {
        Ok(Playlist::MasterPlaylist(parsed)) => parsed,
        other => panic!("not a multivariant playlist: {other:?}\n{playlist}"),
    }
}

fn parse_media(playlist: &str) -> MediaPlaylist {
    match m3u8_rs::parse_playlist_res(playlist.as_bytes()) {
        Ok(Playlist::MediaPlaylist(parsed)) => parsed,
        other => panic!("not a media playlist: {other:?}\n{playlist}"),
    }
}

fn media(head: &Head, pages: &[Page], track: &str) -> String {
    let playlist = hls::media_playlist(head, pages, &id(track)).unwrap().unwrap();
    let parsed = parse_media(&playlist);
    assert!(parsed.segments.iter().all(|s| s.duration.round() as u64 <= parsed.target_duration));
    playlist
}

#[test]
fn growing() {
    let (head, pages) = head(tracks(), 2, Status::Growing);
    let playlist = hls::multivariant(&head, &pages).unwrap();
    insta::assert_snapshot!("multivariant", playlist);
    let parsed = parse_multivariant(&playlist);
    assert_eq!(parsed.variants.len(), 2);
    assert_eq!(parsed.alternatives.len(), 4);
    assert_eq!(parsed.variants[1].bandwidth, 1_640_000);
    assert!(parsed.independent_segments);

    insta::assert_snapshot!("growing_video", media(&head, &pages, "v1080"));
    insta::assert_snapshot!("growing_audio", media(&head, &pages, "a-en"));
    insta::assert_snapshot!("captions", media(&head, &pages, "t-en"));
    assert_eq!(hls::media_playlist(&head, &pages, &id("v240")), Ok(None));
}

#[test]
fn what_was_published_never_changes() {
    let (one, pages) = head(tracks(), 2, Status::Growing);
    let (two, _) = head(tracks(), 3, Status::Growing);
    let (done, _) = head(tracks(), 3, Status::Complete);
    let render = |head| hls::multivariant(head, &pages).unwrap();
    assert_eq!(render(&one), render(&two));
    assert_eq!(render(&one), render(&done));
    for track in ["v1080", "v480", "a-en", "a-de"] {
        let [one, two, done] = [&one, &two, &done].map(|head| media(head, &pages, track));
        assert!(two.starts_with(&one) && two.len() > one.len());
        assert_eq!(done, two + "#EXT-X-ENDLIST\n");
        let parsed = parse_media(&done);
        assert_eq!(parsed.playlist_type, Some(MediaPlaylistType::Event));
        assert!(parsed.end_list);
    }
}

#[test]
fn complete_from_the_first() {
    let (mut head, pages) = head(tracks(), 3, Status::Complete);
    head.first_published_complete = true;
    let playlist = hls::multivariant(&head, &pages).unwrap();
    insta::assert_snapshot!("vod_multivariant", playlist);
    insta::assert_snapshot!("vod_video", media(&head, &pages, "v480"));
    let parsed = parse_multivariant(&playlist);
    // One byte a tick, in every segment: eight bits at each timescale.
    assert_eq!(parsed.variants[0].bandwidth, 8 * (90_000 + 48_000) + audio_excess());
    assert!(parsed.variants.iter().all(|variant| variant.average_bandwidth.is_some()));
}

/// The first audio segment is heard for less time than it is long, so its rate is higher.
fn audio_excess() -> u64 {
    let frames = 95_u64;
    (8 * 48_000 * frames).div_ceil(frames - 1) - 8 * 48_000
}

#[test]
fn audio_only() {
    let (one, pages) = head(vec![audio("a-und", "und", "Sound", true)], 3, Status::Growing);
    let playlist = hls::multivariant(&one, &pages).unwrap();
    insta::assert_snapshot!("audio_only", playlist);
    assert_eq!(parse_multivariant(&playlist).variants[0].uri, "a-und.m3u8");

    let soundtracks =
        vec![audio("a-en", "en", "English", false), audio("a-de", "de", "Deutsch", true)];
    let (two, pages) = head(soundtracks, 3, Status::Growing);
    let playlist = hls::multivariant(&two, &pages).unwrap();
    insta::assert_snapshot!("audio_only_two_languages", playlist);
    assert_eq!(parse_multivariant(&playlist).variants[0].uri, "a-de.m3u8");
}

#[test]
fn video_only() {
    let (head, pages) =
        head(vec![video("v360", 640, 360, (30_000, 1001), 900_000)], 2, Status::Growing);
    insta::assert_snapshot!("video_only", hls::multivariant(&head, &pages).unwrap());
    insta::assert_snapshot!("video_only_media", media(&head, &pages, "v360"));
}

#[test]
fn a_group_keeps_its_rules() {
    let tracks = vec![
        video("v360", 640, 360, (25, 1), 900_000),
        audio("a-1", "en", "Main", false),
        audio("a-2", "en", "Main", true),
        audio("a-3", "und", "", true),
        text("t-1", "en", "English"),
        text("t-2", "en", "English"),
    ];
    let (head, pages) = head(tracks, 2, Status::Growing);
    let playlist = hls::multivariant(&head, &pages).unwrap();
    insta::assert_snapshot!("group_rules", playlist);
    let parsed = parse_multivariant(&playlist);
    assert_eq!(parsed.alternatives.iter().filter(|media| media.default).count(), 1);
}

/// German is there as 5.1 too.
fn with_surround() -> (Head, Vec<Page>) {
    let mut tracks = tracks();
    let wide = surround(tracks.iter().find(|track| track.id == id("a-de")).unwrap());
    tracks.insert(4, wide);
    head(tracks, 2, Status::Growing)
}

#[test]
fn surround_is_a_group_beside_stereo() {
    let (head, pages) = with_surround();
    let playlist = hls::multivariant(&head, &pages).unwrap();
    insta::assert_snapshot!("surround", playlist);
    let parsed = parse_multivariant(&playlist);
    let members = |group: &str| {
        let of_group = parsed.alternatives.iter().filter(|media| media.group_id == group);
        of_group.map(|m| (m.name.clone(), m.language.clone(), m.default, m.autoselect)).collect()
    };
    // Equal but for address and channels (RFC 8216 4.3.4.2.1).
    let (stereo, surround): (Vec<_>, Vec<_>) = (members("audio"), members("audio-51"));
    assert_eq!(stereo, surround);
    assert_eq!(stereo.len(), 2);
    let variants: Vec<_> = parsed
        .variants
        .iter()
        .map(|v| (v.uri.as_str(), v.audio.as_deref().unwrap(), v.bandwidth))
        .collect();
    let expected = [
        ("v1080.m3u8", "audio", 5_640_000),
        ("v480.m3u8", "audio", 1_640_000),
        ("v1080.m3u8", "audio-51", 6_000_000),
        ("v480.m3u8", "audio-51", 2_000_000),
    ];
    assert_eq!(variants, expected);
    media(&head, &pages, "a-de-51");
}

#[test]
fn surround_alone_can_be_chosen() {
    let stereo = audio("a-und", "und", "Sound", true);
    let (head, pages) = head(vec![stereo.clone(), surround(&stereo)], 3, Status::Growing);
    let playlist = hls::multivariant(&head, &pages).unwrap();
    let parsed = parse_multivariant(&playlist);
    let uris: Vec<_> = parsed.variants.iter().map(|variant| variant.uri.as_str()).collect();
    assert_eq!(uris, ["a-und.m3u8", "a-und-51.m3u8"]);
    let groups: Vec<_> = parsed.variants.iter().map(|v| v.audio.as_deref().unwrap()).collect();
    assert_eq!(groups, ["audio", "audio-51"]);
}

#[test]
fn durations_add_up_to_times() {
    // 1001/30000 s a frame never ends on a microsecond; sixty thousand segments do not drift.
    let (mut head, _) = head(vec![audio("a-en", "en", "English", true)], 1, Status::Growing);
    head.pages.clear();
    head.tail = Page::default();
    let durations = [94 * 1024, 93 * 1024, 94 * 1024].repeat(20_000);
    let total: u64 = durations.iter().sum();
    head.tail.tracks.insert(id("a-en"), vec![crate::fixtures::chunk("0-1.m4s", 0, &durations)]);
    let playlist = media(&head, &[], "a-en");
    let micros = |line: &str| -> Option<u64> {
        line.strip_prefix("#EXTINF:")?.trim_end_matches(',').replace('.', "").parse().ok()
    };
    let sum: u64 = playlist.lines().filter_map(micros).sum();
    assert_eq!(sum, ((total - 1024) * 2_000_000 + 48_000) / 96_000);
}

#[test]
fn what_cannot_be_shown_is_an_error() {
    let (good, pages) = head(tracks(), 2, Status::Growing);
    let refused = |change: &dyn Fn(&mut Head)| {
        let mut head = good.clone();
        change(&mut head);
        let error = hls::multivariant(&head, &pages).unwrap_err();
        // The media playlist of the first track agrees.
        assert!(hls::media_playlist(&head, &pages, &id("v1080")).is_err());
        error
    };
    assert_eq!(refused(&|head| head.status = Status::Deleted), PackagerError::Deleted);
    assert_eq!(refused(&|head| head.schema = 9), PackagerError::Schema(9));
    assert_eq!(refused(&|head| head.pages.clear()), PackagerError::Page { page: 0 });
    assert_eq!(hls::multivariant(&good, &[]), Err(PackagerError::Page { page: 0 }));
    let gap = refused(&|head| {
        head.tail.tracks.get_mut(&id("v1080")).unwrap()[0].start += 1;
    });
    assert_eq!(gap.to_string(), "track v1080: segment 1 starts at 180001 ticks, expected 180000");

    let (mut empty, _) = head(tracks(), 1, Status::Growing);
    empty.pages.clear();
    let error = hls::multivariant(&empty, &[]).unwrap_err();
    assert_eq!(error.to_string(), "nothing to play yet: track a-en has no segments");
}

#[test]
fn trick_play_lists_key_frames_alone() {
    let (mut one, mut pages) = head(tracks(), 2, Status::Growing);
    note_key_frames(&mut one, &mut pages);
    let (mut done, mut all) = head(tracks(), 3, Status::Complete);
    note_key_frames(&mut done, &mut all);
    let list = |head: &Head| hls::i_frame_playlist(head, &pages, &id("v1080")).unwrap();
    let (growing, complete) = (list(&one).unwrap(), list(&done).unwrap());
    insta::assert_snapshot!("i_frames", complete);
    assert!(complete.starts_with(&growing) && complete.ends_with("#EXT-X-ENDLIST\n"));
    let parsed = parse_media(&complete);
    assert!(parsed.i_frames_only);
    let ranges: Vec<_> = parsed.segments.iter().map(|s| s.byte_range.clone().unwrap()).collect();
    assert_eq!((ranges[0].length, ranges[0].offset), (18_000, Some(0)));
    // As long as the segments it comes from, so that both run alike.
    let whole = parse_media(&media(&done, &pages, "v1080"));
    let lengths =
        |list: &MediaPlaylist| -> Vec<_> { list.segments.iter().map(|s| s.duration).collect() };
    assert_eq!(lengths(&parsed), lengths(&whole));
    assert_eq!(hls::i_frame_playlist(&one, &pages, &id("a-en")), Ok(None));

    let master = hls::multivariant(&one, &pages).unwrap();
    assert_eq!(master, hls::multivariant(&done, &pages).unwrap());
    let streams: Vec<_> =
        parse_multivariant(&master).variants.into_iter().filter(|v| v.is_i_frame).collect();
    assert_eq!(streams.len(), 2);
    assert_eq!((&*streams[0].uri, streams[0].bandwidth), ("v1080/iframes.m3u8", 5_500_000));

    done.first_published_complete = true;
    let master = parse_multivariant(&hls::multivariant(&done, &pages).unwrap());
    let stream = master.variants.iter().find(|v| v.is_i_frame).unwrap();
    // A tenth of a byte a tick of 1/90000 s.
    assert_eq!(stream.bandwidth, 8 * 9000);
}

/// Indexes written before key frames were noted.
#[test]
fn without_key_frames_there_is_no_trick_play() {
    let (head, pages) = head(tracks(), 2, Status::Growing);
    assert_eq!(hls::i_frame_playlist(&head, &pages, &id("v1080")), Ok(None));
    assert!(!hls::multivariant(&head, &pages).unwrap().contains("I-FRAME"));
}

/// Once all is there, and not before: players are told of tracks once.
#[test]
fn thumbnails_come_with_the_whole() {
    let (mut growing, pages) = head(tracks(), 3, Status::Growing);
    growing.pictures = Some(crate::fixtures::pictures());
    assert!(!hls::multivariant(&growing, &pages).unwrap().contains("IMAGE-STREAM"));
    assert_eq!(hls::media_playlist(&growing, &pages, &id("storyboard")), Ok(None));
    let complete = Head { status: Status::Complete, ..growing };
    let master = hls::multivariant(&complete, &pages).unwrap();
    let line = master.lines().last().unwrap();
    // The larger sheet of 40 000 bytes over ten tiles of half a second.
    assert_eq!(
        line,
        "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=64000,RESOLUTION=160x90,CODECS=\"jpeg\",\
         URI=\"storyboard.m3u8\""
    );
    insta::assert_snapshot!("image_playlist", media(&complete, &pages, "storyboard"));
}
