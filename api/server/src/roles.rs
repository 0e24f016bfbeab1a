//! Roles a process can run.

use anyhow::{bail, ensure};
use clap::ValueEnum;

use crate::config::Config;

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

/// The four that answer the API call each other in memory: one process has them all.
const SERVICES: [Role; 4] =
    [Role::Gateway, Role::CatalogueCommand, Role::CatalogueQuery, Role::Transcoding];

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Gateway, catalogue and transcoding.
    pub(crate) services: bool,
    pub(crate) origin: bool,
    pub(crate) worker: bool,
}

impl Roles {
    /// Whether nothing runs elsewhere.
    pub(crate) fn are_all(self) -> bool {
        self.services && self.origin && self.worker
    }

    /// Whether two processes may do this on one data folder: an origin by itself only reads.
    pub(crate) fn share_nothing(self) -> bool {
        self.origin && !self.services && !self.worker
    }
}

/// What `--roles` asks for.
///
/// # Errors
/// A subset that cannot work: SQLite and local files belong to one process, others must know
/// where the rest is and share its secrets.
pub(crate) fn check(roles: &[Role], config: &Config) -> anyhow::Result<Roles> {
    let has = |role: Role| roles.contains(&Role::All) || roles.contains(&role);
    let roles = Roles {
        services: SERVICES.into_iter().any(has),
        origin: has(Role::Origin),
        worker: has(Role::Worker),
    };
    ensure!(
        !roles.services || SERVICES.into_iter().all(has),
        "--roles: gateway, catalogue-command, catalogue-query and transcoding run in one process: \
         name them all"
    );
    ensure!(
        config.origin.upstream.is_none() || roles.share_nothing(),
        "origin.upstream is set: an origin that reads another's store runs alone, with --roles origin"
    );
    if roles.are_all() {
        return Ok(roles);
    }
    ensure!(
        config.store_is_shared() || config.origin.upstream.is_some(),
        "--roles names a subset, but the store in files belongs to one process: set store.url to \
         s3://BUCKET/PREFIX, or run with --roles all"
    );
    if (roles.services || roles.worker) && config.broker_url().is_none() {
        bail!(
            "--roles names a subset, but the embedded queue belongs to one process: set queue.url \
             to amqp://USER:PASSWORD@HOST/VHOST, or run with --roles all"
        );
    }
    if roles.services != roles.origin {
        ensure!(
            config.playback.key_file.is_some(),
            "--roles: an origin that is apart checks what the gateway signs: set playback.key_file \
             to a file with the same text on both"
        );
    }
    ensure!(
        !roles.services || roles.origin || config.origin.public_url.is_some(),
        "--roles: set origin.public_url, where players are sent"
    );
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Config {
        let mut config = Config::default();
        config.queue.url = Some("amqp://mq/%2f".into());
        config.store.url = Some("s3://films".into());
        config
    }

    #[test]
    fn embedded_adapters_need_every_role() {
        let embedded = Config::default();
        assert!(check(&[Role::All], &embedded).unwrap().are_all());
        assert!(check(&Role::value_variants()[1..], &embedded).unwrap().are_all());
        for subset in [&[Role::Worker][..], &[Role::Origin], &SERVICES] {
            assert!(check(subset, &embedded).is_err());
        }
        let queue = Config { queue: embedded.queue.clone(), ..shared() };
        assert!(check(&[Role::Worker], &queue).unwrap_err().to_string().contains("queue.url"));
    }

    #[test]
    fn a_worker_needs_no_more_than_queue_and_store() {
        let worker = Roles { services: false, origin: false, worker: true };
        assert_eq!(check(&[Role::Worker], &shared()).unwrap(), worker);
    }

    #[test]
    fn services_stay_together_and_know_the_origin() {
        let mut config = shared();
        let error = check(&[Role::Gateway, Role::Worker], &config).unwrap_err().to_string();
        assert!(error.contains("name them all"), "{error}");
        let error = check(&SERVICES, &config).unwrap_err().to_string();
        assert!(error.contains("playback.key_file"), "{error}");
        config.playback.key_file = Some("key".into());
        let error = check(&SERVICES, &config).unwrap_err().to_string();
        assert!(error.contains("origin.public_url"), "{error}");
        config.origin.public_url = Some("http://media.example".into());
        let services = Roles { services: true, origin: false, worker: false };
        assert_eq!(check(&SERVICES, &config).unwrap(), services);
        assert!(check(&[Role::Origin], &config).unwrap().origin);
    }

    #[test]
    fn an_origin_behind_another_needs_no_store_and_runs_alone() {
        let mut config = Config::default();
        config.origin.upstream = Some("http://10.0.0.1:8081".into());
        config.playback.key_file = Some("key".into());
        assert!(check(&[Role::Origin], &config).unwrap().share_nothing());
        for roles in [&[Role::All][..], &[Role::Origin, Role::Worker]] {
            let error = check(roles, &config).unwrap_err().to_string();
            assert!(error.contains("origin.upstream"), "{error}");
        }
    }
}
