//! What can be set, one struct a concern.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, thread::available_parallelism};

use kinora_origin::ListenAddress;
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// `[server]`: the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// Address and port of the API and the watch page; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Scheme and authority by which people reach it, where that is another than `listen`.
    pub(crate) public_url: Option<String>,
    /// Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas.
    /// Default: none.
    pub(crate) proxies: Option<String>,
}

impl Default for ServerSection {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        Self { listen, public_url: None, proxies: None }
    }
}

/// `[services]`: catalogue and transcoding where the gateway is another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServicesSection {
    /// Address and port where a service apart answers the gateway; nobody else should reach it.
    /// Port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Scheme and authority of the catalogue, for the gateway.
    pub(crate) catalogue_url: Option<String>,
    /// Scheme and authority of transcoding, for the gateway.
    pub(crate) transcoding_url: Option<String>,
    /// A file with the secrets by which gateway and services know each other, one a line: the first
    /// signs, all open.
    pub(crate) key_file: Option<PathBuf>,
}

impl Default for ServicesSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            catalogue_url: None,
            transcoding_url: None,
            key_file: None,
        }
    }
}

/// `[origin]`: the media server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OriginSection {
    /// Address and port of manifests and segments; port 0 takes a free one. Or `unix:/PATH`, for a
    /// proxy on this host.
    pub(crate) listen: ListenAddress,
    /// Scheme and authority by which players reach it, where that is another than `listen`.
    pub(crate) public_url: Option<String>,
    /// The certificate chain, PEM; clients come over TLS then. Read again when the file changes.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// Proxies that speak the PROXY protocol, as they must on every connection: addresses and
    /// networks separated by commas, `unix` for whoever comes by the unix socket.
    pub(crate) proxy_protocol: Option<String>,
    /// Where live media comes in, for those who make it; nobody else should reach it. Default: none.
    pub(crate) ingest_listen: Option<ListenAddress>,
    /// Scheme and authority of another origin whose store this one reads through it, in place of
    /// `[store]`; both have the same `playback.key_file`. For an origin apart. Default: none.
    pub(crate) upstream: Option<String>,
    /// Requests a second of one address, ten seconds' worth of them at once; 0 for any number, as
    /// behind a CDN.
    pub(crate) address_rate: u32,
    /// Requests a second by one playback token, likewise.
    pub(crate) token_rate: u32,
    /// Answers by one playback token that are sent at the same time; 0 for any number.
    pub(crate) token_streams: u32,
    /// Memory for media that is asked for again, MiB. A third as much may be on its way to clients
    /// besides.
    pub(crate) cache_mib: u64,
    /// From how many KiB in one piece media leaves by `sendfile` (pieces have at most 1024); 0 to
    /// copy it always, which costs less where memory is fast.
    pub(crate) sendfile_kib: usize,
    /// Threads that serve. Default: one a processor.
    pub(crate) threads: NonZeroUsize,
}

impl Default for OriginSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)).into(),
            public_url: None,
            tls_certificate: None,
            tls_key: None,
            proxy_protocol: None,
            ingest_listen: None,
            upstream: None,
            address_rate: 0,
            token_rate: 0,
            token_streams: 0,
            cache_mib: kinora_origin::Caches::default().media_bytes >> 20,
            sendfile_kib: 0,
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// `[metrics]`: what operators measure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricsSection {
    /// Address and port of `/metrics`, for Prometheus; nobody else should reach it. Default: none.
    pub(crate) listen: Option<SocketAddr>,
}

/// `[database]`: the services' tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DatabaseSection {
    /// `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/NAME`. Default: `kinora.sqlite` in the
    /// data folder. `?sslmode=verify-full&sslrootcert=FILE` makes sure of the server; `require` only
    /// encrypts, whoever answers.
    pub(crate) url: Option<String>,
    /// Connections to Postgres at most.
    pub(crate) connections: u32,
}

impl Default for DatabaseSection {
    fn default() -> Self {
        Self { url: None, connections: kinora_db::DEFAULT_CONNECTIONS }
    }
}

/// `[queue]`: jobs and events on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QueueSection {
    /// `sqlite://PATH`, another file than the database, or `amqp://USER:PASSWORD@HOST:PORT/VHOST`
    /// (`amqps` for TLS). Default: `queue.sqlite` in the data folder.
    pub(crate) url: Option<String>,
    /// PEM: authorities that may vouch for the broker, beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// PEM: who this process is to a broker that asks for certificates.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM: the key of that certificate.
    pub(crate) key: Option<PathBuf>,
}

/// `[playback]`: who may watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PlaybackSection {
    /// A file with the text that playback tokens are signed with, the same for gateways and
    /// origins. Default: `playback.key` in the data folder, made at the first start.
    pub(crate) key_file: Option<PathBuf>,
}

/// `[store]`: sources and media.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// `file://PATH`, or `s3://BUCKET/PREFIX`. Default: `store` in the data folder.
    pub(crate) url: Option<String>,
    /// Scheme and authority of the S3 server. Default: Amazon's of the region.
    pub(crate) endpoint: Option<String>,
    /// What requests to S3 are signed for. Default: `us-east-1`.
    pub(crate) region: Option<String>,
    /// Whether the bucket stands in the path rather than before the host. Default: where an
    /// endpoint is set.
    pub(crate) path_style: Option<bool>,
    /// Who asks S3.
    pub(crate) access_key_id: Option<String>,
    /// With which secret; better kept out of the configuration file.
    pub(crate) secret_access_key: Option<Secret>,
    /// A file that holds the secret instead.
    pub(crate) secret_access_key_file: Option<PathBuf>,
}

/// `[upload]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UploadSection {
    /// The longest file that is accepted, bytes.
    pub(crate) max_bytes: u64,
    /// Bytes that must stay free on the disks of uploads and store; what would take them is refused.
    pub(crate) reserve_bytes: u64,
    /// Bytes that an account's sources may have in all, reserved when an upload is created and given
    /// back when its video is deleted; 0 for any number.
    pub(crate) quota_bytes: u64,
    /// Videos that an account may have on their way, from the creation of an upload to the end of its
    /// encode; more are to be tried again later (429). 0 for any number.
    pub(crate) max_queued: u32,
    /// Where unfinished uploads lie; best on the store's filesystem. Default: `uploads` in the
    /// data folder.
    pub(crate) dir: Option<PathBuf>,
}

impl Default for UploadSection {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 30,
            reserve_bytes: 1 << 30,
            quota_bytes: 0,
            max_queued: 0,
            dir: None,
        }
    }
}

/// `[transcoding]`: the orchestrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TranscodingSection {
    /// A running job without a sign of life for this long is given away, milliseconds.
    pub(crate) lease_ms: u64,
    /// Tries of a job before its video fails.
    pub(crate) max_attempts: u32,
    /// Tries of a job that count against its host or the store, which are away or full, before its video
    /// fails. Pauses between them grow from ten seconds to ten minutes.
    pub(crate) max_setbacks: u32,
    /// Pictures wider or higher than this are refused, pixels.
    pub(crate) max_side: u32,
    /// Sources longer than this are refused, milliseconds.
    pub(crate) max_duration_ms: u64,
    /// A folder of profiles, `NAME.toml` each, besides and in place of the built-in ones.
    pub(crate) profiles: Option<PathBuf>,
    /// The profile of videos for which nobody chose one.
    pub(crate) default_profile: String,
    /// Pictures that are shown faster than this are refused, frames a second.
    pub(crate) max_frame_rate: u32,
    /// Sources of more streams than this are refused.
    pub(crate) max_tracks: u32,
    /// Bulk work that has waited this long goes before interactive work, a job at a time,
    /// milliseconds.
    pub(crate) bulk_patience_ms: u64,
    /// Minutes of media that an account's videos may have in all, reserved when a source was probed
    /// and given back when its video is deleted or fails; 0 for any number.
    pub(crate) quota_minutes: u64,
    /// Jobs that an account may have on their way to workers or with them; 0 for any number.
    pub(crate) quota_jobs: u32,
    /// Jobs on their way to workers or with them: twice what all workers run at once. Default:
    /// twice `worker.slots`, as if the one here were the only one.
    pub(crate) max_in_flight: Option<u32>,
}

impl Default for TranscodingSection {
    fn default() -> Self {
        let service = kinora_transcoding::TranscodingConfig::default();
        Self {
            lease_ms: service.lease_ms,
            max_attempts: service.max_attempts,
            max_setbacks: service.max_setbacks,
            max_side: service.max_side,
            max_duration_ms: service.max_duration_ms,
            profiles: None,
            default_profile: kinora_plan::profile::DEFAULT_PROFILE.to_owned(),
            max_frame_rate: service.max_frame_rate,
            max_tracks: service.max_tracks,
            bulk_patience_ms: service.bulk_patience_ms,
            quota_minutes: 0,
            quota_jobs: 0,
            max_in_flight: None,
        }
    }
}

/// `[worker]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WorkerSection {
    /// What people read in lists of jobs, and the name of its scratch folder.
    pub(crate) name: String,
    /// Jobs at a time. Default: half the processors, at least 2.
    pub(crate) slots: usize,
    /// Address space of one job's encoder, MiB.
    pub(crate) memory_limit_mib: u64,
    /// Memory for blocks of sources that encoders read, MiB.
    pub(crate) source_cache_mib: usize,
    /// MiB that must stay free on the disk of scratch besides what jobs are expected to write.
    pub(crate) scratch_reserve_mib: u64,
    /// An encoder that gets no further for this long is stopped, milliseconds.
    pub(crate) stall_ms: u64,
    /// Whether encoders are sandboxed: `auto` with all the kernel has, `required` or not at all
    /// start, `off`.
    pub(crate) sandbox: kinora_workers::SandboxMode,
    /// How much encoders give way to the rest of the host, 0 to 19 as `nice` counts.
    pub(crate) nice: i32,
    /// Which graphics processors encode: `auto` those proven to work at start, `cpu` none, `gpu` at
    /// least one or not at all, or one by its name (`kinora-encoder doctor` lists them).
    pub(crate) gpu: String,
    /// Encoders that may run on one of them at once; a chunk runs one for each rendition.
    pub(crate) gpu_sessions: u32,
    /// The binary. Default: `kinora-encoder` beside kinorad.
    pub(crate) encoder: Option<PathBuf>,
    /// Room for files of jobs that run. Default: `scratch` in the data folder.
    pub(crate) scratch_dir: Option<PathBuf>,
}

impl Default for WorkerSection {
    fn default() -> Self {
        let defaults = kinora_workers::WorkerConfig::new("", "");
        let processors = available_parallelism().map_or(2, usize::from);
        Self {
            name: defaults.worker_name,
            slots: (processors / 2).max(2),
            memory_limit_mib: defaults.memory_limit_mib,
            source_cache_mib: defaults.source_cache_mib,
            scratch_reserve_mib: defaults.scratch_reserve_mib,
            stall_ms: u64::try_from(defaults.stall_timeout.as_millis()).unwrap_or(u64::MAX),
            sandbox: defaults.sandbox,
            nice: defaults.nice,
            gpu: defaults.gpu.to_string(),
            gpu_sessions: defaults.gpu_sessions,
            encoder: None,
            scratch_dir: None,
        }
    }
}

/// `[log]`: to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// What is logged, as `tracing` filters say it: `info,kinora_workers=debug`.
    pub(crate) filter: String,
    /// How it looks.
    pub(crate) format: LogFormat,
}

/// How the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Text }
    }
}
