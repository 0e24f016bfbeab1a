//! Roles a process can run.

use anyhow::ensure;
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

/// Commands and queries share uploads and tables: one process has both.
const CATALOGUE: [Role; 2] = [Role::CatalogueCommand, Role::CatalogueQuery];

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles {
    pub(crate) gateway: bool,
    pub(crate) catalogue: bool,
    pub(crate) transcoding: bool,
    pub(crate) origin: bool,
    pub(crate) worker: bool,
}

impl Roles {
    /// Whether nothing runs elsewhere.
    pub(crate) fn are_all(self) -> bool {
        self.gateway && self.has_both() && self.origin && self.worker
    }

    /// Whether two processes may do this on one data folder: an origin by itself only reads.
    pub(crate) fn share_nothing(self) -> bool {
        self == Self { origin: true, ..Self::default() }
    }

    /// Whether there is a service here that has tables.
    pub(crate) fn has_database(self) -> bool {
        self.catalogue || self.transcoding
    }

    /// Whether jobs or events are heard of here.
    pub(crate) fn has_queue(self) -> bool {
        self.has_database() || self.worker
    }

    /// Whether there are objects to be read or written here.
    pub(crate) fn has_store(self) -> bool {
        self.has_queue() || self.origin
    }

    /// Whether playback tokens are signed or checked here.
    pub(crate) fn has_playback_keys(self) -> bool {
        self.has_database() || self.origin
    }

    /// Whether a gateway in another process asks a service here.
    pub(crate) fn are_asked(self) -> bool {
        self.has_database() && !self.gateway
    }

    /// Whether the gateway here asks a service in another process.
    pub(crate) fn ask_others(self) -> bool {
        self.gateway && !self.has_both()
    }

    fn has_both(self) -> bool {
        self.catalogue && self.transcoding
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
        gateway: has(Role::Gateway),
        catalogue: CATALOGUE.into_iter().any(has),
        transcoding: has(Role::Transcoding),
        origin: has(Role::Origin),
        worker: has(Role::Worker),
    };
    ensure!(
        !roles.catalogue || CATALOGUE.into_iter().all(has),
        "--roles: catalogue-command and catalogue-query run in one process: name both"
    );
    ensure!(
        config.origin.upstream.is_none() || roles.share_nothing(),
        "origin.upstream is set: an origin that reads another's store runs alone, with --roles origin"
    );
    if roles.are_all() {
        return Ok(roles);
    }
    check_adapters(roles, config)?;
    check_cluster(roles, config)?;
    ensure!(
        !roles.has_playback_keys()
            || roles.has_both() && roles.origin
            || config.playback.key_file.is_some(),
        "--roles: an origin that is apart checks what the services sign: set playback.key_file to a \
         file with the same text on all of them"
    );
    ensure!(
        !(roles.gateway || roles.catalogue) || roles.origin || config.origin.public_url.is_some(),
        "--roles: set origin.public_url, where players are sent"
    );
    Ok(roles)
}

/// Embedded adapters belong to one process.
fn check_adapters(roles: Roles, config: &Config) -> anyhow::Result<()> {
    ensure!(
        !roles.has_store() || config.store_is_shared() || config.origin.upstream.is_some(),
        "--roles names a subset, but the store in files belongs to one process: set store.url to \
         s3://BUCKET/PREFIX, or run with --roles all"
    );
    ensure!(
        !roles.has_queue() || config.broker_url().is_some(),
        "--roles names a subset, but the embedded queue belongs to one process: set queue.url to \
         amqp://USER:PASSWORD@HOST/VHOST, or run with --roles all"
    );
    ensure!(
        !roles.has_database() || roles.has_both() || config.database_is_shared(),
        "--roles: the embedded database belongs to one process: set database.url to \
         postgres://USER:PASSWORD@HOST/NAME, or run catalogue and transcoding together"
    );
    Ok(())
}

/// A gateway and the services it asks must find and know each other.
fn check_cluster(roles: Roles, config: &Config) -> anyhow::Result<()> {
    let services = &config.services;
    ensure!(
        !(roles.are_asked() || roles.ask_others()) || services.key_file.is_some(),
        "--roles: a gateway and services apart from it know each other by a secret: set \
         services.key_file to a file with the same text on all of them"
    );
    for (here, url, setting) in [
        (roles.catalogue, &services.catalogue_url, "services.catalogue_url"),
        (roles.transcoding, &services.transcoding_url, "services.transcoding_url"),
    ] {
        ensure!(
            !roles.gateway || here || url.is_some(),
            "--roles: the gateway asks a service that is not in this process: set {setting}"
        );
    }
    ensure!(
        !roles.catalogue || roles.gateway || config.server.public_url.is_some(),
        "--roles: a catalogue apart from the gateway must know where people reach that: set \
         server.public_url"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICES: [Role; 4] =
        [Role::Gateway, Role::CatalogueCommand, Role::CatalogueQuery, Role::Transcoding];

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
        let worker = Roles { worker: true, ..Roles::default() };
        assert_eq!(check(&[Role::Worker], &shared()).unwrap(), worker);
        assert!(!worker.has_database() && !worker.has_playback_keys());
    }

    #[test]
    fn services_in_one_process_know_the_origin() {
        let mut config = shared();
        let error = check(&SERVICES, &config).unwrap_err().to_string();
        assert!(error.contains("playback.key_file"), "{error}");
        config.playback.key_file = Some("key".into());
        let error = check(&SERVICES, &config).unwrap_err().to_string();
        assert!(error.contains("origin.public_url"), "{error}");
        config.origin.public_url = Some("http://media.example".into());
        let services =
            Roles { gateway: true, catalogue: true, transcoding: true, ..Roles::default() };
        assert_eq!(check(&SERVICES, &config).unwrap(), services);
        assert!(check(&[Role::Origin], &config).unwrap().origin);
    }

    /// A setting's name, and how it is set.
    type Setting = (&'static str, fn(&mut Config));

    /// Adds one setting after the other, each the one that the last refusal names.
    fn asks_for(roles: &[Role], settings: &[Setting]) {
        let mut config = Config::default();
        for (name, set) in settings {
            let error = check(roles, &config).unwrap_err().to_string();
            assert!(error.contains(name), "{name}: {error}");
            set(&mut config);
        }
        check(roles, &config).unwrap();
    }

    #[test]
    fn what_is_apart_is_told_where_the_others_are_and_what_they_share() {
        asks_for(
            &[Role::Gateway],
            &[
                ("services.key_file", |c| c.services.key_file = Some("key".into())),
                ("services.catalogue_url", |c| c.services.catalogue_url = Some("http://c".into())),
                ("services.transcoding_url", |c| {
                    c.services.transcoding_url = Some("http://t".into());
                }),
                ("origin.public_url", |c| c.origin.public_url = Some("http://o".into())),
            ],
        );
        let adapters: [Setting; 4] = [
            ("store.url", |c| c.store.url = Some("s3://films".into())),
            ("queue.url", |c| c.queue.url = Some("amqp://mq/%2f".into())),
            ("database.url", |c| c.database.url = Some("postgres://db/kinora".into())),
            ("services.key_file", |c| c.services.key_file = Some("key".into())),
        ];
        let playback: Setting = ("playback.key_file", |c| c.playback.key_file = Some("key".into()));
        let mut transcoding = adapters.to_vec();
        transcoding.push(playback);
        asks_for(&[Role::Transcoding], &transcoding);
        let mut catalogue = adapters.to_vec();
        catalogue.push(("server.public_url", |c| c.server.public_url = Some("http://g".into())));
        catalogue.push(playback);
        catalogue.push(("origin.public_url", |c| c.origin.public_url = Some("http://o".into())));
        asks_for(&CATALOGUE, &catalogue);
        let half = check(&[Role::CatalogueQuery], &shared()).unwrap_err().to_string();
        assert!(half.contains("name both"), "{half}");
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
