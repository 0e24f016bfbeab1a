//! What manifests say of keys.

use kinora_media::{Encryption as How, Head, Page, Period, Status};
use kinora_packager::{
    ProtectedIndex,
    crypt::{IndexKey, Keyring, Scheme},
    lint,
    package::{self, Encryption, Layout, Method, Options},
    read,
};

use zeroize::Zeroizing;

use super::{Clip, KEY_ID, encryption, with_package};
use crate::{
    fixtures::{self, id},
    package::sources,
};

fn key(first: char) -> String {
    format!("{first}{0}:{first}{0}", &KEY_ID[1..])
}

/// A key for sound, one for the second picture, one for the rest.
fn several(method: Method) -> Encryption {
    let text = format!("{}\naudio={}\nv180-2={}\n", key('a'), key('b'), key('c'));
    let license_url = Some("https://keys.example/license?a=1&b=2".into());
    Encryption { keys: Keyring::parse(&text).unwrap(), license_url, ..encryption(method) }
}

#[test]
fn every_key_is_named_where_it_is_used() {
    let files = [Clip::Avc.bytes(), Clip::Avc.bytes()];
    let cases = [
        ("cbcs", Layout::SingleFile, Method::Samples(Scheme::Cbcs)),
        ("cenc", Layout::Segments, Method::Samples(Scheme::Cenc)),
        ("aes_128", Layout::Segments, Method::Aes128),
    ];
    for (name, layout, method) in cases {
        with_package(&files, layout, Some(&several(method)), |package, _| {
            let lines = |text: String| {
                let said = text.lines().filter(|line| line.contains("KEY") || line.contains("MAP"));
                said.map(|line| format!("{line}\n")).collect::<String>()
            };
            let mut said = lines(package.multivariant().unwrap());
            for output in &package.outputs {
                said += &format!("== {}\n", output.id);
                said += &lines(package.media_playlist(&output.id).unwrap().unwrap());
            }
            if method != Method::Aes128 {
                said += &package.mpd().unwrap();
            }
            // Sizes are the encoder's.
            let sizes = ["bandwidth=", "range=", "indexRange=", "BYTERANGE="];
            let said = sizes.iter().fold(said, |said, size| without(&said, size));
            insta::assert_snapshot!(name, said);
        });
    }
}

/// An index of clear media that is sealed when it is asked for.
#[test]
fn manifests_of_an_index_name_its_key() {
    let (mut head, mut pages) = fixtures::head(fixtures::tracks(), 3, Status::Complete);
    fixtures::note_key_frames(&mut head, &mut pages);
    head.first_published_complete = true;
    let key = IndexKey::of_random(&Zeroizing::new(std::array::from_fn(|n| n as u8)));
    let protected = |encryption| {
        let head = Head { encryption, ..head.clone() };
        ProtectedIndex::new(&head, &key, "keys/kid", "https://o.example/license")
    };
    assert!(protected(How::None).is_none());
    for (name, encryption) in
        [("index_cbcs", How::Cbcs), ("index_cenc", How::Cenc), ("index_aes_128", How::Aes128)]
    {
        let protected = protected(encryption).unwrap();
        let mut said = protected.multivariant(&head, &pages).unwrap();
        let track = &head.tracks[0].id;
        said += &protected.media_playlist(&head, &pages, track).unwrap().unwrap();
        said += &protected.mpd(&head, &pages).unwrap().unwrap_or_default();
        insta::assert_snapshot!(name, said);
    }
}

/// A title whose encoder changed on the way, at two seconds.
fn switched(encryption: How) -> (Head, Vec<Page>) {
    let (mut head, pages) = fixtures::head(fixtures::tracks(), 3, Status::Complete);
    let period = |start, init: &str| Period { start, timescale: 90_000, init: init.into() };
    head.periods = vec![period(0, "init.mp4"), period(180_000, "init-1.mp4")];
    head.encryption = encryption;
    (head, pages)
}

#[test]
fn a_later_initialisation_is_in_the_clear_like_the_first() {
    let key = IndexKey::of_random(&Zeroizing::new([7; 48]));
    let said = |encryption, track| {
        let (head, pages) = switched(encryption);
        let protected = ProtectedIndex::new(&head, &key, "keys/kid", "").unwrap();
        let playlist = protected.media_playlist(&head, &pages, &id(track)).unwrap().unwrap();
        assert_eq!(lint::playlist(playlist.as_bytes()).findings, [], "{playlist}");
        let of_interest = |line: &&str| ["KEY", "MAP", "DIS"].iter().any(|it| line.contains(it));
        let lines = playlist.lines().filter(of_interest);
        lines.map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (track, second) in [("v480", "init-1.mp4"), ("a-en", "init.mp4")] {
        let [first, second] =
            ["init.mp4", second].map(|init| format!("#EXT-X-MAP:URI=\"{track}/{init}\""));
        // A key holds for the initialisation segments after it (RFC 8216 4.3.2.4).
        let whole = "#EXT-X-KEY:METHOD=AES-128";
        let (cut, none) = ("#EXT-X-DISCONTINUITY", "#EXT-X-KEY:METHOD=NONE");
        assert_eq!(said(How::Aes128, track), [&*first, whole, cut, none, &*second, whole]);
        let samples = "#EXT-X-KEY:METHOD=SAMPLE-AES";
        assert_eq!(said(How::Cbcs, track), [&*first, samples, cut, &*second]);
    }
}

#[test]
fn sets_of_every_period_say_how_they_are_encrypted() {
    let key = IndexKey::of_random(&Zeroizing::new([7; 48]));
    for encryption in [How::Cbcs, How::Cenc] {
        let (head, pages) = switched(encryption);
        let protected = ProtectedIndex::new(&head, &key, "", "https://o.example/license").unwrap();
        let mpd = protected.mpd(&head, &pages).unwrap().unwrap();
        let periods: Vec<_> = mpd.split("<Period ").skip(1).collect();
        assert_eq!(periods.len(), 2, "{mpd}");
        for period in periods {
            let count = |what: &str| period.matches(what).count();
            let sets = count("contentType=\"video\"") + count("contentType=\"audio\"");
            assert!(sets > 1, "{period}");
            assert_eq!(count("cenc:default_KID=\"07070707-0707-0707-0707-070707070707\""), sets);
            assert_eq!(count("<dashif:Laurl>https://o.example/license</dashif:Laurl>"), sets);
        }
    }
}

/// Playlists of key frames lie a folder deeper than the others where segments are files.
#[test]
fn a_relative_address_of_a_key_leads_to_the_same_place_from_every_playlist() {
    let files = [Clip::Avc.bytes()];
    let said = |layout, key_uri: &str| {
        let key_uri = Some(key_uri.into());
        let cbcs = Encryption { key_uri, ..encryption(Method::Samples(Scheme::Cbcs)) };
        with_package(&files, layout, Some(&cbcs), |package, _| {
            let media = package.media_playlist(&id("v180")).unwrap().unwrap();
            let (_, frames) = package.i_frame_playlist(&id("v180")).unwrap().unwrap();
            [media, frames].map(|playlist| {
                let (_, rest) = playlist.split_once("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"").unwrap();
                rest.split('"').next().unwrap().to_owned()
            })
        })
    };
    for (uri, from_below) in [
        ("keys/1", "../keys/1"),
        ("../keys?of=a:b", "../../keys?of=a:b"),
        ("/keys/1", "/keys/1"),
        ("//keys.example/1", "//keys.example/1"),
        ("https://keys.example/1", "https://keys.example/1"),
        ("skd://1", "skd://1"),
    ] {
        assert_eq!(said(Layout::Segments, uri), [uri, from_below]);
        assert_eq!(said(Layout::SingleFile, uri), [uri, uri]);
    }
}

/// Nothing that is said of clear media is less than what the sealed takes.
#[test]
fn rates_of_an_index_have_room_for_what_sealing_adds() {
    let (mut head, pages) = fixtures::head(fixtures::tracks(), 3, Status::Complete);
    head.first_published_complete = true;
    head.encryption = How::Cenc;
    let key = IndexKey::of_random(&Zeroizing::new([7; 48]));
    let protected = ProtectedIndex::new(&head, &key, "", "").unwrap();
    let peak = |text: String| -> u64 {
        let rate = text.split("#EXT-X-STREAM-INF:BANDWIDTH=").nth(1).unwrap();
        rate.split(',').next().unwrap().parse().unwrap()
    };
    let clear = peak(kinora_packager::hls::multivariant(&head, &pages).unwrap());
    assert!(peak(protected.multivariant(&head, &pages).unwrap()) > clear);
}

/// The text with what is quoted after `name` left out.
fn without(text: &str, name: &str) -> String {
    let mut parts = text.split(name);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.splitn(3, '"').nth(2).unwrap_or_default();
        kept += &format!("{name}\"…\"{rest}");
    }
    kept
}

#[test]
fn keys_must_fit_the_tracks_and_the_layout() {
    let bytes = Clip::Avc.bytes();
    let file = read::open(&bytes).unwrap();
    let files = [file.tracks().unwrap()];
    let refused = |layout, encryption: Encryption| {
        let options = Options { layout, segment_ms: 2000 };
        let mut package = package::plan(&sources(&files), vec![], options).unwrap();
        assert!(package.head().track(&id("v180")).is_some());
        package.protect(&encryption).unwrap_err().to_string()
    };
    let keys = |text: &str| Keyring::parse(text).unwrap();
    let cbcs = encryption(Method::Samples(Scheme::Cbcs));
    let whole = encryption(Method::Aes128);
    let said = [
        refused(
            Layout::Segments,
            Encryption { keys: keys(&format!("video={}", key('a'))), ..cbcs.clone() },
        ),
        refused(Layout::Segments, Encryption { keys: keys(&format!("v99={}", key('a'))), ..cbcs }),
        refused(Layout::SingleFile, whole.clone()),
        refused(Layout::Segments, Encryption { key_uri: None, ..whole }),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    0.mp4, track 2: there is no key for track a-en
    there is a key for v99, but no such track
    AES-128 needs segments that are files of their own
    AES-128 needs the address of its key
    ");
}
