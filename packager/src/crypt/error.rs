//! Why something could not be encrypted.

use crate::read::ReadError;

/// Why a track or a fragment could not be encrypted. Variants say where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptError {
    /// A box is damaged or missing.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A fragment of a form that is not encrypted.
    #[error("{0}")]
    Form(&'static str),
    /// Samples coded in a way whose headers are not known.
    #[error("samples of kind '{0}' are not encrypted")]
    Codec(String),
    /// A decoder configuration that does not say what is needed.
    #[error("{0}: its parameter sets cannot be read")]
    Configuration(&'static str),
    /// A sample that cannot be divided into what is protected and what is not.
    #[error("sample {sample} at byte {offset}: {fault}")]
    Sample {
        /// Counted from 0 in the fragment.
        sample: u32,
        /// Where it begins in the fragment.
        offset: u64,
        /// What is wrong with it.
        fault: SampleFault,
    },
}

/// Why a sample could not be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SampleFault {
    /// Cut short, damaged, or coded as no player takes it.
    #[error("the headers of its pictures cannot be read")]
    Headers,
    /// More parts than one byte can count the description of.
    #[error("it has {0} parts to protect, more than can be described")]
    Parts(usize),
}
