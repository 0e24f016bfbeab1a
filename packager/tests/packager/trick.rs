//! Key frames as tracks of their own, for trick play in DASH.

use kinora_packager::{
    crypt::{Keyring, Scheme},
    package::{Encryption, Layout, Method, Options, Package},
    read::{self, Sample},
};

use crate::{
    crypt::clips::Clip,
    package::{OPTIONS, every, film, packaged, picture, written},
    read::mux::progressive,
};

/// Pictures with a key frame a second, and the film with one every two; segments of two seconds.
fn with_trick_play(layout: Layout, then: impl FnOnce(&Package<'_>, &[Vec<u8>])) {
    let files = [progressive(&[picture(165, every(30), 90_000)]).0, film()];
    packaged(&files, Options { layout, ..OPTIONS }, |package| {
        let mut package = package.clone();
        package.add_trick_play().unwrap();
        then(&package, &files);
    });
}

#[test]
fn sets_of_key_frames_name_the_set_they_are_of() {
    for (layout, name) in
        [(Layout::SingleFile, "trick_single_file"), (Layout::Segments, "trick_segments")]
    {
        with_trick_play(layout, |package, _| {
            insta::assert_snapshot!(name, package.mpd().unwrap());
            // HLS has ranges of the segments that are there.
            assert!(!package.multivariant().unwrap().contains("trick"));
        });
    }
}

fn samples(file: &[u8]) -> Vec<Sample> {
    let file = read::open(file).unwrap();
    file.tracks().unwrap()[0].samples().map(Result::unwrap).collect()
}

fn shown(sample: &Sample) -> i64 {
    sample.decode_time as i64 + i64::from(sample.composition_offset)
}

#[test]
fn key_frames_are_shown_when_they_were_until_the_next() {
    with_trick_play(Layout::SingleFile, |package, files| {
        let ids: Vec<_> = package.outputs.iter().map(|output| output.id.as_str()).collect();
        assert_eq!(ids, ["v360", "v360-2", "a-en", "v360-trick", "v360-2-trick"]);
        for (main, keys) in [(0, 3), (1, 4)] {
            let (picture, trick) = (written(package, main, files), written(package, keys, files));
            let all = samples(&picture);
            let (wanted, found): (Vec<_>, _) =
                (all.iter().filter(|it| it.key).collect(), samples(&trick));
            assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                assert!(found.key);
                assert_eq!(shown(found), shown(wanted));
                let bytes = |file: &[u8], it: &Sample| {
                    file[it.offset as usize..][..it.size as usize].to_vec()
                };
                assert_eq!(bytes(&trick, found), bytes(&picture, wanted));
            }
            let lasts = |all: &[Sample]| all.iter().map(|it| u64::from(it.duration)).sum::<u64>();
            assert_eq!(lasts(&found), lasts(&all));
            // One begins where another ends.
            for pair in found.windows(2) {
                assert_eq!(pair[0].decode_time + u64::from(pair[0].duration), pair[1].decode_time);
            }
            assert_eq!(package.outputs[keys].segments(), package.outputs[main].segments());
        }
    });
}

#[test]
fn asked_for_twice_they_are_there_once() {
    with_trick_play(Layout::Segments, |package, _| {
        let mut again = package.clone();
        again.add_trick_play().unwrap();
        assert_eq!(again.outputs.len(), package.outputs.len());
        assert_eq!(again.mpd(), package.mpd());
    });
}

#[test]
fn key_frames_have_the_key_of_their_picture() {
    let key = |digit: &str| format!("{0}:{0}", digit.repeat(32));
    let keys = format!("{}\nv180-2={}\n", key("a"), key("c"));
    let encryption = |method| Encryption {
        method,
        keys: Keyring::parse(&keys).unwrap(),
        seed: [7; 16],
        key_uri: Some("https://keys.example/{kid}".into()),
        license_url: None,
    };
    let files = [Clip::Avc.bytes(), Clip::Avc.bytes()];
    packaged(&files, Options { layout: Layout::Segments, ..OPTIONS }, |package| {
        let mut package = package.clone();
        package.add_trick_play().unwrap();
        let whole = package.protect(&encryption(Method::Aes128)).unwrap_err().to_string();
        assert_eq!(whole, "AES-128 needs a package without tracks for trick play");
        package.protect(&encryption(Method::Samples(Scheme::Cbcs))).unwrap();
        let mpd = package.mpd().unwrap();
        let sets = mpd.split("<AdaptationSet ").filter(|set| set.contains("trick"));
        let said = sets.map(|set| {
            let value = |name: &str| {
                let from = set.split_once(name).unwrap().1;
                from.split('"').nth(1).unwrap().to_owned()
            };
            (
                value("cenc:default_KID="),
                value("guidelines/trickmode\" value="),
                value("Representation id="),
            )
        });
        let kid = |digit: &str| [8, 4, 4, 4, 12].map(|count| digit.repeat(count)).join("-");
        let set = |digit, main: &str, id: &str| (kid(digit), main.to_owned(), id.to_owned());
        assert_eq!(
            said.collect::<Vec<_>>(),
            [set("a", "0", "v180-trick"), set("c", "1", "v180-2-trick")]
        );
    });
}
