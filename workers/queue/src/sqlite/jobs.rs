//! The dispatch lanes.

use kinora_plan::{
    device::EncoderFamily,
    job::{JobClass, JobMessage},
};

use super::{SqliteQueue, lanes::Lane};
use crate::{JobDelivery, QueueError, lane::JobLane};

pub(super) async fn dispatch(queue: &SqliteQueue, message: &JobMessage) -> Result<(), QueueError> {
    queue.add("job", Lane::Jobs(JobLane::of(message)), message).await
}

pub(super) async fn receive(
    queue: &SqliteQueue,
    classes: &[JobClass],
    devices: &[EncoderFamily],
) -> Result<JobDelivery, QueueError> {
    let lanes: Vec<Lane> = JobLane::all(classes, devices).into_iter().map(Lane::Jobs).collect();
    let (message, receipt) = queue.next("job", &lanes).await?;
    Ok(JobDelivery { message, receipt })
}
