//! What a worker is told.

use std::{
    convert::Infallible,
    fmt::{self, Display},
    io,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use kinora_plan::sandbox::SandboxMode;

/// How one worker runs.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The binary `kinora-encoder`; see [`encoder_path`].
    pub encoder: PathBuf,
    /// Where the worker makes its folder, named after it: room for the files of `slots` jobs.
    pub scratch_dir: PathBuf,
    /// MiB that must stay free on the disk of scratch besides what jobs are expected to write.
    pub scratch_reserve_mib: u64,
    /// Jobs at a time; at least 1.
    pub slots: usize,
    /// Address space a child may use, MiB.
    pub memory_limit_mib: u64,
    /// Names this worker to people and its scratch folder: 1 to 64 characters of
    /// `a-z A-Z 0-9 . _ -`, no dot first. Two workers on one scratch folder need two names.
    pub worker_name: String,
    /// Memory for blocks of sources that children read, MiB.
    pub source_cache_mib: usize,
    /// Time between two signs of life of a job; shorter where its lease asks for it.
    pub progress_interval: Duration,
    /// A child that reads nothing and gets no further for this long is killed.
    pub stall_timeout: Duration,
    /// How long a child that encoded a chunk waits for another of its title.
    pub idle_timeout: Duration,
    /// Whether children are kept from files, network and processes that are not theirs.
    pub sandbox: SandboxMode,
    /// How much children give way to everything else on the host, as `nice` counts: 0 to 19.
    pub nice: i32,
    /// Which graphics processors encode.
    pub gpu: GpuPolicy,
    /// Encoders that may run on one of them at once; a chunk runs one for each rung.
    pub gpu_sessions: u32,
}

/// Which graphics processors a worker uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GpuPolicy {
    /// Those that are proven to work when the worker starts.
    #[default]
    Auto,
    /// None; nothing is looked for.
    Cpu,
    /// Those that are proven; a worker without any does not start.
    Gpu,
    /// This one alone; a worker without it does not start.
    Device(String),
}

impl FromStr for GpuPolicy {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(match word {
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            device => Self::Device(device.to_owned()),
        })
    }
}

impl Display for GpuPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Device(device) => device,
        })
    }
}

/// What drivers for NVIDIA's consumer cards have allowed since 2023, in the whole system; those
/// since 2024 allow 8.
const GPU_SESSIONS: u32 = 5;

impl WorkerConfig {
    /// A worker of two slots named `worker`.
    pub fn new(encoder: impl Into<PathBuf>, scratch_dir: impl Into<PathBuf>) -> Self {
        Self {
            encoder: encoder.into(),
            scratch_dir: scratch_dir.into(),
            scratch_reserve_mib: 256,
            slots: 2,
            memory_limit_mib: 4096,
            worker_name: "worker".into(),
            source_cache_mib: 128,
            progress_interval: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(5),
            sandbox: SandboxMode::Auto,
            nice: 5,
            gpu: GpuPolicy::Auto,
            gpu_sessions: GPU_SESSIONS,
        }
    }
}

/// Finds `kinora-encoder` beside the current executable, or for a test or example of this
/// workspace one folder up.
///
/// # Errors
/// There is none, or the current executable is unknown.
pub fn encoder_path() -> io::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let folders = executable.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("kinora-encoder")).find(|path| path.is_file());
    found.ok_or_else(|| {
        let text = format!("there is no kinora-encoder beside {}", executable.display());
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}
