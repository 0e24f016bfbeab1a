//! The three ways of showing captions, on one field.

use super::{pairs::Field, *};

/// With odd parity, as on the line.
pub(super) fn pair(bytes: [u8; 2]) -> [u8; 2] {
    bytes.map(|byte| if byte.count_ones() % 2 == 0 { byte | 0x80 } else { byte })
}

/// Shows one pair a frame of 1 ms from the times given, and says what CC1 shows.
fn shown(script: &[(i64, &[[u8; 2]])]) -> Vec<(i64, i64, String)> {
    let mut captions = Captions::default();
    for (start_ms, pairs) in script {
        for (at, bytes) in (*start_ms..).zip(*pairs) {
            let pairs = vec![(Field::First, pair(*bytes))];
            captions.decode(at * 1_000_000, &Pairs { pairs, digital: false });
        }
    }
    let [first, others @ ..] = captions.finish();
    assert!(others.iter().all(|channel| channel.captions.is_empty()));
    let plain = |c: Caption| (c.start_ns / 1_000_000, c.end_ns / 1_000_000, c.text);
    first.captions.into_iter().map(plain).collect()
}

const LOAD: [u8; 2] = [0x14, 0x20];
const END: [u8; 2] = [0x14, 0x2f];
const ERASE: [u8; 2] = [0x14, 0x2c];
const ERASE_HIDDEN: [u8; 2] = [0x14, 0x2e];
const ROLL_2: [u8; 2] = [0x14, 0x25];
const RETURN: [u8; 2] = [0x14, 0x2d];
const DIRECT: [u8; 2] = [0x14, 0x29];
/// Row 15 at its beginning, row 14 in italics.
const ROW_15: [u8; 2] = [0x14, 0x70];
const ROW_14_ITALIC: [u8; 2] = [0x14, 0x4e];

#[test]
fn captions_pop_on_when_they_are_complete() {
    let found = shown(&[
        // Every control code twice, as it should be.
        (100, &[LOAD, LOAD, ROW_14_ITALIC, ROW_14_ITALIC, *b"Hi", ROW_15, ROW_15, *b"yo", *b"u\0"]),
        (200, &[END, END]),
        (250, &[LOAD, LOAD, ERASE_HIDDEN, ROW_15, *b"go", *b"ne"]),
        (300, &[ERASE, ERASE]),
        (400, &[END, END]),
        (500, &[ERASE]),
    ]);
    let expected = [(200, 300, "<i>Hi</i>\nyou"), (400, 500, "gone")];
    assert_eq!(found, expected.map(|(start, end, text)| (start, end, text.to_owned())));
}

#[test]
fn lines_roll_up() {
    let line = |text: &[u8; 2]| [ROLL_2, ROLL_2, RETURN, RETURN, ROW_15, ROW_15, *text];
    let found = shown(&[
        (0, &line(b"AA")),
        (100, &line(b"BB")),
        (200, &line(b"CC")),
        (300, &[ERASE]),
        (310, &line(b"DD")),
    ]);
    // The last one stands until a decoder would give up, or the film ends.
    let expected =
        [(6, 106, "AA"), (106, 206, "AA\nBB"), (206, 300, "BB\nCC"), (316, 16_316, "DD")];
    assert_eq!(found, expected.map(|(start, end, text)| (start, end, text.to_owned())));
}

#[test]
fn text_is_painted_on() {
    let found = shown(&[
        (0, &[DIRECT, ROW_15, *b"pa", *b"in", *b"t\0"]),
        (100, &[ERASE, DIRECT, ROW_15, *b"on", [0x14, 0x21], *b"n\0", [0x13, 0x3b]]),
        (200, &[ERASE]),
    ]);
    // A backspace took the n, and an extended character replaced the next one.
    let expected = [(2, 100, "paint"), (103, 200, "oø")];
    assert_eq!(found, expected.map(|(start, end, text)| (start, end, text.to_owned())));
}

#[test]
fn silence_clears_the_screen() {
    let found = shown(&[(0, &[LOAD, ROW_15, *b"ab", END]), (60_000, &[ERASE])]);
    assert_eq!(found, [(3, 16_003, "ab".to_owned())]);
}

#[test]
fn no_bytes_break_it() {
    let mut captions = Captions::default();
    let mut seed = 1_u32;
    for at in 0..200_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bytes =
            pair([(seed >> 8) as u8 & 0x1f | (seed >> 26) as u8, (seed >> 16) as u8 & 0x7f]);
        let field = if seed >> 31 == 0 { Field::First } else { Field::Second };
        captions.decode(at * 1_000_000, &Pairs { pairs: vec![(field, bytes)], digital: false });
    }
    let shown = captions.finish();
    assert!(shown.iter().any(|channel| !channel.captions.is_empty()));
}
