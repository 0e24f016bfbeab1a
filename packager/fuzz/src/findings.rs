//! What fuzzing found once, by name.

use crate::{
    judge::{self, grows_with_its_length},
    seeds,
    targets::{CAPTIONS, MP4, PLAYLIST},
};

fn subrip(line: &str) -> Vec<u8> {
    format!("1\n00:00:01,000 --> 00:00:02,000\n{line}\n").into_bytes()
}

/// Each `<` looked for its `>` to the end of the line, and copied what lay between.
#[test]
fn tags_that_never_end() {
    for piece in ["<", "<i", "{\\", "&", "<font "] {
        grows_with_its_length(&CAPTIONS, |length| subrip(&piece.repeat(length / piece.len())));
        let closed = |length: usize| subrip(&(piece.repeat(length / piece.len()) + "x>"));
        grows_with_its_length(&CAPTIONS, closed);
    }
}

/// Each hint was held against all before it.
#[test]
fn hints_of_many_types() {
    grows_with_its_length(&PLAYLIST, |length| {
        let hint = |n: usize| format!("#EXT-X-PRELOAD-HINT:TYPE={n:06},URI=\"p\"\n");
        let hints: String = (0..length / 40).map(hint).collect();
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{hints}").into_bytes()
    });
}

fn boxed(code: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], code, body].concat()
}

/// Runs without columns take sixteen bytes each, and every one claimed all of the file as its samples.
#[test]
fn runs_that_share_their_media() {
    let init = seeds::mp4()[0].clone();
    let moof = init.windows(4).position(|window| window == b"styp").unwrap() - 4;
    grows_with_its_length(&MP4, |length| {
        // Defaults: a tick and a byte each; data offset 0 from the fragment.
        let tfhd = [0, 2, 0, 0x38, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
        let count = (length / 4) as u32;
        let trun = [&[0, 0, 0, 1][..], &count.to_be_bytes(), &[0; 4]].concat();
        let runs = boxed(b"trun", &trun).repeat(length / 40);
        let traf = boxed(b"traf", &[boxed(b"tfhd", &tfhd), runs].concat());
        let media = boxed(b"mdat", &vec![0; length / 2]);
        [&init[..moof], &boxed(b"moof", &traf), &media].concat()
    });
}

/// A frame of sound that lasts for years was cut into segments of two seconds, 4 GiB of them.
#[test]
fn sound_that_lasts_for_years() {
    let mut file = seeds::mp4()[1].clone();
    let run = file.windows(4).rposition(|window| window == b"trun").unwrap();
    // Version and flags, count, data offset: then the first duration.
    file[run + 16..run + 20].copy_from_slice(&u32::MAX.to_be_bytes());
    let timescale = file.windows(4).position(|window| window == b"mdhd").unwrap() + 16;
    file[timescale..timescale + 4].copy_from_slice(&1_u32.to_be_bytes());
    judge::run(&MP4, &file);
}
