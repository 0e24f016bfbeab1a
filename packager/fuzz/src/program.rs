//! What the programs do beside fuzzing.

use std::{fs, path::PathBuf, process::ExitCode};

use crate::{Target, judge};

/// Without an engine: runs the target on the files that are named.
pub fn main(target: &Target) -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    match files.iter().try_for_each(|file| replay(target, file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::from(2)
        }
    }
}

/// Before the engine reads its corpus: the files to begin from, in the folder that `FUZZ_SEEDS` names.
pub fn write_seeds(target: &Target) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    fs::create_dir_all(&folder).expect("FUZZ_SEEDS is a folder of ours");
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).expect("the folder takes files");
    }
}

fn replay(target: &Target, file: &str) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let cost = judge::run(target, &bytes);
    println!("{file}: {} bytes, {cost:?}", bytes.len());
    Ok(())
}
