//! Logging to standard error.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Changes what is logged from now on.
pub(crate) type Refilter = Box<dyn Fn(EnvFilter) -> anyhow::Result<()> + Send + Sync>;

/// What is to be logged.
pub(crate) fn filter(config: &LogConfig) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&config.filter)
        .with_context(|| format!("log.filter '{}' is not a filter", config.filter))
}

/// Starts the process's log.
pub(crate) fn init(config: &LogConfig) -> anyhow::Result<Refilter> {
    let filter = filter(config)?;
    // Colours are for people at a terminal (https://no-color.org), not for files.
    let colours =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(colours);
    Ok(match config.format {
        LogFormat::Text => {
            let log = log.with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Box::new(move |filter| Ok(handle.reload(filter)?))
        }
        LogFormat::Json => {
            let log = log.json().with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            Box::new(move |filter| Ok(handle.reload(filter)?))
        }
    })
}
