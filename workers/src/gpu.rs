//! Graphics processors of this host: asked for once, and their sessions counted.
//!
//! Drivers allow so many encoders at once (NVENC on consumer cards: 3, then 5, then 8 as drivers
//! got newer, in the whole system) and refuse one too many with an error. So each chunk reserves a
//! session for every rung before its child starts, and waits for them.

use std::{collections::BTreeSet, path::Path, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use kinora_plan::{
    device::{EncoderChoice, EncoderDevice, EncoderFamily},
    doctor::DoctorReport,
    encoder::{Failure, FailureKind, GPU_UNAVAILABLE},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{GpuPolicy, WorkerConfig, child::environment};

/// What one device may take to prove itself, seconds.
const PATIENCE_S: u64 = 20;
/// What all may take: each may be tried with fewer and fewer sessions.
const PATIENCE: Duration = Duration::from_secs(300);

/// The devices this worker uses.
#[derive(Debug, Default)]
pub(crate) struct Gpus(Vec<Gpu>);

#[derive(Debug)]
struct Gpu {
    device: EncoderDevice,
    free: Arc<Semaphore>,
}

/// Sessions of a device, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// The device's name.
    pub(crate) device: String,
    _sessions: OwnedSemaphorePermit,
}

impl Gpus {
    /// Asks the encoder which devices it proved to work, unless the policy needs none.
    ///
    /// # Errors
    /// The policy asks for a device, and there is none that works.
    pub(crate) async fn find(config: &WorkerConfig, registry: &Path) -> anyhow::Result<Self> {
        if config.gpu == GpuPolicy::Cpu {
            return Ok(Self::default());
        }
        let report = match ask(config, registry).await {
            Ok(report) => report,
            Err(error) if config.gpu != GpuPolicy::Auto => return Err(error),
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "graphics processors were not looked for"
                );
                return Ok(Self::default());
            }
        };
        for device in &report.devices {
            if let Some(problem) = &device.problem {
                tracing::warn!(gpu.id = device.id, problem, "a graphics processor is not used");
            }
        }
        let mut devices: Vec<EncoderDevice> = report.usable().collect();
        if let GpuPolicy::Device(wanted) = &config.gpu {
            devices.retain(|device| device.id == *wanted);
        }
        if devices.is_empty() && config.gpu != GpuPolicy::Auto {
            bail!(
                "worker.gpu = \"{}\", but no such graphics processor was proven to work: see \
                 kinora-encoder doctor, or set it to \"auto\" or \"cpu\"",
                config.gpu
            );
        }
        for device in &mut devices {
            device.sessions = device.sessions.min(config.gpu_sessions);
            tracing::info!(
                gpu.id = device.id,
                gpu.sessions = device.sessions,
                "a graphics processor encodes"
            );
        }
        Ok(Self::of(devices))
    }

    fn of(devices: Vec<EncoderDevice>) -> Self {
        let gpu = |device: EncoderDevice| Gpu {
            free: Arc::new(Semaphore::new(usize::try_from(device.sessions).unwrap_or(0))),
            device,
        };
        Self(devices.into_iter().map(gpu).collect())
    }

    /// What it may be asked for.
    pub(crate) fn devices(&self) -> Vec<EncoderDevice> {
        self.0.iter().map(|gpu| gpu.device.clone()).collect()
    }

    /// The families of those devices.
    pub(crate) fn families(&self) -> Vec<EncoderFamily> {
        let families: BTreeSet<_> = self.0.iter().map(|gpu| gpu.device.family).collect();
        families.into_iter().collect()
    }

    /// Waits for so many sessions of a device of the family, or of the one that is named.
    ///
    /// # Errors
    /// There is no such device, or it never has so many.
    pub(crate) async fn reserve(
        &self,
        choice: &EncoderChoice,
        sessions: usize,
    ) -> Result<Reservation, Failure> {
        let count = u32::try_from(sessions).unwrap_or(u32::MAX);
        let fits = |gpu: &&Gpu| {
            gpu.device.family == choice.family
                && choice.device.as_ref().is_none_or(|wanted| *wanted == gpu.device.id)
                && gpu.device.sessions >= count
        };
        let able = self.0.iter().filter(fits);
        let Some(gpu) = able.max_by_key(|gpu| gpu.free.available_permits()) else {
            return Err(unavailable(choice, sessions));
        };
        let sessions = Arc::clone(&gpu.free).acquire_many_owned(count).await;
        let sessions = sessions.expect("the semaphore is never closed");
        Ok(Reservation { device: gpu.device.id.clone(), _sessions: sessions })
    }
}

fn unavailable(choice: &EncoderChoice, sessions: usize) -> Failure {
    let name = choice.device.as_deref().unwrap_or(choice.family.as_str());
    Failure {
        kind: FailureKind::Gpu,
        code: GPU_UNAVAILABLE.into(),
        message: format!(
            "This worker has no graphics processor '{name}' for {sessions} renditions at once."
        ),
    }
}

async fn ask(config: &WorkerConfig, registry: &Path) -> anyhow::Result<DoctorReport> {
    let mut command = environment(&config.encoder, registry);
    command
        .args(["doctor", "--json", "--gpu-only", "--sandbox", config.sandbox.as_str()])
        .args(["--sessions", &config.gpu_sessions.to_string()])
        .args(["--patience", &PATIENCE_S.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.context("the encoder's doctor does not end")?;
    let output = output.context("start the encoder's doctor")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.stdout.is_empty(), "the encoder's doctor: {}", words.trim());
    serde_json::from_slice(&output.stdout).context("the answer of the encoder's doctor")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    fn gpus() -> Gpus {
        let device = |id: &str, sessions| EncoderDevice {
            id: id.into(),
            family: EncoderFamily::Nvenc,
            sessions,
        };
        Gpus::of(vec![device("nvenc-0", 5), device("nvenc-1", 2)])
    }

    fn choice(family: EncoderFamily, device: Option<&str>) -> EncoderChoice {
        EncoderChoice { family, device: device.map(str::to_owned) }
    }

    #[tokio::test]
    async fn sessions_are_never_exceeded_and_everybody_gets_theirs() {
        let gpus = Arc::new(gpus());
        let used = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let mut tasks = JoinSet::new();
        for n in 0..200 {
            let (gpus, used, sessions) = (Arc::clone(&gpus), Arc::clone(&used), n % 5 + 1);
            tasks.spawn(async move {
                let wanted = choice(EncoderFamily::Nvenc, None);
                let reserved = gpus.reserve(&wanted, sessions).await.unwrap();
                let (index, most) = if reserved.device == "nvenc-0" { (0, 5) } else { (1, 2) };
                let now = used[index].fetch_add(sessions, Ordering::SeqCst) + sessions;
                assert!(now <= most, "{now} sessions on {}", reserved.device);
                tokio::task::yield_now().await;
                used[index].fetch_sub(sessions, Ordering::SeqCst);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    }

    #[tokio::test]
    async fn what_a_worker_does_not_have_is_said_at_once() {
        let gpus = gpus();
        for (choice, sessions) in [
            (choice(EncoderFamily::Vaapi, None), 1),
            (choice(EncoderFamily::Nvenc, Some("nvenc-2")), 1),
            (choice(EncoderFamily::Nvenc, Some("nvenc-1")), 3),
            (choice(EncoderFamily::Nvenc, None), 6),
        ] {
            let failure = gpus.reserve(&choice, sessions).await.unwrap_err();
            assert_eq!((failure.kind, &*failure.code), (FailureKind::Gpu, GPU_UNAVAILABLE));
        }
        let named = choice(EncoderFamily::Nvenc, Some("nvenc-1"));
        assert_eq!(gpus.reserve(&named, 2).await.unwrap().device, "nvenc-1");
    }
}
