//! A queue in memory, whose lane lies open.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use kinora_plan::{
    device::EncoderFamily,
    job::{Control, JobClass, JobMessage, JobProgress, JobReport},
};
use kinora_queue::{JobDelivery, JobQueue, QueueError, Receipt, ReportDelivery};
use tokio::sync::broadcast;

use super::faults::Faults;

#[derive(Debug)]
pub(crate) struct SimQueue {
    faults: Arc<Faults>,
    /// Messages on their way to workers.
    pub lane: Mutex<Vec<JobMessage>>,
    /// What workers were told.
    pub told: Mutex<Vec<Control>>,
    /// How many letters nobody could read.
    pub dead: Mutex<u64>,
    progress: broadcast::Sender<JobProgress>,
    control: broadcast::Sender<Control>,
}

impl SimQueue {
    pub(crate) fn new(faults: Arc<Faults>) -> Self {
        Self {
            faults,
            lane: Mutex::default(),
            told: Mutex::default(),
            dead: Mutex::default(),
            progress: broadcast::channel(16).0,
            control: broadcast::channel(16).0,
        }
    }

    /// Takes every message, or those that are for no device.
    pub(crate) fn take_all(&self, with_devices: bool) -> Vec<JobMessage> {
        let mut lane = self.lane.lock().unwrap();
        let can = |message: &JobMessage| with_devices || message.payload.device().is_none();
        let (taken, left) = lane.drain(..).partition(can);
        *lane = left;
        taken
    }
}

#[async_trait]
impl JobQueue for SimQueue {
    async fn dispatch(&self, message: &JobMessage) -> Result<(), QueueError> {
        let dispatch = || self.lane.lock().unwrap().push(message.clone());
        self.faults.around(dispatch, || QueueError::Closed).await
    }

    async fn publish_control(&self, control: &Control) -> Result<(), QueueError> {
        let tell = || self.told.lock().unwrap().push(control.clone());
        self.faults.around(tell, || QueueError::Closed).await
    }

    async fn receive(
        &self,
        _: &[JobClass],
        _: &[EncoderFamily],
    ) -> Result<JobDelivery, QueueError> {
        pending().await
    }

    async fn report(&self, _: &JobReport) -> Result<(), QueueError> {
        Ok(())
    }

    async fn finish(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }

    async fn receive_report(&self) -> Result<ReportDelivery, QueueError> {
        pending().await
    }

    async fn finish_report(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release_report(&self, _: Receipt) -> Result<(), QueueError> {
        Ok(())
    }

    async fn purge_dead(&self) -> Result<u64, QueueError> {
        Ok(std::mem::take(&mut *self.dead.lock().unwrap()))
    }

    async fn publish_progress(&self, _: &JobProgress) -> Result<(), QueueError> {
        Ok(())
    }

    fn subscribe_progress(&self) -> broadcast::Receiver<JobProgress> {
        self.progress.subscribe()
    }

    fn subscribe_control(&self) -> broadcast::Receiver<Control> {
        self.control.subscribe()
    }
}
