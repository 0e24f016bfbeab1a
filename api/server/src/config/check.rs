//! What cannot work is refused at start.

use anyhow::{bail, ensure};
use kinora_media::playback::TokenKeys;
use kinora_origin::ListenAddress;

use super::{Config, QueueSection, store};

/// Before the path of an embedded database or queue.
pub(super) const SQLITE: &str = "sqlite://";
/// Before the path of a store in files.
pub(super) const FILE: &str = "file://";

pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let embedded = config.database.url.as_deref().filter(|url| !is_postgres(url));
    adapter("database.url", embedded, SQLITE)?;
    if config.broker_url().is_none() {
        adapter("queue.url", config.queue.url.as_deref(), SQLITE)?;
    }
    queue(&config.queue, config.broker_url())?;
    let files = config.store.url.as_deref().filter(|url| !store::is_s3(url));
    adapter("store.url", files, FILE)?;
    store::check(&config.store)?;
    ensure!(
        config.database_path().as_deref() != Some(config.queue_path().as_path()),
        "database.url and queue.url name one file: the queue needs its own"
    );
    let (server, origin) = (config.server.listen, &config.origin.listen);
    public("server", config.server.public_url.as_deref(), &server.into())?;
    public("origin", config.origin.public_url.as_deref(), origin)?;
    let services = &config.services;
    for (key, url) in [
        ("services.catalogue_url", &services.catalogue_url),
        ("services.transcoding_url", &services.transcoding_url),
    ] {
        url.as_deref().map_or(Ok(()), |url| base_address(key, url))?;
    }
    ensure!(
        server.port() == 0 || *origin != server.into(),
        "server.listen and origin.listen are both {server}: give the origin another port"
    );
    let tls = (&config.origin.tls_certificate, &config.origin.tls_key);
    ensure!(
        tls.0.is_some() == tls.1.is_some(),
        "origin.tls_certificate and origin.tls_key are of no use without each other: set both"
    );
    config.origin_proxies()?;
    config.server_proxies()?;
    config.upstream(&TokenKeys::default())?;
    numbers(config)
}

/// Whether the database is a server.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Whether the queue is on a broker.
pub(super) fn is_broker(url: &str) -> bool {
    url.starts_with("amqp://") || url.starts_with("amqps://")
}

/// Certificates are of use with TLS alone.
fn queue(queue: &QueueSection, broker: Option<&str>) -> anyhow::Result<()> {
    let files = [&queue.ca_file, &queue.certificate, &queue.key];
    ensure!(
        files.iter().all(|file| file.is_none())
            || broker.is_some_and(|url| url.starts_with("amqps")),
        "queue.ca_file, queue.certificate and queue.key are of use with an amqps:// queue.url alone"
    );
    ensure!(
        queue.certificate.is_some() == queue.key.is_some(),
        "queue.certificate and queue.key are of no use without each other: set both"
    );
    Ok(())
}

/// A URL as it may be shown: what stands before the `@` of its authority may be a secret.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://[redacted]{}", &rest[at..]),
        None => url.to_owned(),
    }
}

/// An embedded adapter, or one that is not built in.
fn adapter(key: &str, url: Option<&str>, embedded: &str) -> anyhow::Result<()> {
    let Some(url) = url else { return Ok(()) };
    match url.strip_prefix(embedded) {
        Some("") => bail!("{key}: a path is missing after {embedded}"),
        Some(_) => return Ok(()),
        None => {}
    }
    // Never the URL: it may hold a password.
    let other = match key {
        "store.url" => " or s3://BUCKET/PREFIX",
        "queue.url" => " or amqp://USER:PASSWORD@HOST/VHOST (amqps:// for TLS)",
        "database.url" => " or postgres://USER:PASSWORD@HOST/NAME",
        _ => "",
    };
    bail!("{key}: expected {embedded}PATH{other}")
}

/// A public address is one that others can use: scheme and authority, nothing else.
fn public(section: &str, url: Option<&str>, listen: &ListenAddress) -> anyhow::Result<()> {
    let Some(url) = url else {
        let (nowhere, port) = match listen {
            ListenAddress::Tcp(listen) => (listen.ip().is_unspecified(), listen.port()),
            ListenAddress::Unix(_) => (true, 80),
        };
        ensure!(
            !nowhere,
            "{section}.listen is {listen}, which nobody can be sent to: set {section}.public_url to \
             the address others use, such as http://media.example.org:{port}"
        );
        return Ok(());
    };
    base_address(&format!("{section}.public_url"), url)
}

/// Scheme and authority, nothing else.
fn base_address(key: &str, url: &str) -> anyhow::Result<()> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let authority = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest)).unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@\\\"<>".contains(c);
    ensure!(
        !authority.is_empty() && !authority.contains(odd),
        "{key}: '{}' is not of the form https://HOST or http://HOST:PORT",
        without_password(url)
    );
    Ok(())
}

fn numbers(config: &Config) -> anyhow::Result<()> {
    let between = |key: &str, value: u64, least: u64, most: u64| {
        ensure!((least..=most).contains(&value), "{key} is {value}: use {least} to {most}");
        Ok(())
    };
    let (worker, transcoding) = (&config.worker, &config.transcoding);
    between("database.connections", config.database.connections.into(), 2, 1000)?;
    between("upload.max_bytes", config.upload.max_bytes, 1, 1 << 50)?;
    between("origin.threads", config.origin.threads.get() as u64, 1, 256)?;
    between("origin.cache_mib", config.origin.cache_mib, 16, 1 << 20)?;
    between("origin.sendfile_kib", config.origin.sendfile_kib as u64, 0, 1024)?;
    between("transcoding.lease_ms", transcoding.lease_ms, 1000, 3_600_000)?;
    between("transcoding.max_attempts", transcoding.max_attempts.into(), 1, 100)?;
    between("transcoding.max_setbacks", transcoding.max_setbacks.into(), 1, 1000)?;
    between("transcoding.max_side", transcoding.max_side.into(), 16, 16_384)?;
    between("transcoding.max_duration_ms", transcoding.max_duration_ms, 1000, 7 * 86_400_000)?;
    between("transcoding.max_frame_rate", transcoding.max_frame_rate.into(), 1, 1000)?;
    between("transcoding.max_tracks", transcoding.max_tracks.into(), 1, 1000)?;
    between("upload.reserve_bytes", config.upload.reserve_bytes, 0, 1 << 50)?;
    between("upload.quota_bytes", config.upload.quota_bytes, 0, 1 << 60)?;
    between("upload.max_queued", config.upload.max_queued.into(), 0, 1_000_000)?;
    between("transcoding.bulk_patience_ms", transcoding.bulk_patience_ms, 0, 7 * 86_400_000)?;
    between("transcoding.quota_minutes", transcoding.quota_minutes, 0, 1 << 40)?;
    between("transcoding.quota_jobs", transcoding.quota_jobs.into(), 0, 1_000_000)?;
    let in_flight = transcoding.max_in_flight.unwrap_or(1);
    between("transcoding.max_in_flight", in_flight.into(), 1, 1_000_000)?;
    between("worker.scratch_reserve_mib", worker.scratch_reserve_mib, 0, 1 << 20)?;
    between("worker.slots", worker.slots as u64, 1, 256)?;
    between("worker.memory_limit_mib", worker.memory_limit_mib, 256, 1 << 20)?;
    between("worker.source_cache_mib", worker.source_cache_mib as u64, 8, 1 << 20)?;
    between("worker.stall_ms", worker.stall_ms, 1000, 3_600_000)?;
    between("worker.gpu_sessions", worker.gpu_sessions.into(), 1, 16)?;
    let odd = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    ensure!(
        !worker.gpu.is_empty() && worker.gpu.len() <= 64 && !worker.gpu.contains(odd),
        "worker.gpu is '{}': use auto, cpu, gpu, or a name that kinora-encoder doctor prints",
        worker.gpu
    );
    ensure!((0..=19).contains(&worker.nice), "worker.nice is {}: use 0 to 19", worker.nice);
    Ok(())
}
