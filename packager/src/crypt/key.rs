//! Keys, and the names they are known by.

use std::fmt;

use zeroize::Zeroizing;

use super::keyring::hex;

/// The name of a key (`KID`), which is no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

/// A key of AES-128. Not shown, not compared, overwritten when it is dropped.
#[derive(Clone)]
pub struct ContentKey(Zeroizing<[u8; 16]>);

/// A key and its name.
#[derive(Debug, Clone)]
pub struct TrackKey {
    /// Its name.
    pub id: KeyId,
    /// The key.
    pub key: ContentKey,
}

impl KeyId {
    /// Reads 32 hexadecimal digits in their one spelling: lower case.
    pub fn parse(text: &str) -> Option<Self> {
        hex(text).map(Self).filter(|id| id.to_string() == text)
    }

    /// As manifests of DASH write it: 8-4-4-4-12 hexadecimal digits.
    pub fn uuid(&self) -> String {
        let hex = self.to_string();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl ContentKey {
    /// A key of its bytes. Whoever has them besides overwrites them.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret itself, for who may have it.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let track = TrackKey { id: KeyId([0xab; 16]), key: ContentKey::new([0xcd; 16]) };
        let shown = format!("{track:?}");
        assert!(shown.contains("KeyId(abab") && shown.contains("ContentKey(…)"), "{shown}");
        assert!(!shown.contains("cd") && !shown.contains("205"), "{shown}");
        assert_eq!(track.id.uuid(), "abababab-abab-abab-abab-abababababab");
    }
}
