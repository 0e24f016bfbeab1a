//! What is encrypted, decrypted again: by a reading of the standard of its own, by ffmpeg and by Shaka
//! Packager, on clips that ffmpeg makes.

pub(crate) mod clips;
mod decrypt;
mod just_in_time;
mod manifests;
mod peers;

use std::collections::BTreeSet;

use kinora_packager::{
    crypt::{Encryptor, KeyId, Keyring, Protection, Scheme, SegmentCipher, TrackKey},
    package::{self, Encryption, Layout, Method, Options, Package},
    read,
};

use crate::{fixtures::id, package::sources};
use clips::Clip;
use decrypt::decrypted;

pub(crate) const KEY: [u8; 16] = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128.to_be_bytes();
pub(crate) const KEY_ID: &str = "00112233445566778899aabbccddeeff";
const SEED: [u8; 16] = [0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
pub(crate) const SCHEMES: [Scheme; 2] = [Scheme::Cenc, Scheme::Cbcs];

pub(crate) fn encryption(method: Method) -> Encryption {
    let keys = format!("{KEY_ID}:0123456789abcdef0123456789abcdef");
    Encryption {
        method,
        keys: Keyring::parse(&keys).unwrap(),
        seed: SEED,
        key_uri: Some("https://keys.example/{kid}".into()),
        license_url: None,
    }
}

/// A package of files, and the bytes of each track.
pub(crate) fn with_package<T>(
    files: &[Vec<u8>],
    layout: Layout,
    encryption: Option<&Encryption>,
    then: impl FnOnce(&Package<'_>, Vec<Vec<Vec<u8>>>) -> T,
) -> T {
    let opened: Vec<_> = files.iter().map(|bytes| read::open(bytes).unwrap()).collect();
    let tracks: Vec<_> = opened.iter().map(|file| file.tracks().unwrap()).collect();
    let options = Options { layout, segment_ms: 1000 };
    let mut package = package::plan(&sources(&tracks), vec![], options).unwrap();
    if let Some(encryption) = encryption {
        package.protect(encryption).unwrap();
    }
    let mut measured = Vec::new();
    let mut written = Vec::new();
    for output in &package.outputs {
        let mut segments = Vec::new();
        let mut sizes = Vec::new();
        for (number, fragment) in (0..).zip(output.fragments()) {
            let fragment = fragment.unwrap();
            let mut bytes = fragment.head.to_vec();
            for range in &fragment.media {
                let file = &files[output.file];
                bytes.extend_from_slice(&file[range.start as usize..range.end as usize]);
            }
            if output.is_protected() {
                let sealed = output.seal(number, bytes).unwrap();
                sizes.push(sealed.measured);
                bytes = [&sealed.head[..], &sealed.data[sealed.media.clone()]].concat();
            }
            segments.push(bytes);
        }
        measured.push(sizes);
        written.push(segments);
    }
    if encryption.is_some() {
        package.measure(&measured).unwrap();
    }
    then(&package, written)
}

/// Each track as one file.
pub(crate) fn tracks(files: &[Vec<u8>], encryption: Option<&Encryption>) -> Vec<Vec<u8>> {
    with_package(files, Layout::SingleFile, encryption, |package, segments| {
        let whole = package.outputs.iter().zip(segments).map(|(output, segments)| {
            [&output.init[..], &output.index, &segments.concat()].concat()
        });
        whole.collect()
    })
}

/// The samples of a file of one track.
fn samples(file: &[u8]) -> Vec<Vec<u8>> {
    let read = read::open(file).unwrap();
    let tracks = read.tracks().unwrap();
    let sample = |sample: Result<read::Sample, _>| {
        let sample: read::Sample = sample.unwrap();
        file[sample.offset as usize..][..sample.size as usize].to_vec()
    };
    tracks[0].samples().map(sample).collect()
}

#[test]
fn decrypted_samples_are_the_clear_ones() {
    for clip in Clip::all() {
        let files = [clip.bytes()];
        let clear = tracks(&files, None);
        for scheme in SCHEMES {
            let sealed = tracks(&files, Some(&encryption(Method::Samples(scheme))));
            for (clear, sealed) in clear.iter().zip(&sealed) {
                let name = format!("{clip:?} {scheme:?}");
                let (clear, coded) = (samples(clear), samples(sealed));
                let changed = clear.iter().zip(&coded).filter(|(clear, coded)| clear != coded);
                // Pictures that repeat the last are shorter than a block.
                let large = clear.iter().filter(|sample| sample.len() >= 200).count();
                assert!(changed.count() >= large && large > 0, "{name}");
                assert!(decrypted(sealed, &KEY) == clear, "{name}");
            }
        }
    }
}

#[test]
fn no_two_samples_under_a_key_are_counted_alike() {
    let files = [Clip::Avc.bytes(), Clip::Hevc.bytes()];
    let mut seen = BTreeSet::new();
    let mut count = 0;
    for track in tracks(&files, Some(&encryption(Method::Samples(Scheme::Cenc)))) {
        let vectors = decrypt::vectors(&track);
        count += vectors.len();
        seen.extend(vectors);
    }
    assert!(count > 180 && seen.len() == count, "{} of {count}", seen.len());
}

#[test]
fn a_segment_alone_is_the_same_as_among_others() {
    let files = [Clip::Avc.bytes()];
    let method = Method::Samples(Scheme::Cbcs);
    let key_id = KeyId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes());
    let key = encryption(method).keys;
    let key = key.key(&id("v"), true).unwrap().key.clone();
    let clear = with_package(&files, Layout::Segments, None, |package, segments| {
        (package.outputs[0].init.clone(), segments[0].clone())
    });
    let sealed =
        with_package(&files, Layout::Segments, Some(&encryption(method)), |_, all| all[0].clone());
    // Of the same initialisation segment, in any order.
    let protection = Protection {
        scheme: Scheme::Cbcs,
        key: TrackKey { id: key_id, key },
        seed: SEED,
        stream: 0,
        others: Vec::new(),
    };
    let encryptor = Encryptor::new(&clear.0, protection).unwrap();
    for number in (0..clear.1.len()).rev() {
        let mut segment = clear.1[number].clone();
        let one = encryptor.seal(number as u32, &mut segment).unwrap();
        assert_eq!([&one.head[..], &segment[one.media]].concat(), sealed[number], "{number}");
    }
}

#[test]
fn players_that_read_one_track_find_the_names_of_all_keys() {
    let files = [Clip::Avc.bytes()];
    let init =
        with_package(&files, Layout::Segments, None, |package, _| package.outputs[0].init.clone());
    let key = encryption(Method::Aes128).keys.key(&id("v"), true).unwrap().clone();
    let own = key.id;
    let others = vec![KeyId([7; 16]), KeyId([8; 16])];
    let protection = Protection { scheme: Scheme::Cenc, key, seed: SEED, stream: 0, others };
    let init = Encryptor::new(&init, protection).unwrap().init().clone();
    let boxes: Vec<_> = init.windows(8).filter(|bytes| bytes.starts_with(b"pssh")).collect();
    assert_eq!(boxes, [b"pssh\x01\0\0\0", b"pssh\0\0\0\0"]);
    let start = init.windows(4).position(|bytes| bytes == b"pssh").unwrap() + 24;
    let expected = [&[0, 0, 0, 3], &own.0[..], &[7; 16], &[8; 16], &[0; 4]].concat();
    assert_eq!(init[start..start + expected.len()], expected);
}

#[test]
fn whole_segments_are_chained_and_padded() {
    let files = [Clip::Avc.bytes()];
    let clear = with_package(&files, Layout::Segments, None, |_, all| all);
    with_package(&files, Layout::Segments, Some(&encryption(Method::Aes128)), |package, all| {
        for ((output, clear), sealed) in package.outputs.iter().zip(&clear).zip(&all) {
            let playlist = package.media_playlist(&output.id).unwrap().unwrap();
            let vector = playlist.split("IV=0x").nth(1).unwrap().lines().next().unwrap();
            let vector = u128::from_str_radix(vector, 16).unwrap().to_be_bytes();
            for (clear, sealed) in clear.iter().zip(sealed) {
                assert_eq!(sealed.len() as u64, SegmentCipher::length(clear.len() as u64));
                assert!(decrypt::padded(sealed, &KEY, vector) == *clear);
            }
            assert!(package.i_frame_playlist(&output.id).unwrap().is_none());
        }
    });
}

#[test]
fn faults_name_the_place() {
    let files = [Clip::Avc.bytes()];
    let (init, segment) = with_package(&files, Layout::Segments, None, |package, all| {
        (package.outputs[0].init.clone(), all[0][0].clone())
    });
    let key = encryption(Method::Aes128).keys.key(&id("v"), true).unwrap().clone();
    let protection =
        Protection { scheme: Scheme::Cbcs, key, seed: SEED, stream: 0, others: Vec::new() };
    let encryptor = Encryptor::new(&init, protection.clone()).unwrap();
    let media = encryptor.seal(0, &mut segment.clone()).unwrap().media.start;
    let fault = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = segment.clone();
        change(&mut changed);
        encryptor.seal(0, &mut changed).unwrap_err().to_string()
    };
    let said = [
        fault(&|segment| segment[media] = 0x7f),
        fault(&|segment| segment.truncate(segment.len() - 1)),
        fault(&|segment| segment.truncate(40)),
        fault(&|segment| segment.extend(segment.clone())),
        Encryptor::new(&init[..100], protection).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn damage_is_refused_or_encrypted_but_never_panics() {
    for clip in Clip::all() {
        let (init, segment) =
            with_package(&[clip.bytes()], Layout::Segments, None, |package, all| {
                (package.outputs[0].init.clone(), all[0][0].clone())
            });
        let key = encryption(Method::Aes128).keys.key(&id("v"), true).unwrap().clone();
        let protection =
            Protection { scheme: Scheme::Cenc, key, seed: SEED, stream: 0, others: Vec::new() };
        let encryptor = Encryptor::new(&init, protection.clone()).unwrap();
        let media = encryptor.seal(0, &mut segment.clone()).unwrap().media.start;
        // Boxes, the headers of the first picture, and places among the others.
        let boxes = (0..media).step_by(5).chain(media..media + 64);
        let places = boxes.chain((media..segment.len()).step_by(4001));
        for place in places {
            for bits in [0x80, 0x7f] {
                let mut changed = segment.clone();
                changed[place] ^= bits;
                let _ = encryptor.seal(0, &mut changed);
            }
        }
        // Parameter sets lie in the initialisation segment.
        for place in (0..init.len()).step_by(3) {
            let mut changed = init.to_vec();
            changed[place] ^= 0xff;
            if let Ok(encryptor) = Encryptor::new(&changed, protection.clone()) {
                let _ = encryptor.seal(0, &mut segment.clone());
            }
        }
    }
}
