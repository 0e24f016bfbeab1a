//! Fuzz targets of the packager's parsers of outside bytes: MP4 files, playlists, captions.
//!
//! A [`Target`] is what is called with bytes, how files of its kind are changed, and files to begin
//! from. [`judge::run`] calls it and panics where it takes more memory or processor time than the
//! bytes allow; that it panics itself is what the engine looks for.
//!
//! The programs under `targets/` are libFuzzer's when they are built with `--cfg fuzzing` and coverage
//! (`deploy/fuzz.sh` does), and otherwise replay the files that they are given.

#[cfg(test)]
mod findings;
pub mod judge;
pub mod mutate;
mod program;
mod seeds;
pub mod targets;

pub use program::{main, write_seeds};
pub use targets::Target;

/// A target's program: libFuzzer's entry points with `--cfg fuzzing`, else [`main`].
#[macro_export]
macro_rules! program {
    ($target:expr) => {
        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_target!(init: $crate::write_seeds(&$target), |data: &[u8]| {
            $crate::judge::run(&$target, data);
        });

        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, limit: usize, seed: u32| {
            // Its own mutations know what was compared; ours know what the bytes mean.
            if seed.is_multiple_of(3) {
                return ::libfuzzer_sys::fuzzer_mutate(data, size, limit);
            }
            let changed = $target.mutated(&data[..size], limit, u64::from(seed));
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        });

        #[cfg(not(fuzzing))]
        fn main() -> ::std::process::ExitCode {
            $crate::main(&$target)
        }
    };
}
