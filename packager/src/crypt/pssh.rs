//! Protection system specific header (ISO/IEC 23001-7 8.1), for those who need no more than the
//! names of keys.

use super::KeyId;
use crate::boxes::{BoxWriter, written};

/// The common system (W3C `cenc` initialisation data): names of keys alone.
const COMMON: [u8; 16] = 0x1077_efec_c0b2_4d02_ace3_3c1e_52e2_fb4b_u128.to_be_bytes();
/// Widevine.
pub(crate) const WIDEVINE: KeyId =
    KeyId(0xedef_8ba9_79d6_4ace_a3c8_27dc_d51d_21ed_u128.to_be_bytes());

/// Version 1 of the box, which lists the keys; the common system has no data.
pub(super) fn write_common(w: &mut BoxWriter, keys: &[KeyId]) {
    w.full_box(b"pssh", 1, 0, |w| {
        w.bytes(&COMMON);
        w.u32(keys.len() as u32);
        keys.iter().for_each(|key| w.bytes(&key.0));
        w.u32(0);
    });
}

/// Version 0, with the keys in Widevine's own message (`WidevinePsshData.key_ids`).
pub(super) fn write_widevine(w: &mut BoxWriter, keys: &[KeyId]) {
    // Field 2, of a length.
    const KEY_ID: [u8; 2] = [2 << 3 | 2, 16];
    w.full_box(b"pssh", 0, 0, |w| {
        w.bytes(&WIDEVINE.0);
        w.u32((keys.len() * (KEY_ID.len() + 16)) as u32);
        for key in keys {
            w.bytes(&KEY_ID);
            w.bytes(&key.0);
        }
    });
}

/// Widevine's box of a key, for manifests.
pub(crate) fn widevine(key: KeyId) -> Vec<u8> {
    written(|w| write_widevine(w, &[key]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_systems_list_the_keys() {
        let common = written(|w| write_common(w, &[KeyId([1; 16]), KeyId([2; 16])]));
        assert_eq!(common.len(), 12 + 16 + 4 + 32 + 4);
        assert_eq!(common[..12], *b"\0\0\0\x44pssh\x01\0\0\0");
        assert_eq!(common[28..32], [0, 0, 0, 2]);
        let widevine = widevine(KeyId([1; 16]));
        assert_eq!(widevine[28..34], [0, 0, 0, 18, 0x12, 16]);
        assert_eq!(widevine.len(), 50);
    }
}
