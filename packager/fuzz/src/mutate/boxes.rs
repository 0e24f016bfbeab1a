//! Trees of ISO base media boxes: sizes are right again after a change, but where a lie is meant.

use fastrand::Rng;

use super::repetitions;

/// Boxes of boxes, and how many bytes of fields stand before those.
const CONTAINERS: &[(&[u8; 4], usize)] = &[
    (b"moov", 0),
    (b"trak", 0),
    (b"edts", 0),
    (b"mdia", 0),
    (b"minf", 0),
    (b"stbl", 0),
    (b"mvex", 0),
    (b"moof", 0),
    (b"traf", 0),
    (b"stsd", 8),
    (b"avc1", 78),
    (b"hvc1", 78),
    (b"av01", 78),
    (b"vp09", 78),
    (b"mp4a", 28),
    (b"Opus", 28),
];

/// Codes that a box may be given instead of its own.
const CODES: &[&[u8; 4]] = &[
    b"free", b"mdat", b"moov", b"moof", b"traf", b"trun", b"tfdt", b"tfhd", b"stts", b"ctts",
    b"stsz", b"stz2", b"stsc", b"stco", b"co64", b"stss", b"elst", b"trex", b"avcC", b"hvcC",
    b"av1C", b"vpcC", b"esds", b"dOps", b"avc3", b"hev1", b"fLaC", b"ac-3", b"ec-3", b"wvtt",
    b"stpp", b"vide", b"soun",
];

/// Deeper trees are bytes.
const MAX_DEPTH: usize = 12;

#[derive(Debug, Clone)]
struct Node {
    code: [u8; 4],
    /// What the header says instead of the truth: 32 bits, and 64 where the first are 1.
    lie: Option<(u32, Option<u64>)>,
    /// All of a leaf; of a container, what stands before its boxes.
    fields: Vec<u8>,
    boxes: Vec<Node>,
    /// Behind the last box, what is none.
    rest: Vec<u8>,
}

/// A file, changed in one place.
pub fn changed(data: &[u8], limit: usize, random: &mut Rng) -> Vec<u8> {
    let mut root = container([0; 4], data, 0, MAX_DEPTH);
    let count = size_of(&root).1;
    if count == 1 {
        return data.to_vec();
    }
    let other = nth(&mut root, random.usize(1..count)).clone();
    // The last fields of a file are its media: tables are changed more often.
    let mut picked = random.usize(1..count);
    if nth(&mut root, picked).code == *b"mdat" {
        picked = random.usize(1..count);
    }
    match random.u32(..9) {
        0 => change_siblings(&mut root, picked, |siblings, at| drop(siblings.remove(at))),
        1 => change_siblings(&mut root, picked, |siblings, at| siblings.insert(at, other)),
        2 => change_siblings(&mut root, picked, |siblings, at| {
            let last = siblings.len() - 1;
            siblings.swap(at, last);
        }),
        3 => {
            let times = repetitions(size_of(nth(&mut root, picked)).0, limit, random);
            change_siblings(&mut root, picked, |siblings, at| {
                let again = siblings[at].clone();
                siblings.splice(at..at, std::iter::repeat_n(again, times - 1));
            });
        }
        4 => nth(&mut root, picked).code = *CODES[random.usize(..CODES.len())],
        5 => {
            let size = size_of(nth(&mut root, picked)).0;
            nth(&mut root, picked).lie = Some(lie(size, random));
        }
        6 => grow(&mut nth(&mut root, picked).fields, limit, random),
        _ => change_fields(&mut nth(&mut root, picked).fields, data.len(), random),
    }
    let mut bytes = Vec::new();
    write_inside(&root, &mut bytes);
    bytes
}

/// Reads what can be read as boxes.
fn container(code: [u8; 4], body: &[u8], fields: usize, depth: usize) -> Node {
    let (before, mut rest) = body.split_at(fields.min(body.len()));
    let mut node =
        Node { code, lie: None, fields: before.to_vec(), boxes: Vec::new(), rest: Vec::new() };
    while let Some((&size, _)) = rest.split_first_chunk::<4>() {
        let size = u32::from_be_bytes(size) as usize;
        if size < 8 || size > rest.len() {
            break;
        }
        let (this, after) = rest.split_at(size);
        let code = [this[4], this[5], this[6], this[7]];
        let known = CONTAINERS.iter().find(|(container, _)| **container == code);
        node.boxes.push(match known {
            Some((_, fields)) if depth > 0 => container(code, &this[8..], *fields, depth - 1),
            _ => Node {
                code,
                lie: None,
                fields: this[8..].to_vec(),
                boxes: Vec::new(),
                rest: Vec::new(),
            },
        });
        rest = after;
    }
    node.rest = rest.to_vec();
    node
}

fn write_inside(node: &Node, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&node.fields);
    for child in &node.boxes {
        let begin = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&child.code);
        if let Some((_, Some(long))) = child.lie {
            bytes.extend_from_slice(&long.to_be_bytes());
        }
        write_inside(child, bytes);
        let truth = (bytes.len() - begin) as u32;
        let size = child.lie.map_or(truth, |(size, _)| size);
        bytes[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
    }
    bytes.extend_from_slice(&node.rest);
}

/// Bytes of a box, and how many boxes it is with those inside.
fn size_of(node: &Node) -> (usize, usize) {
    let own = (8 + node.fields.len() + node.rest.len(), 1);
    node.boxes.iter().map(size_of).fold(own, |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// The box of a number, counted from the root in the order of the file.
fn nth(node: &mut Node, number: usize) -> &mut Node {
    if number == 0 {
        return node;
    }
    let mut before = 1;
    let mut child = 0;
    loop {
        let inside = size_of(&node.boxes[child]).1;
        if number < before + inside {
            return nth(&mut node.boxes[child], number - before);
        }
        before += inside;
        child += 1;
    }
}

/// Changes the list that a box stands in, which is not the root.
fn change_siblings(node: &mut Node, number: usize, change: impl FnOnce(&mut Vec<Node>, usize)) {
    let mut before = 1;
    for child in 0..node.boxes.len() {
        let inside = size_of(&node.boxes[child]).1;
        if number == before {
            return change(&mut node.boxes, child);
        }
        if number < before + inside {
            return change_siblings(&mut node.boxes[child], number - before, change);
        }
        before += inside;
    }
}

fn lie(size: usize, random: &mut Rng) -> (u32, Option<u64>) {
    let size = size as u32;
    match random.u32(..8) {
        0 => (0, None),
        1 => (7, None),
        2 => (size.saturating_sub(1), None),
        3 => (size + 1, None),
        4 => (u32::MAX, None),
        5 => (1, Some(u64::from(size) + 8)),
        6 => (1, Some(u64::MAX)),
        _ => (1, Some(15)),
    }
}

/// Rows of a table, more of them: a piece is repeated and a count that stands before may be made
/// right again.
fn grow(fields: &mut Vec<u8>, limit: usize, random: &mut Rng) {
    let row = [4, 8, 12, 16][random.usize(..4)];
    if fields.len() < 8 + row {
        return;
    }
    let rows = (fields.len() - 8) / row;
    let from = 8 + random.usize(..rows) * row;
    let more = repetitions(row, limit, random);
    let repeated = fields[from..from + row].repeat(more);
    fields.splice(from..from + row, repeated);
    if random.bool() {
        // `stsz` has a word before its count.
        let at = if random.u32(..4) == 0 { 8 } else { 4 };
        let count = (rows + more - 1) as u32;
        fields[at..at + 4].copy_from_slice(&count.to_be_bytes());
    }
}

/// A bit, a byte or a word.
fn change_fields(fields: &mut Vec<u8>, length: usize, random: &mut Rng) {
    if fields.len() < 4 {
        fields.extend_from_slice(&[0; 4]);
    }
    // Counts, flags and versions stand at the beginning.
    let end = if random.bool() { fields.len().min(24) } else { fields.len() };
    let at = random.usize(..=end - 4);
    let length = length as u32;
    let words = [
        0,
        1,
        2,
        3,
        8,
        0x100,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
        length,
        length / 2,
        random.u32(..),
    ];
    match random.u32(..5) {
        0 => fields[at] ^= 1 << random.u32(..8),
        1 => fields[at] = random.u8(..),
        2 => fields.truncate(at),
        _ => {
            let at = at / 4 * 4;
            let word = words[random.usize(..words.len())];
            fields[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays() {
        for seed in crate::seeds::mp4() {
            let root = container([0; 4], &seed, 0, MAX_DEPTH);
            assert!(size_of(&root).1 > 20);
            let mut written = Vec::new();
            write_inside(&root, &mut written);
            assert!(written == seed);
        }
    }

    #[test]
    fn changes_are_many_and_within_the_limit() {
        let target = crate::targets::MP4;
        let seed = &crate::seeds::mp4()[0];
        let changed: std::collections::BTreeSet<_> =
            (0..200).map(|n| target.mutated(seed, 8192, n)).collect();
        assert!(changed.len() > 150, "{}", changed.len());
        assert!(changed.iter().all(|bytes| bytes.len() <= 8192));
        assert!(changed.contains(&target.mutated(seed, 8192, 7)), "equal for equal seeds");
    }
}
