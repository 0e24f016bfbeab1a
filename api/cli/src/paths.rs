//! Where this program keeps its files (XDG Base Directory Specification).

use std::env;
use std::path::PathBuf;

use crate::failure::{Exit, Failure};

/// The file `kinora login` writes.
pub(crate) fn config() -> Result<PathBuf, Failure> {
    Ok(base("XDG_CONFIG_HOME", ".config")?.join("kinora").join("config.toml"))
}

/// The folder that remembers unfinished uploads.
pub(crate) fn uploads() -> Result<PathBuf, Failure> {
    Ok(base("XDG_STATE_HOME", ".local/state")?.join("kinora").join("uploads"))
}

fn base(variable: &str, otherwise: &str) -> Result<PathBuf, Failure> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(env::home_dir()?.join(otherwise))).ok_or_else(|| {
        Failure::new(Exit::Failed, "no_home", "there is no home folder to keep files in")
            .help(format!("Set HOME or {variable}."))
    })
}
