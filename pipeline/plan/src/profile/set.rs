//! The profiles a server offers.

use std::collections::BTreeMap;

use super::{DEFAULT_PROFILE, Profile, ProfileError, file};

/// Profiles by name: the built-in ones, and those of the operator over them.
#[derive(Debug, Clone)]
pub struct ProfileSet {
    profiles: BTreeMap<String, NamedProfile>,
    default: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProfile {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub profile: Profile,
    /// Its file.
    pub text: String,
    /// Whether it came with Kinora.
    pub built_in: bool,
}

/// A name that no profile has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile '{name}'; choose one of {}", known.join(", "))]
pub struct UnknownProfile {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: Vec<String>,
}

const BUILT_IN: [(&str, &str); 3] = [
    (DEFAULT_PROFILE, file::DEFAULT),
    ("fast", include_str!("../../profiles/fast.toml")),
    ("quality", include_str!("../../profiles/quality.toml")),
];

/// Letters of a name.
const MOST_NAME: usize = 64;

impl ProfileSet {
    /// What comes with Kinora.
    pub fn built_in() -> Self {
        let profiles = BUILT_IN.map(|(name, text)| {
            let profile = Profile::parse(name, text).expect("a test reads the built-in profiles");
            let named = NamedProfile {
                name: name.to_owned(),
                profile,
                text: text.to_owned(),
                built_in: true,
            };
            (name.to_owned(), named)
        });
        Self { profiles: BTreeMap::from(profiles), default: DEFAULT_PROFILE.to_owned() }
    }

    /// Adds a profile, or puts it in the place of the one that has its name. `file` is what
    /// errors call it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, name: &str, file: &str, text: &str) -> Result<(), ProfileError> {
        let profile = Profile::parse(file, text)?;
        let named =
            NamedProfile { name: name.to_owned(), profile, text: text.to_owned(), built_in: false };
        self.profiles.insert(name.to_owned(), named);
        Ok(())
    }

    /// Chooses what is in force where nobody asked.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn set_default(&mut self, name: &str) -> Result<(), UnknownProfile> {
        self.find(name)?;
        self.default = name.to_owned();
        Ok(())
    }

    /// What is in force where nobody asked.
    pub fn default_profile(&self) -> &NamedProfile {
        &self.profiles[&self.default]
    }

    /// The profile of a name.
    pub fn get(&self, name: &str) -> Option<&NamedProfile> {
        self.profiles.get(name)
    }

    /// The profile of a name, or an error that lists what there is.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn find(&self, name: &str) -> Result<&NamedProfile, UnknownProfile> {
        self.get(name).ok_or_else(|| UnknownProfile {
            name: name.chars().take(MOST_NAME).collect(),
            known: self.profiles.keys().cloned().collect(),
        })
    }

    /// All of them, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &NamedProfile> {
        self.profiles.values()
    }
}

/// Whether a text can name a profile: 1 to 64 small letters, digits, `-` and `_`.
pub fn is_profile_name(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    (1..=MOST_NAME).contains(&name.len()) && name.bytes().all(known)
}
