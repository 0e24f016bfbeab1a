//! The results lane.

use kinora_plan::job::JobReport;

use super::{SqliteQueue, lanes::Lane};
use crate::{QueueError, ReportDelivery};

pub(super) async fn report(queue: &SqliteQueue, report: &JobReport) -> Result<(), QueueError> {
    queue.add("report", Lane::Reports, report).await
}

pub(super) async fn receive(queue: &SqliteQueue) -> Result<ReportDelivery, QueueError> {
    let (report, receipt) = queue.next("report", &[Lane::Reports]).await?;
    Ok(ReportDelivery { report, receipt })
}
