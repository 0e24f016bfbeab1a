//! A decrypter that shares nothing with the encrypter but the block cipher: written along ISO/IEC
//! 23001-7, to check it.

use aes::{
    Aes128, Block,
    cipher::{BlockDecrypt, BlockEncrypt, KeyInit},
};

use super::samples;

/// What `tenc` says.
struct Defaults {
    crypt: usize,
    skip: usize,
    vector_bytes: usize,
    constant: Vec<u8>,
}

/// How a sample is encrypted.
struct Auxiliary {
    vector: Vec<u8>,
    /// Clear and protected bytes; empty says that all are protected.
    parts: Vec<(usize, usize)>,
}

/// The samples of a protected file, in the clear.
pub(super) fn decrypted(file: &[u8], key: &[u8; 16]) -> Vec<Vec<u8>> {
    let cipher = Aes128::new(key.into());
    let (scheme, defaults) = protection(file);
    let mut samples = samples(file);
    let auxiliary = auxiliary(file, &defaults, samples.len());
    assert_eq!(auxiliary.len(), samples.len());
    for (sample, auxiliary) in samples.iter_mut().zip(&auxiliary) {
        let whole = [(0, sample.len())];
        let parts = if auxiliary.parts.is_empty() { &whole[..] } else { &auxiliary.parts };
        let described: usize = parts.iter().map(|(clear, protected)| clear + protected).sum();
        assert_eq!(described, sample.len(), "parts make up the sample");
        let (mut at, mut counted) = (0, 0);
        for &(clear, protected) in parts {
            at += clear;
            let bytes = &mut sample[at..at + protected];
            match &scheme {
                b"cenc" => count(&cipher, &auxiliary.vector, bytes, &mut counted),
                b"cbcs" => unchain(&cipher, &defaults, bytes),
                other => panic!("{other:?}"),
            }
            at += protected;
        }
    }
    samples
}

/// All vectors of a file's samples.
pub(super) fn vectors(file: &[u8]) -> Vec<Vec<u8>> {
    let (_, defaults) = protection(file);
    auxiliary(file, &defaults, 0).into_iter().map(|auxiliary| auxiliary.vector).collect()
}

/// A whole segment, without its padding.
pub(super) fn padded(segment: &[u8], key: &[u8; 16], vector: [u8; 16]) -> Vec<u8> {
    let defaults = Defaults { crypt: 0, skip: 0, vector_bytes: 0, constant: vector.to_vec() };
    let mut clear = segment.to_vec();
    unchain(&Aes128::new(key.into()), &defaults, &mut clear);
    let padding = usize::from(*clear.last().unwrap());
    assert!(clear.ends_with(&vec![padding as u8; padding]) && (1..=16).contains(&padding));
    clear.truncate(clear.len() - padding);
    clear
}

fn count(cipher: &Aes128, vector: &[u8], bytes: &mut [u8], counted: &mut usize) {
    for byte in bytes {
        let mut counter = [0; 16];
        counter[..8].copy_from_slice(vector);
        counter[8..].copy_from_slice(&(*counted as u64 / 16).to_be_bytes());
        let mut stream = Block::from(counter);
        cipher.encrypt_block(&mut stream);
        *byte ^= stream[*counted % 16];
        *counted += 1;
    }
}

fn unchain(cipher: &Aes128, defaults: &Defaults, bytes: &mut [u8]) {
    let mut before = defaults.constant.clone();
    let period = defaults.crypt + defaults.skip;
    for (number, block) in bytes.chunks_exact_mut(16).enumerate() {
        if period > 0 && number % period >= defaults.crypt {
            continue;
        }
        let coded = block.to_vec();
        cipher.decrypt_block(Block::from_mut_slice(block));
        block.iter_mut().zip(&before).for_each(|(byte, before)| *byte ^= before);
        before = coded;
    }
}

/// The scheme and what `tenc` says.
fn protection(file: &[u8]) -> ([u8; 4], Defaults) {
    let entry = inside(file, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"]);
    let entry = children(&entry[8..])[0];
    let fields = match &entry.0 {
        b"encv" => 78,
        b"enca" => 28,
        other => panic!("{other:?}"),
    };
    let sinf = inside(&entry.1[fields..], &[b"sinf"]);
    let schm = inside(sinf, &[b"schm"]);
    let tenc = inside(sinf, &[b"schi", b"tenc"]);
    assert_eq!(tenc[6], 1, "it is protected");
    let (crypt, skip) = if tenc[0] == 0 { (0, 0) } else { (tenc[5] >> 4, tenc[5] & 15) };
    let vector_bytes = usize::from(tenc[7]);
    let constant =
        if vector_bytes == 0 { tenc[25..25 + usize::from(tenc[24])].to_vec() } else { vec![] };
    let defaults = Defaults { crypt: crypt.into(), skip: skip.into(), vector_bytes, constant };
    (schm[4..8].try_into().unwrap(), defaults)
}

/// Of all samples, found by `saio` and `saiz` as a player finds it, not by `senc`.
fn auxiliary(file: &[u8], defaults: &Defaults, samples: usize) -> Vec<Auxiliary> {
    let mut found = Vec::new();
    let mut at = 0;
    for (code, body) in children(file) {
        if code == *b"moof" {
            let traf = inside(body, &[b"traf"]);
            let has = |wanted: &[u8; 4]| children(traf).iter().any(|(code, _)| code == wanted);
            if !has(b"saiz") {
                assert!(!has(b"senc") && !has(b"saio") && !defaults.constant.is_empty());
                let whole = || Auxiliary { vector: vec![], parts: vec![] };
                return (0..samples).map(|_| whole()).collect();
            }
            let saiz = inside(traf, &[b"saiz"]);
            let saio = inside(traf, &[b"saio"]);
            assert_eq!(word(saio, 4), 1);
            let count = word(saiz, 5);
            let mut offset = at + word(saio, 8);
            for sample in 0..count {
                let size = usize::from(if saiz[4] > 0 { saiz[4] } else { saiz[9 + sample] });
                found.push(one(&file[offset..offset + size], defaults));
                offset += size;
            }
            assert_eq!(word(inside(traf, &[b"senc"]), 4), count);
        }
        at += body.len() + 8;
    }
    found
}

fn one(bytes: &[u8], defaults: &Defaults) -> Auxiliary {
    let (vector, rest) = bytes.split_at(defaults.vector_bytes);
    let mut parts = Vec::new();
    if let Some((_, rows)) = rest.split_first_chunk::<2>() {
        for row in rows.chunks_exact(6) {
            parts.push((usize::from(row[0]) << 8 | usize::from(row[1]), word(row, 2)));
        }
        assert_eq!(usize::from(rest[0]) << 8 | usize::from(rest[1]), parts.len());
    }
    Auxiliary { vector: vector.to_vec(), parts }
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn children(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = word(bytes, 0);
        found.push((bytes[4..8].try_into().unwrap(), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

fn inside<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
    path.iter().fold(bytes, |bytes, wanted| {
        let found = children(bytes).into_iter().find(|(code, _)| code == *wanted);
        found.unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(*wanted))).1
    })
}
