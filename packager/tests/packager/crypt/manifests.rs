//! What manifests say of keys.

use kinora_media::{Encryption as How, Head, Status};
use kinora_packager::{
    ProtectedIndex,
    crypt::{IndexKey, Keyring, Scheme},
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
