//! Common encryption (ISO/IEC 23001-7) and whole segments in AES-128 (RFC 8216 4.3.2.4).
//!
//! [`Encryptor`] takes the clear initialisation segment of a track and what protects it, and makes
//! protected fragments of clear ones, each on its own: the work is that of the fragment, and equal
//! input gives equal bytes, so a segment may be encrypted when it is asked for. Headers of coded
//! pictures stay in the clear, which players need to find their way; [`Scheme`] says the rest.
//!
//! Keys come in as arguments, are never shown and are overwritten when they are dropped.

mod aes128;
mod boxes;
mod cipher;
mod encryptor;
mod error;
mod fragment;
mod index_key;
mod init;
mod key;
mod keyring;
mod layout;
mod pssh;
mod subsample;

pub use aes128::SegmentCipher;
pub use encryptor::{Encryptor, Protection, Scheme, Sealed};
pub use error::{CryptError, SampleFault};
pub use index_key::{IndexKey, TrackCipher};
pub(crate) use index_key::{method, streams};
pub use key::{ContentKey, KeyId, TrackKey};
pub use keyring::{KeyFileError, Keyring};
pub(crate) use pssh::{WIDEVINE, widevine};
