//! File, environment and flags, one over the other.

use std::{ffi::OsString, fs, io::ErrorKind, path::Path};

use anyhow::{Context, anyhow, bail};
use toml::{Table, Value};

use super::{Config, Overrides, keys};

/// Read when no other file is named.
const DEFAULT_FILE: &str = "kinora.toml";

/// The configuration in force, not yet checked. `folder` is where the default file may lie.
pub(super) fn read(
    overrides: &Overrides,
    environment: impl Iterator<Item = (OsString, OsString)>,
    folder: &Path,
) -> anyhow::Result<Config> {
    let mut layers = match &overrides.config {
        Some(path) => Layers::from_file(path)?,
        None => Layers::from_default_file(&folder.join(DEFAULT_FILE))?,
    };
    for (name, text) in environment {
        let Some((key, kind)) = name.to_str().map_or(Ok(None), keys::by_variable)? else {
            continue;
        };
        let variable = name.to_string_lossy();
        let text = text.to_str().ok_or_else(|| anyhow!("{variable} is not UTF-8"))?;
        let value = keys::value(kind, text).with_context(|| variable.to_string())?;
        layers.set(&variable, key, value)?;
    }
    for (flag, path, text) in overrides.settings() {
        let text = text
            .ok_or_else(|| anyhow!("{flag} {path}: expected a UTF-8 text, for --set KEY=VALUE"))?;
        let (key, kind) = keys::by_path(path).with_context(|| flag.to_owned())?;
        let source = format!("{flag} {path}");
        let value = keys::value(kind, &text).with_context(|| source.clone())?;
        layers.set(&source, key, value)?;
    }
    Ok(layers.config)
}

/// What was read so far, as a table to lay the next value over, and as what it means.
struct Layers {
    table: Table,
    config: Config,
}

impl Layers {
    fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::from_text(&text).with_context(|| format!("in {}", path.display()))
    }

    fn from_default_file(path: &Path) -> anyhow::Result<Self> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Self::from_text(""),
            _ => Self::from_file(path),
        }
    }

    /// Reads a file as settings, not as a table first: only so an error knows its line.
    fn from_text(text: &str) -> anyhow::Result<Self> {
        Ok(Self { config: toml::from_str(text)?, table: toml::from_str(text)? })
    }

    /// Lays one value over; an error can only be the fault of `source`.
    fn set(&mut self, source: &str, key: &str, value: Value) -> anyhow::Result<()> {
        match key.split_once('.') {
            None => {
                self.table.insert(key.to_owned(), value);
            }
            Some((section, name)) => {
                let section = self.table.entry(section).or_insert_with(|| Table::new().into());
                let Value::Table(section) = section else {
                    bail!("{source}: the file has a value where the table of {key} belongs");
                };
                section.insert(name.to_owned(), value);
            }
        }
        self.config = Config::deserialize_table(&self.table)
            .map_err(|error| anyhow!("{source}: {}", error.message()))?;
        Ok(())
    }
}

impl Config {
    fn deserialize_table(table: &Table) -> Result<Self, toml::de::Error> {
        table.clone().try_into()
    }
}
