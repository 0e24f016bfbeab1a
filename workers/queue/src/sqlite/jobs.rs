//! The dispatch lanes: one a class of jobs and priority.

use kinora_media::Priority;
use kinora_plan::job::{JobClass, JobMessage};

use super::{SqliteQueue, lanes::Lane};
use crate::{JobDelivery, QueueError};

pub(super) async fn dispatch(queue: &SqliteQueue, message: &JobMessage) -> Result<(), QueueError> {
    queue.add("job", Lane::Jobs(message.payload.class(), message.priority), message).await
}

pub(super) async fn receive(
    queue: &SqliteQueue,
    classes: &[JobClass],
) -> Result<JobDelivery, QueueError> {
    let of = |class: &JobClass| Priority::ALL.map(|priority| Lane::Jobs(*class, priority));
    let lanes: Vec<Lane> = classes.iter().flat_map(of).collect();
    let (message, receipt) = queue.next("job", &lanes).await?;
    Ok(JobDelivery { message, receipt })
}
