//! Hosts whose clocks are wrong, by libfaketime. `deploy/bootstrap.sh` installs it.

use std::{fs, path::PathBuf};

/// The environment of a process whose clock is off: `+1h`, `-1h`. The host's monotonic clock is right,
/// as it is on a real host.
pub fn wrong_clock(by: &str) -> [(&'static str, String); 3] {
    let library = library().display().to_string();
    let own = |value: &str| value.to_owned();
    [("LD_PRELOAD", library), ("FAKETIME", own(by)), ("FAKETIME_DONT_FAKE_MONOTONIC", own("1"))]
}

/// Debian's, under the folder of the machine's architecture.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists())
        .expect("libfaketime is missing: deploy/bootstrap.sh test installs it")
}
