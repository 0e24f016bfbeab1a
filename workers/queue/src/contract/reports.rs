//! Promises of the results lane.

use kinora_media::{JobId, TraceContext};
use kinora_plan::job::{JobReport, Report};
use uuid::Uuid;

use super::{Fixture, never, soon};
use crate::{JobQueue, ReportDelivery};

async fn report(queue: &dyn JobQueue, attempt: u32) -> JobReport {
    let report = JobReport {
        job: JobId(Uuid::now_v7()),
        attempt,
        worker: "contract".into(),
        trace: Some(TraceContext::begin(Uuid::new_v4())),
        report: Report::AudioEncoded {
            parts: 1,
            duration: 2,
            loudness: None,
            warnings: Vec::new(),
        },
    };
    queue.report(&report).await.expect("report");
    report
}

async fn receive(queue: &dyn JobQueue) -> ReportDelivery {
    soon("a report", queue.receive_report()).await.expect("receive_report")
}

/// In order, each to one of the orchestrators; given back, it comes at once.
pub async fn reports_come_in_order_to_one_receiver(fixture: &dyn Fixture) {
    let queue = fixture.open().await.jobs;
    let (first, second) = (report(&*queue, 1).await, report(&*queue, 2).await);
    let delivery = receive(&*queue).await;
    assert_eq!(delivery.report, first);
    assert_eq!(receive(&*queue).await.report, second);
    never("a report that somebody holds", queue.receive_report()).await;
    queue.release_report(delivery.receipt).await.expect("release_report");
    assert_eq!(receive(&*queue).await.report, first);
}

/// What was not finished is there after a crash; what was finished is not.
pub async fn unfinished_reports_survive_a_crash(fixture: &dyn Fixture) {
    let ports = fixture.open().await;
    report(&*ports.jobs, 1).await;
    let held = report(&*ports.jobs, 2).await;
    let done = receive(&*ports.jobs).await;
    ports.jobs.finish_report(done.receipt).await.expect("finish_report");
    assert_eq!(receive(&*ports.jobs).await.report, held);
    drop(ports);
    let queue = fixture.open().await.jobs;
    assert_eq!(receive(&*queue).await.report, held);
    never("a second report", queue.receive_report()).await;
}
