//! Which server to talk to, and with which key: flags, then environment, then what
//! `kinora login` stored.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use kinora_client::Client;
use serde::{Deserialize, Serialize};

use crate::args::Globals;
use crate::failure::{Exit, Failure};
use crate::paths;

const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// What every command needs.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) json: bool,
}

/// `config.toml`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) server: Option<String>,
    pub(crate) api_key: Option<String>,
}

impl Session {
    pub(crate) fn open(globals: &Globals) -> Result<Self, Failure> {
        let (server, api_key) = choose(globals, Stored::load(&paths::config()?)?)?;
        Ok(Self { client: Client::new(&server, api_key.as_deref())?, json: globals.json })
    }

    /// The server's address, the same however it was written.
    pub(crate) fn server(&self) -> &str {
        self.client.base_url()
    }
}

/// The stored key goes to the stored server only.
fn choose(globals: &Globals, stored: Stored) -> Result<(String, Option<String>), Failure> {
    let server = globals.server.clone().or_else(|| stored.server.clone());
    let server = server.unwrap_or_else(|| DEFAULT_SERVER.to_owned());
    if let Some(key) = &globals.api_key {
        return Ok((server, Some(key.clone())));
    }
    let address = |server: &str| Client::new(server, None).map(|it| it.base_url().to_owned());
    let home = stored.server.as_deref().unwrap_or(DEFAULT_SERVER);
    let at_home = address(&server)? == address(home)?;
    Ok((server, stored.api_key.filter(|_| at_home)))
}

impl Stored {
    /// What is stored; nothing if there is no file.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let unusable = |what: String| {
            Failure::new(Exit::Usage, "config", format!("{}: {what}", path.display()))
                .help("Mend or remove the file, then run `kinora login`.")
        };
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| unusable(error.message().into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(unusable(error.to_string())),
        }
    }

    /// Replaces the file, readable by its owner only.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self).expect("two strings are valid TOML");
        write_private(path, text.as_bytes()).map_err(|error| {
            let what = format!("cannot write {}: {error}", path.display());
            Failure::new(Exit::Failed, "config", what)
        })
    }
}

/// Puts a whole file in place, or none: mode 600, durable before it is seen.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().expect("our files lie in folders of ours");
    fs::create_dir_all(folder)?;
    // `tempfile` creates with mode 600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globals(server: Option<&str>, api_key: Option<&str>) -> Globals {
        Globals {
            server: server.map(str::to_owned),
            api_key: api_key.map(str::to_owned),
            json: false,
        }
    }

    fn stored() -> Stored {
        Stored { server: Some("https://home".into()), api_key: Some("kin_home".into()) }
    }

    #[test]
    fn flags_win_over_what_is_stored() {
        let chosen = choose(&globals(None, None), Stored::default()).unwrap();
        assert_eq!(chosen, (DEFAULT_SERVER.into(), None));
        let chosen = choose(&globals(None, None), stored()).unwrap();
        assert_eq!(chosen, ("https://home".into(), Some("kin_home".into())));
        let chosen = choose(&globals(Some("https://other"), Some("kin_x")), stored()).unwrap();
        assert_eq!(chosen, ("https://other".into(), Some("kin_x".into())));
    }

    #[test]
    fn a_stored_key_is_never_sent_to_another_server() {
        let chosen = choose(&globals(Some("https://other"), None), stored()).unwrap();
        assert_eq!(chosen.1, None);
        let chosen = choose(&globals(Some("https://home/"), None), stored()).unwrap();
        assert_eq!(chosen.1.as_deref(), Some("kin_home"));
    }
}
