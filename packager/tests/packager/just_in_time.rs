//! Segments made one at a time, in any order, from tables that were walked once.

use std::{
    slice::from_ref,
    time::{Duration, Instant},
};

use kinora_packager::package::{Layout, Options, Output};

use crate::{
    package::{OPTIONS, aac, every, film, packaged, picture, written},
    read::mux::progressive,
};

#[test]
fn each_segment_alone_is_the_one_of_all() {
    let films = packaged(&[film()], OPTIONS, |package| {
        // The same, progressive and fragmented.
        vec![film(), written(package, 0, &[film()])]
    });
    for bytes in films {
        packaged(from_ref(&bytes), OPTIONS, |package| {
            for (track, output) in package.outputs.iter().enumerate() {
                let all: Vec<_> = output.fragments().map(|it| it.unwrap()).collect();
                assert!(all.len() > 1);
                let whole = written(package, track, from_ref(&bytes));
                for (number, expected) in all.iter().enumerate().rev() {
                    let alone = output.fragment(number).unwrap().unwrap();
                    assert_eq!(&alone, expected, "{number}");
                    // And it lies where the index of the single file says.
                    let range = output.range(number).unwrap();
                    assert_eq!(range.end - range.start, alone.len());
                    let begins = &whole[range.start as usize..][..alone.head.len()];
                    assert_eq!(begins, &alone.head[..]);
                }
                assert!(output.fragment(all.len()).is_none() && output.range(all.len()).is_none());
            }
        });
    }
}

/// What a segment takes.
#[derive(Debug)]
struct Cost {
    allocations: u64,
    allocated: u64,
    /// Bytes of media to be fetched, and in how many ranges.
    media: u64,
    ranges: u64,
    /// The shortest of many.
    time: Duration,
}

// Time is what a walk through all samples before it would cost: a hundred times as many here.
#[allow(clippy::disallowed_methods)]
fn cost(output: &Output<'_>, number: usize) -> Cost {
    let mut fragment = None;
    let used = allocation_counter::measure(|| fragment = output.fragment(number));
    let fragment = fragment.unwrap().unwrap();
    let time = (0..100).map(|_| {
        let began = Instant::now();
        std::hint::black_box(output.fragment(number));
        began.elapsed()
    });
    Cost {
        allocations: used.count_total,
        allocated: used.bytes_total,
        media: fragment.media.iter().map(|range| range.end - range.start).sum(),
        ranges: fragment.media.len() as u64,
        time: time.min().unwrap(),
    }
}

/// From a film of three hours as from one of three minutes.
#[test]
fn a_segment_costs_the_same_anywhere() {
    let costs = |minutes: usize| {
        let video = picture(minutes * 60 * 30, every(60), 90_000);
        let audio = aac(minutes * 60 * 48_000 / 1024);
        let film = progressive(&[video, audio]).0;
        let options = Options { layout: Layout::Segments, ..OPTIONS };
        packaged(&[film], options, |package| {
            let last = |output: &Output<'_>| output.segments() - 2;
            package.outputs.iter().map(|output| cost(output, last(output))).collect::<Vec<_>>()
        })
    };
    for (short, long) in costs(3).iter().zip(&costs(180)) {
        let within = |a: u64, b: u64| a.abs_diff(b) * 10 <= a;
        let counts = |it: &Cost| [it.allocations, it.allocated, it.media, it.ranges];
        for (a, b) in counts(short).into_iter().zip(counts(long)) {
            assert!(within(a, b), "{short:?} {long:?}");
        }
        assert!(long.time < short.time * 10, "{short:?} {long:?}");
        eprintln!("3 minutes: {short:?}\n3 hours:   {long:?}");
    }
}
