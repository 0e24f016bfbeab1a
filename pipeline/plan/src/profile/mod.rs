//! What an operator may choose about an encode.

mod audio;

pub use audio::AudioProfile;
