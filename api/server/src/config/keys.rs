//! The names of all settings.

use anyhow::anyhow;
use toml::Value;

/// How a text from the environment or a flag is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Flag,
}

/// Every setting by its path; a test holds this list against the structs.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("data_dir", Kind::Text),
    ("server.listen", Kind::Text),
    ("server.public_url", Kind::Text),
    ("server.proxies", Kind::Text),
    ("services.listen", Kind::Text),
    ("services.catalogue_url", Kind::Text),
    ("services.transcoding_url", Kind::Text),
    ("services.key_file", Kind::Text),
    ("origin.listen", Kind::Text),
    ("origin.public_url", Kind::Text),
    ("origin.tls_certificate", Kind::Text),
    ("origin.tls_key", Kind::Text),
    ("origin.proxy_protocol", Kind::Text),
    ("origin.ingest_listen", Kind::Text),
    ("origin.upstream", Kind::Text),
    ("origin.address_rate", Kind::Number),
    ("origin.token_rate", Kind::Number),
    ("origin.token_streams", Kind::Number),
    ("origin.cache_mib", Kind::Number),
    ("origin.sendfile_kib", Kind::Number),
    ("origin.threads", Kind::Number),
    ("metrics.listen", Kind::Text),
    ("database.url", Kind::Text),
    ("database.connections", Kind::Number),
    ("queue.url", Kind::Text),
    ("queue.ca_file", Kind::Text),
    ("queue.certificate", Kind::Text),
    ("queue.key", Kind::Text),
    ("playback.key_file", Kind::Text),
    ("store.url", Kind::Text),
    ("store.endpoint", Kind::Text),
    ("store.region", Kind::Text),
    ("store.path_style", Kind::Flag),
    ("store.access_key_id", Kind::Text),
    ("store.secret_access_key", Kind::Text),
    ("store.secret_access_key_file", Kind::Text),
    ("upload.max_bytes", Kind::Number),
    ("upload.reserve_bytes", Kind::Number),
    ("upload.quota_bytes", Kind::Number),
    ("upload.max_queued", Kind::Number),
    ("upload.dir", Kind::Text),
    ("transcoding.lease_ms", Kind::Number),
    ("transcoding.max_attempts", Kind::Number),
    ("transcoding.max_setbacks", Kind::Number),
    ("transcoding.max_side", Kind::Number),
    ("transcoding.max_duration_ms", Kind::Number),
    ("transcoding.profiles", Kind::Text),
    ("transcoding.default_profile", Kind::Text),
    ("transcoding.max_frame_rate", Kind::Number),
    ("transcoding.max_tracks", Kind::Number),
    ("transcoding.bulk_patience_ms", Kind::Number),
    ("transcoding.quota_minutes", Kind::Number),
    ("transcoding.quota_jobs", Kind::Number),
    ("transcoding.max_in_flight", Kind::Number),
    ("worker.name", Kind::Text),
    ("worker.slots", Kind::Number),
    ("worker.memory_limit_mib", Kind::Number),
    ("worker.source_cache_mib", Kind::Number),
    ("worker.scratch_reserve_mib", Kind::Number),
    ("worker.stall_ms", Kind::Number),
    ("worker.sandbox", Kind::Text),
    ("worker.nice", Kind::Number),
    ("worker.gpu", Kind::Text),
    ("worker.gpu_sessions", Kind::Number),
    ("worker.encoder", Kind::Text),
    ("worker.scratch_dir", Kind::Text),
    ("log.filter", Kind::Text),
    ("log.format", Kind::Text),
];

/// Of our variables, those that are no settings: a successor's, the command line's, and those of
/// tools and tests.
const NOT_OURS: &[&str] = &[
    crate::handover::SUCCESSOR,
    "KINORA_API_KEY",
    "KINORA_SERVER",
    "KINORA_LOG",
    "KINORA_PACKAGE_KEYS",
    "KINORA_SHARED_MEDIA",
    "KINORA_DASH_SCHEMA",
    "KINORA_SOAK_FILES",
    "KINORA_SOAK_KILL_SECONDS",
    "KINORA_SOAK_SEED",
    "KINORA_SOAK_SERVER_FILES",
    "KINORA_FAKE_GPU",
    "KINORA_TEST_POSTGRES",
];

/// The setting that the variable `name` sets; `None` for a variable that is none of ours.
///
/// # Errors
/// It looks like ours but names nothing.
pub(super) fn by_variable(name: &str) -> anyhow::Result<Option<(&'static str, Kind)>> {
    if !name.starts_with("KINORA_") || NOT_OURS.contains(&name) {
        return Ok(None);
    }
    let found = KEYS.iter().copied().find(|(key, _)| variable(key) == name);
    found.map(Some).ok_or_else(|| {
        let section = name.split('_').nth(1).unwrap_or_default();
        let prefix = format!("KINORA_{section}_");
        let mut near: Vec<_> = KEYS.iter().map(|(key, _)| variable(key)).collect();
        if near.iter().any(|known| known.starts_with(&prefix)) {
            near.retain(|known| known.starts_with(&prefix));
        }
        anyhow!(
            "the environment variable {name} names no setting; remove it, or use one of {}",
            near.join(", ")
        )
    })
}

/// The setting at `path`.
///
/// # Errors
/// There is none.
pub(super) fn by_path(path: &str) -> anyhow::Result<(&'static str, Kind)> {
    KEYS.iter().copied().find(|(key, _)| *key == path).ok_or_else(|| {
        anyhow!("'{path}' names no setting; `kinorad config` prints the settings in force")
    })
}

/// A text as the value of a setting.
///
/// # Errors
/// It is no number, or neither true nor false, where that is needed.
pub(super) fn value(kind: Kind, text: &str) -> anyhow::Result<Value> {
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Number => match text.parse() {
            Ok(number) => Ok(Value::Integer(number)),
            Err(_) => Err(anyhow!("'{text}' is not a whole number")),
        },
        Kind::Flag => match text.parse() {
            Ok(flag) => Ok(Value::Boolean(flag)),
            Err(_) => Err(anyhow!("'{text}' is neither true nor false")),
        },
    }
}

fn variable(key: &str) -> String {
    format!("KINORA_{}", key.replace('.', "_").to_uppercase())
}
