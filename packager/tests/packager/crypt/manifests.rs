//! What manifests say of keys.

use kinora_packager::{
    crypt::{Keyring, Scheme},
    package::{self, Encryption, Layout, Method, Options},
    read,
};

use super::{Clip, KEY_ID, encryption, with_package};
use crate::{fixtures::id, package::sources};

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
