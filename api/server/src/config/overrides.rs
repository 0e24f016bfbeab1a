//! Flags.

use std::{net::SocketAddr, path::PathBuf};

use kinora_origin::ListenAddress;

/// Flags that win over file and environment.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Configuration file [default: kinora.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for everything kinorad keeps [default: data]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the API and the watch page [default: 127.0.0.1:8080]
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of manifests and segments [default: 127.0.0.1:8081]
    #[arg(long, value_name = "IP:PORT|unix:PATH")]
    pub(crate) origin_listen: Option<ListenAddress>,
    /// Any setting by its path, such as worker.slots=4
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Overrides {
    /// These, and one setting more: `KEY=VALUE`.
    pub(crate) fn with(mut self, setting: String) -> Self {
        self.set.push(setting);
        self
    }

    /// The settings they name, as `(flag, path, text)`, in the order they win. `None` for a
    /// path that is no text.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&'static str, &str, Option<String>)> {
        let data_dir = self
            .data_dir
            .iter()
            .map(|path| ("--data-dir", "data_dir", path.to_str().map(ToOwned::to_owned)));
        let listen =
            self.listen.iter().map(|at| ("--listen", "server.listen", Some(at.to_string())));
        let origin = self
            .origin_listen
            .iter()
            .map(|at| ("--origin-listen", "origin.listen", Some(at.to_string())));
        let set = self.set.iter().map(|pair| match pair.split_once('=') {
            Some((path, text)) => ("--set", path.trim(), Some(text.trim().to_owned())),
            None => ("--set", pair.as_str(), None),
        });
        data_dir.chain(listen).chain(origin).chain(set)
    }
}
