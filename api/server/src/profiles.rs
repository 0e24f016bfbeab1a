//! The profiles that this server offers.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};
use kinora_plan::{ProfileSet, profile::is_profile_name};

use crate::config::TranscodingSection;

/// Profiles of an operator: more is a folder of something else.
const MOST_PROFILES: usize = 1000;

/// The built-in profiles, those of the operator's folder, and which is in force.
///
/// # Errors
/// Whatever is wrong with a file, or a default that is not there.
pub(crate) fn load(section: &TranscodingSection) -> anyhow::Result<ProfileSet> {
    let mut set = ProfileSet::built_in();
    if let Some(folder) = &section.profiles {
        read_folder(&mut set, folder)
            .with_context(|| format!("transcoding.profiles: {}", folder.display()))?;
    }
    set.set_default(&section.default_profile).context("transcoding.default_profile")?;
    Ok(set)
}

/// Every `NAME.toml` of the folder; other files are not ours.
fn read_folder(set: &mut ProfileSet, folder: &Path) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    ensure!(paths.len() <= MOST_PROFILES, "more than {MOST_PROFILES} profiles");
    // Files are read in the order of names, and all that is wrong is said at once.
    paths.sort();
    let mut errors = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_profile_name(name) {
            errors.push(format!(
                "{shown}: call it by 1 to 64 small letters, digits, - and _, such as television.toml"
            ));
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| shown.clone())?;
        if let Err(error) = set.add(name, &shown, &text) {
            errors.push(error.to_string());
        }
    }
    if !errors.is_empty() {
        bail!("{}", errors.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(folder: &Path, default: &str) -> TranscodingSection {
        TranscodingSection {
            profiles: Some(folder.to_owned()),
            default_profile: default.to_owned(),
            ..TranscodingSection::default()
        }
    }

    #[test]
    fn a_folder_adds_profiles_and_replaces_built_in_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("tv.toml"), "passthrough = false\n").unwrap();
        fs::write(path.join("fast.toml"), "description = \"Mine\"\n").unwrap();
        fs::write(path.join("notes.txt"), "not ours").unwrap();
        let set = load(&section(path, "tv")).unwrap();
        let names: Vec<_> = set.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names, ["default", "fast", "quality", "tv"]);
        assert_eq!(set.default_profile().name, "tv");
        assert_eq!(set.get("fast").unwrap().profile.description, "Mine");
    }

    #[test]
    fn whatever_is_wrong_keeps_the_server_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let missing = format!("{:#}", load(&section(path, "tv")).unwrap_err());
        assert!(missing.starts_with("transcoding.default_profile: there is no profile 'tv'"));
        fs::write(path.join("Bad Name.toml"), "").unwrap();
        fs::write(path.join("tv.toml"), "[video]\ngop_seconds = 9\n").unwrap();
        fs::write(path.join("web.toml"), "passtrough = true\n").unwrap();
        let error = format!("{:#}", load(&section(path, "default")).unwrap_err());
        for part in ["Bad Name.toml: call it", "tv.toml:2:15: video.gop_seconds", "web.toml:1:1:"] {
            assert!(error.contains(part), "{error}");
        }
        let nowhere = load(&section(&path.join("none"), "default")).unwrap_err();
        assert!(format!("{nowhere:#}").contains("No such file"), "{nowhere:#}");
    }
}
