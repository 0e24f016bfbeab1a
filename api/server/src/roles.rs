//! Roles a process can run.

use anyhow::bail;
use clap::ValueEnum;

/// What a process does. One binary runs any set of them, once adapters that several processes
/// can share are configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Every role
    All,
    /// The public API and the watch page
    Gateway,
    /// Uploads, captions, deletion
    CatalogueCommand,
    /// Lists and details of videos
    CatalogueQuery,
    /// The orchestrator of jobs
    Transcoding,
    /// Manifests and segments
    Origin,
    /// Probing and encoding
    Worker,
}

/// Refuses a subset: SQLite and local files belong to one process.
pub(crate) fn check(roles: &[Role]) -> anyhow::Result<()> {
    let parts = Role::value_variants().iter().filter(|role| **role != Role::All);
    if roles.contains(&Role::All) || parts.into_iter().all(|role| roles.contains(role)) {
        return Ok(());
    }
    bail!(
        "--roles names a subset, but the embedded database, queue and store belong to one process: \
         run with --roles all"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_adapters_need_every_role() {
        assert!(check(&[Role::All]).is_ok());
        assert!(check(&Role::value_variants()[1..]).is_ok());
        assert!(check(&[Role::Gateway, Role::Worker]).is_err());
    }
}
