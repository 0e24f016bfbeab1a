//! Shows boxes as an indented tree, with the bytes of those that hold no others.

use std::fmt::Write;

/// Bytes of fields before the children of a box that has children.
fn fields(code: &str) -> Option<usize> {
    match code {
        "moov" | "trak" | "edts" | "mdia" | "minf" | "dinf" | "stbl" | "mvex" | "moof" | "traf" => {
            Some(0)
        }
        "stsd" | "dref" => Some(8),
        "avc1" => Some(78),
        "mp4a" => Some(28),
        _ => None,
    }
}

/// The boxes in `bytes`; panics when their sizes do not add up.
pub(crate) fn tree(bytes: &[u8]) -> String {
    let mut out = String::new();
    visit(bytes, 0, &mut out);
    out
}

fn visit(mut bytes: &[u8], depth: usize, out: &mut String) {
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        let code = std::str::from_utf8(&bytes[4..8]).unwrap();
        let body = &bytes[8..size];
        write!(out, "{:indent$}{code} {size}", "", indent = depth * 2).unwrap();
        match fields(code) {
            Some(count) => {
                writeln!(out, "{}", hex(&body[..count])).unwrap();
                visit(&body[count..], depth + 1, out);
            }
            None => writeln!(out, "{}", hex(body)).unwrap(),
        }
        bytes = &bytes[size..];
    }
}

/// Four bytes a group.
fn hex(bytes: &[u8]) -> String {
    bytes.chunks(4).fold(String::new(), |mut text, group| {
        text.push(' ');
        group.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        text
    })
}
