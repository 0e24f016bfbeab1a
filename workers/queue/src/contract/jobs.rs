//! Promises of the dispatch lanes and of the lossy lanes beside them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use kinora_media::{AccountId, JobId, Priority, TraceContext, VideoId};
use kinora_plan::{
    device::EncoderFamily,
    encoder::ProbeSpec,
    job::{Control, JobClass, JobMessage, JobPayload, JobProgress},
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Fixture, never, soon};
use crate::{JobDelivery, JobQueue};

const PROBE: &[JobClass] = &[JobClass::Probe];

/// A job with a recognisable attempt number.
fn message(attempt: u32) -> JobMessage {
    JobMessage {
        job: JobId(Uuid::now_v7()),
        attempt,
        account: AccountId::new("contract").expect("a word"),
        video: VideoId(Uuid::now_v7()),
        version: 1,
        source_key: "sources/contract/original".into(),
        deadline_ms: 1000,
        lease_ms: 1000,
        priority: Priority::Interactive,
        trace: Some(TraceContext::begin(Uuid::new_v4())),
        payload: JobPayload::Probe(ProbeSpec::new(1)),
    }
}

async fn dispatch(queue: &dyn JobQueue, attempt: u32) -> JobMessage {
    let message = message(attempt);
    queue.dispatch(&message).await.expect("dispatch");
    message
}

async fn receive(queue: &dyn JobQueue) -> JobDelivery {
    soon("a job", queue.receive(PROBE, &[])).await.expect("receive")
}

/// First in, first out; a message arrives as it was sent; classes that were not asked for wait.
pub async fn first_in_first_out(fixture: &dyn Fixture) {
    let queue = fixture.open().await.jobs;
    never("a job on an empty lane", queue.receive(&JobClass::ALL, &[])).await;
    let mut sent = Vec::new();
    for attempt in 1..=5 {
        sent.push(dispatch(&*queue, attempt).await);
    }
    let others = [JobClass::EncodeChunk, JobClass::EncodeAudio];
    never("a job of another class", queue.receive(&others, &[])).await;
    for expected in sent {
        assert_eq!(receive(&*queue).await.message, expected);
    }
}

/// What somebody waits for comes before what may take its time, whichever was sent first.
pub async fn what_somebody_waits_for_comes_first(fixture: &dyn Fixture) {
    let queue = fixture.open().await.jobs;
    let mut sent = Vec::new();
    for attempt in 1..=6 {
        let priority = if attempt % 2 == 1 { Priority::Bulk } else { Priority::Interactive };
        let message = JobMessage { priority, ..message(attempt) };
        queue.dispatch(&message).await.expect("dispatch");
        sent.push(message);
    }
    sent.sort_by_key(|message| (message.priority, message.attempt));
    for expected in sent {
        let delivery = receive(&*queue).await;
        assert_eq!(delivery.message, expected);
        queue.finish(delivery.receipt).await.expect("finish");
    }
    never("a job too many", queue.receive(PROBE, &[])).await;
}

/// What a graphics processor encodes goes to workers that have one of its family, and to no others;
/// those take what is for everybody as well, and of all of it what somebody waits for first.
pub async fn devices_get_what_is_for_them(fixture: &dyn Fixture) {
    const CHUNKS: &[JobClass] = &[JobClass::EncodeChunk];
    use EncoderFamily::{Nvenc, Software, Vaapi};
    let ports = fixture.open().await;
    let mut sent = Vec::new();
    for (attempt, family, priority) in [
        (1, Nvenc, Priority::Bulk),
        (2, Software, Priority::Bulk),
        (3, Nvenc, Priority::Interactive),
        (4, Vaapi, Priority::Interactive),
    ] {
        let message = JobMessage { priority, payload: chunk(family), ..message(attempt) };
        ports.jobs.dispatch(&message).await.expect("dispatch");
        sent.push(message);
    }
    let received = soon("a job", ports.jobs.receive(CHUNKS, &[])).await.expect("receive");
    assert_eq!(received.message, sent[1]);
    never("a job for a device that is not there", ports.jobs.receive(CHUNKS, &[])).await;
    ports.jobs.release(received.receipt).await.expect("release");
    let nvenc = &[Nvenc];
    let received = soon("a job", ports.jobs.receive(CHUNKS, nvenc)).await.expect("receive");
    assert_eq!(received.message, sent[2]);
    ports.jobs.finish(received.receipt).await.expect("finish");
    drop(ports);
    let jobs = fixture.open().await.jobs;
    let mut left = Vec::new();
    for _ in 0..2 {
        let received = soon("a job", jobs.receive(&JobClass::ALL, nvenc)).await.expect("receive");
        left.push(received.message.attempt);
    }
    left.sort_unstable();
    assert_eq!(left, [1, 2]);
    never("a job of another family", jobs.receive(&JobClass::ALL, nvenc)).await;
    let received = soon("a job", jobs.receive(CHUNKS, &[Vaapi])).await.expect("receive");
    assert_eq!(received.message, sent[3]);
}

/// A chunk for an encoder of a family.
fn chunk(family: EncoderFamily) -> JobPayload {
    let recorded = include_str!("../../tests/payloads/job-encode_chunk.json");
    let recorded: JobMessage = serde_json::from_str(recorded).expect("what was recorded is read");
    let JobPayload::EncodeChunk(mut spec) = recorded.payload else { panic!("it is of a chunk") };
    spec.encoder.family = family;
    JobPayload::EncodeChunk(spec)
}

/// Who waits already gets the next job.
pub async fn a_waiting_receiver_wakes_up(fixture: &dyn Fixture) {
    let queue = fixture.open().await.jobs;
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { receive(&*queue).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let sent = dispatch(&*queue, 1).await;
    assert_eq!(soon("the receiver", waiting).await.expect("no panic").message, sent);
}

/// While one holds a job nobody else gets it; released, somebody else has it at once.
pub async fn a_released_job_comes_back_at_once(fixture: &dyn Fixture) {
    let queue = fixture.open().await.jobs;
    let sent = dispatch(&*queue, 1).await;
    let delivery = receive(&*queue).await;
    never("a job that somebody holds", queue.receive(PROBE, &[])).await;
    queue.release(delivery.receipt).await.expect("release");
    assert_eq!(receive(&*queue).await.message, sent);
}

/// A receipt is good once: used late, it does not touch the next holder's delivery.
pub async fn a_stale_receipt_does_nothing(fixture: &dyn Fixture) {
    let ports = fixture.open().await;
    let sent = dispatch(&*ports.jobs, 1).await;
    let first = receive(&*ports.jobs).await;
    ports.jobs.release(first.receipt.clone()).await.expect("release");
    let _second = receive(&*ports.jobs).await;
    ports.jobs.finish(first.receipt.clone()).await.expect("a late finish is no error");
    ports.jobs.release(first.receipt).await.expect("a late release is no error");
    never("a job that somebody holds", ports.jobs.receive(PROBE, &[])).await;
    drop(ports);
    assert_eq!(receive(&*fixture.open().await.jobs).await.message, sent);
}

/// A finished job is gone for good; one that waits, and one that was held by a process that
/// died, are there after it, in order.
pub async fn unfinished_jobs_survive_a_crash(fixture: &dyn Fixture) {
    let ports = fixture.open().await;
    dispatch(&*ports.jobs, 1).await;
    let held = dispatch(&*ports.jobs, 2).await;
    let waiting = dispatch(&*ports.jobs, 3).await;
    let done = receive(&*ports.jobs).await;
    ports.jobs.finish(done.receipt).await.expect("finish");
    assert_eq!(receive(&*ports.jobs).await.message, held);
    drop(ports);
    let ports = fixture.open().await;
    assert_eq!(receive(&*ports.jobs).await.message, held);
    assert_eq!(receive(&*ports.jobs).await.message, waiting);
    never("a third job", ports.jobs.receive(PROBE, &[])).await;
}

/// Many senders and many receivers at once: each job is delivered exactly once.
pub async fn each_job_goes_to_one_of_many(fixture: &dyn Fixture) {
    const SENDERS: u32 = 8;
    const EACH: u32 = 40;
    let queue = fixture.open().await.jobs;
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let queue = Arc::clone(&queue);
        senders.spawn(async move {
            for n in 0..EACH {
                dispatch(&*queue, sender * EACH + n).await;
            }
        });
    }
    let mut receivers = JoinSet::new();
    for _ in 0..8 {
        let queue = Arc::clone(&queue);
        receivers.spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..SENDERS * EACH / 8 {
                let delivery = receive(&*queue).await;
                queue.finish(delivery.receipt).await.expect("finish");
                seen.push(delivery.message.attempt);
            }
            seen
        });
    }
    soon("the senders", senders.join_all()).await;
    let seen = soon("the receivers", receivers.join_all()).await.concat();
    let unique: BTreeSet<u32> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "some job was delivered twice");
    assert_eq!(unique, (0..SENDERS * EACH).collect());
}

/// A receiver that stops waiting, at whatever moment, takes no job with it.
pub async fn a_cancelled_receive_loses_nothing(fixture: &dyn Fixture) {
    const JOBS: u32 = 60;
    let queue = fixture.open().await.jobs;
    for attempt in 0..JOBS {
        dispatch(&*queue, attempt).await;
    }
    let mut seen = BTreeMap::new();
    // From too short to succeed up to long enough, so that it ends somewhere inside.
    let mut patience = (0..3000).step_by(37).map(Duration::from_micros).cycle();
    let collect = async {
        while seen.len() < JOBS as usize {
            let patience = patience.next().unwrap_or_default();
            if let Ok(delivery) = tokio::time::timeout(patience, queue.receive(PROBE, &[])).await {
                let delivery = delivery.expect("receive");
                *seen.entry(delivery.message.attempt).or_insert(0) += 1;
                queue.finish(delivery.receipt).await.expect("finish");
            }
        }
    };
    soon("every job", collect).await;
    assert!(seen.values().all(|times| *times == 1), "some job was delivered twice: {seen:?}");
    never("one job more", queue.receive(PROBE, &[])).await;
}

/// Progress and control reach who listens, and need nobody to.
pub async fn signs_of_life_reach_who_listens(fixture: &dyn Fixture) {
    let queue = fixture.open().await.jobs;
    let job = message(1);
    let progress =
        JobProgress { job: job.job, attempt: 1, worker: "contract".into(), done: 3, total: 7 };
    let control = Control::CancelVideo { video: job.video };
    queue.publish_progress(&progress).await.expect("without listeners");
    queue.publish_control(&control).await.expect("without listeners");
    let (mut some, mut others) = (queue.subscribe_progress(), queue.subscribe_progress());
    let mut controls = queue.subscribe_control();
    queue.publish_progress(&progress).await.expect("progress");
    queue.publish_control(&control).await.expect("control");
    assert_eq!(soon("progress", some.recv()).await.expect("progress"), progress);
    assert_eq!(soon("progress", others.recv()).await.expect("progress"), progress);
    assert_eq!(soon("control", controls.recv()).await.expect("control"), control);
}
