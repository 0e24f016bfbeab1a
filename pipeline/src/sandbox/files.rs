//! Landlock: which files a child may open, and for what.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use kinora_plan::sandbox::Enforcement;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Grants;

/// The newest form of Landlock whose rights are handled; older kernels handle what they know.
const LANDLOCK: ABI = ABI::V6;
/// What programs on this host read: libraries, plugins, fonts, what the processor can do.
const SYSTEM: [&str; 19] = [
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/fonts",
    "/etc/localtime",
    "/var/cache/fontconfig",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];
/// Variables by which GStreamer is told of files.
const GSTREAMER: [&str; 8] = [
    "GST_REGISTRY",
    "GST_REGISTRY_1_0",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "GST_PLUGIN_SCANNER",
    "GST_PLUGIN_SCANNER_1_0",
];

/// Restricts this thread, and those it starts from now on: to files that are needed, to no port,
/// and to no process outside.
pub(super) fn restrict(grants: &Grants) -> Result<Enforcement, RulesetError> {
    let read = AccessFs::from_read(LANDLOCK);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(readable(), read))?
        .add_rules(path_beneath_rules(&grants.read, read))?
        .add_rules(path_beneath_rules(["/dev/null"], AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(&grants.devices, device))?
        .add_rules(path_beneath_rules(&grants.write, results()))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Enforcement::Full,
        RulesetStatus::PartiallyEnforced => Enforcement::Partial,
        RulesetStatus::NotEnforced => Enforcement::None,
    })
}

/// Files of results: made, written, read back, removed. No links, devices, sockets or programs.
fn results() -> BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
}

fn readable() -> BTreeSet<PathBuf> {
    let mut paths: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    for name in GSTREAMER {
        let value = env::var_os(name).unwrap_or_default();
        paths.extend(env::split_paths(&value).filter(|path| path.is_absolute()));
    }
    paths.extend(registry());
    paths.extend(library_folders());
    paths
}

/// GStreamer's cache of what plugins there are, where no variable says so.
fn registry() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    cache.or_else(home).map(|cache| cache.join("gstreamer-1.0")).filter(|path| path.is_absolute())
}

/// Where this process's libraries come from: installations outside `/usr` bring their own.
fn library_folders() -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .filter(|path| is_library(path))
        .filter_map(|path| path.parent().map(Path::to_path_buf))
        .collect()
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with(".so") || name.contains(".so.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_peoples_folders_are_not_readable() {
        let readable = readable();
        for path in ["/", "/etc", "/home", "/root", "/tmp", "/var", "/proc", "/dev"] {
            assert!(!readable.contains(Path::new(path)), "{path}");
        }
        assert!(library_folders().iter().all(|folder| folder.components().count() > 2));
        assert!(is_library(Path::new("/opt/x/libx264.so.164")));
        assert!(!is_library(Path::new("/usr/share/locale.mo")));
    }
}
