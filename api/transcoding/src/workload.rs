//! How much work waits, in the unit that autoscaling wants: seconds of one worker slot.

use std::sync::PoisonError;

use kinora_plan::{device::EncoderFamily, job::JobClass};

use crate::{
    error::TranscodingError,
    repository::statistics::{self, Pace, Paces, Tally},
    service::Transcoding,
    state::JobState,
};

/// How far back paces are measured, microseconds: an hour.
const MEASURED_US: i64 = 3600 * 1_000_000;

/// The jobs of one class, for one kind of worker, that are not over.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassLoad {
    /// Its word: `encode_chunk`.
    pub class: &'static str,
    /// The word of the graphics processors that their workers must have: `nvenc`. `None` for those that
    /// every worker can do.
    pub device: Option<&'static str>,
    /// In the backlog.
    pub waiting: u64,
    /// On the dispatch lane.
    pub dispatched: u64,
    /// With a worker.
    pub running: u64,
    /// How long one slot would take for those that no worker has yet, at the pace of the last hour,
    /// or at a usual one where nothing was done in it.
    pub queued_seconds: f64,
}

impl Transcoding {
    /// What waits and what runs, of all accounts: every class once, chunks of the picture once more
    /// for each family of graphics processors.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn workload(&self) -> Result<Vec<ClassLoad>, TranscodingError> {
        let db = self.deps.db.read();
        let open = statistics::open(db).await?;
        let since_us = self.now_us().saturating_sub(MEASURED_US);
        let paces = statistics::paces(db, since_us).await?;
        let common = JobClass::ALL.into_iter().map(|class| (class, None));
        let on_devices = EncoderFamily::DEVICES
            .into_iter()
            .filter(|family| {
                // Tests alone have one.
                *family != EncoderFamily::Fake || open.iter().any(|t| t.device == Some(*family))
            })
            .map(|family| (JobClass::EncodeChunk, Some(family)));
        Ok(common.chain(on_devices).map(|kind| load(kind, &open, &paces)).collect())
    }
}

/// How fast jobs go and how many go at once, as it was a moment ago: many ask who wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    at_us: i64,
    paces: Paces,
    /// Jobs that workers have.
    running: u64,
    /// Jobs on their way to workers.
    dispatched: Vec<Tally>,
}

/// How old it may be, microseconds.
const FLOW_US: i64 = 5 * 1_000_000;

impl Flow {
    /// The flow of now, or of a moment ago.
    pub(crate) async fn of(service: &Transcoding) -> Result<Self, TranscodingError> {
        let now_us = service.now_us();
        let known = service.flow.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(flow) =
            known.filter(|flow| (flow.at_us..flow.at_us + FLOW_US).contains(&now_us))
        {
            return Ok(flow);
        }
        let db = service.deps.db.read();
        let mut dispatched = statistics::open(db).await?;
        let running = dispatched.iter().filter(|tally| tally.state == JobState::Running);
        let running = running.map(|tally| tally.jobs).sum();
        dispatched.retain(|tally| tally.state == JobState::Dispatched);
        let paces = statistics::paces(db, now_us.saturating_sub(MEASURED_US)).await?;
        let flow = Self { at_us: now_us, paces, running, dispatched };
        *service.flow.lock().unwrap_or_else(PoisonError::into_inner) = Some(flow.clone());
        Ok(flow)
    }

    /// How long those who work now take for what is on its way to them and for what is `ahead`
    /// besides, seconds; `None` while nobody works.
    pub(crate) fn wait_s(&self, ahead: &[Tally]) -> Option<f64> {
        if self.running == 0 {
            return None;
        }
        let all = ahead.iter().chain(&self.dispatched);
        let slot_seconds: f64 =
            all.map(|t| seconds((t.class, t.device), t.jobs, t.work, &self.paces)).sum();
        Some(slot_seconds / self.running as f64)
    }
}

/// Jobs of a class, and the graphics processors they are for.
type Kind = (JobClass, Option<EncoderFamily>);

fn load(kind: Kind, open: &[Tally], paces: &Paces) -> ClassLoad {
    let of = |state| {
        let tally = open.iter().find(|t| (t.class, t.device) == kind && t.state == state);
        tally.map_or((0, 0), |tally| (tally.jobs, tally.work))
    };
    let (waiting, dispatched) = (of(JobState::Waiting), of(JobState::Dispatched));
    let (jobs, work) = (waiting.0 + dispatched.0, waiting.1 + dispatched.1);
    ClassLoad {
        class: kind.0.as_str(),
        device: kind.1.map(EncoderFamily::as_str),
        waiting: waiting.0,
        dispatched: dispatched.0,
        running: of(JobState::Running).0,
        queued_seconds: seconds(kind, jobs, work, paces),
    }
}

/// How long one slot takes for so many jobs of a kind.
fn seconds(kind: Kind, jobs: u64, work: u64, paces: &Paces) -> f64 {
    match paces.get(&kind) {
        Some(Pace { jobs: done, work: 0, seconds }) => {
            jobs as f64 * seconds / (*done).max(1) as f64
        }
        Some(Pace { work: done, seconds, .. }) => work as f64 * seconds / *done as f64,
        None => usual_seconds(kind, jobs, work),
    }
}

/// What jobs take on a common core. Only the size of it matters, until some were measured.
fn usual_seconds((class, device): Kind, jobs: u64, work: u64) -> f64 {
    match class {
        // Ten times as fast as a core.
        JobClass::EncodeChunk if device.is_some() => work as f64 / 250.0,
        // 25 frames a second, the whole ladder.
        JobClass::EncodeChunk => work as f64 / 25.0,
        // Fifty times as fast as it plays.
        JobClass::EncodeAudio => work as f64 / 50_000.0,
        JobClass::Probe | JobClass::Analyse | JobClass::MakePictures | JobClass::ExtractText => {
            jobs as f64 * 5.0
        }
    }
}

#[cfg(test)]
mod tests {
    use kinora_plan::encoder::FailureKind;

    use super::*;
    use crate::testing::{
        film::Film,
        worker,
        world::{Step, World},
    };

    async fn chunks(world: &World) -> ClassLoad {
        let loads = world.service.workload().await.unwrap();
        assert_eq!(loads.len(), JobClass::ALL.len() + 2, "chunks for NVENC and VA-API besides");
        loads.into_iter().find(|load| load.class == "encode_chunk").unwrap()
    }

    #[tokio::test]
    async fn work_is_counted_at_the_pace_that_was_measured() {
        let mut world = World::new().await;
        assert_eq!(chunks(&world).await.queued_seconds, 0.0);
        world.upload(Film::Silent(60), false);
        world.round().await;
        let all = chunks(&world).await;
        let frames = all.queued_seconds * 25.0;
        assert!(all.waiting > 2 && frames > 1000.0, "{all:?}");

        world.step(Step::Dispatch).await.unwrap().unwrap();
        let lane = std::mem::take(&mut *world.queue.lane.lock().unwrap());
        let (first, second) = (&lane[0], &lane[1]);
        for message in [first, second] {
            crate::orchestrator::progress::on_progress(
                &world.service,
                worker::progress(message, 0, 1),
            );
        }
        world.step(Step::Renew).await.unwrap().unwrap();
        let begun = chunks(&world).await;
        assert_eq!((begun.running, begun.waiting + begun.dispatched), (2, all.waiting - 2));

        // Ten seconds for the first chunk of so many frames.
        world.hand.advance_us(10_000_000);
        for report in world.work(first) {
            assert!(world.deliver_report(&report).await);
        }
        assert!(world.deliver_report(&worker::fail(second, FailureKind::Internal)).await);
        let measured = chunks(&world).await;
        assert_eq!(
            (measured.running, measured.waiting + measured.dispatched),
            (0, all.waiting - 1)
        );
        let done = statistics::paces(world.db.read(), 0).await.unwrap();
        let Pace { work, seconds, .. } = done[&(JobClass::EncodeChunk, None)];
        assert_eq!(seconds, 10.0);
        let expected = (frames - work as f64) * 10.0 / work as f64;
        assert!((measured.queued_seconds - expected).abs() < 0.01, "{measured:?} {expected}");
    }

    #[tokio::test]
    async fn what_is_for_a_device_is_told_apart() {
        let mut world = World::new().await;
        world.upload(Film::Rendered(60), false);
        world.round().await;
        let loads = world.service.workload().await.unwrap();
        let chunks = |device| {
            let mut loads = loads.iter();
            let load = loads.find(|l| l.class == "encode_chunk" && l.device == device).unwrap();
            (load.waiting, load.queued_seconds)
        };
        assert_eq!((chunks(None), chunks(Some("nvenc"))), ((0, 0.0), (0, 0.0)));
        let (waiting, seconds) = chunks(Some("fake"));
        assert!(waiting > 2 && (4.0..8.0).contains(&seconds), "{waiting} take {seconds} s");
    }
}
