//! Encrypted segments, made one at a time when they are asked for.

use kinora_packager::{
    package::{self, Layout, Method, Options, Output},
    read,
};

use super::{SCHEMES, clips::Clip, encryption, with_package};
use crate::{
    package::{OPTIONS, aac, sources},
    read::mux::progressive,
};

/// Segment `number` of a protected track, alone.
fn sealed(output: &Output<'_>, file: &[u8], number: usize) -> Vec<u8> {
    let fragment = output.fragment(number).unwrap().unwrap();
    let mut clear = fragment.head.to_vec();
    for range in &fragment.media {
        clear.extend_from_slice(&file[range.start as usize..range.end as usize]);
    }
    let sealed = output.seal(number as u32, clear).unwrap();
    [&sealed.head[..], &sealed.data[sealed.media.clone()]].concat()
}

/// As `kinora package --encrypt` seals them, one after the other.
#[test]
fn each_segment_alone_is_the_one_of_all() {
    let files = [Clip::Avc.bytes()];
    for scheme in SCHEMES {
        for layout in [Layout::SingleFile, Layout::Segments] {
            let encryption = encryption(Method::Samples(scheme));
            with_package(&files, layout, Some(&encryption), |package, all| {
                assert_eq!(package.outputs.len(), 2, "picture and sound");
                for (output, all) in package.outputs.iter().zip(&all) {
                    assert!(all.len() > 1);
                    for (number, expected) in all.iter().enumerate().rev() {
                        assert!(
                            sealed(output, &files[0], number) == *expected,
                            "{scheme:?} {number}"
                        );
                    }
                }
            });
        }
    }
}

/// At the end of three hours as of three minutes.
#[test]
fn a_segment_costs_the_same_anywhere() {
    for scheme in SCHEMES {
        let costs = [3, 180].map(|minutes: usize| {
            let bytes = progressive(&[aac(minutes * 60 * 48_000 / 1024)]).0;
            let file = read::open(&bytes).unwrap();
            let tracks = [file.tracks().unwrap()];
            let options = Options { layout: Layout::Segments, ..OPTIONS };
            let mut package = package::plan(&sources(&tracks), vec![], options).unwrap();
            package.protect(&encryption(Method::Samples(scheme))).unwrap();
            let output = &package.outputs[0];
            let used = allocation_counter::measure(|| {
                sealed(output, &bytes, output.segments() - 2);
            });
            (used.count_total, used.bytes_total)
        });
        let [short, long] = costs;
        assert!(short.0.abs_diff(long.0) * 10 <= short.0, "{scheme:?} {short:?} {long:?}");
        assert!(short.1.abs_diff(long.1) * 10 <= short.1, "{scheme:?} {short:?} {long:?}");
    }
}
