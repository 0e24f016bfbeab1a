//! Plans at hand: they never change, and a long film's takes a while to parse.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kinora_media::VideoId;
use kinora_plan::Plan;

use crate::{error::TranscodingError, repository, service::Transcoding};

/// So many are kept; videos in work beyond that are read again now and then.
const KEPT: usize = 64;

/// Plans by video and version.
#[derive(Debug, Default)]
pub(crate) struct Plans(Mutex<HashMap<(VideoId, u32), Arc<Plan>>>);

impl Plans {
    fn get(&self, key: (VideoId, u32)) -> Option<Arc<Plan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn put(&self, key: (VideoId, u32), plan: Arc<Plan>) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= KEPT {
            plans.clear();
        }
        plans.insert(key, plan);
    }
}

/// The plan of an encode, if it has one yet.
pub(crate) async fn plan_of(
    service: &Transcoding,
    video: VideoId,
    version: u32,
) -> Result<Option<Arc<Plan>>, TranscodingError> {
    if let Some(plan) = service.plans.get((video, version)) {
        return Ok(Some(plan));
    }
    let Some(plan) = repository::plans::find(service.deps.db.read(), video, version).await? else {
        return Ok(None);
    };
    let plan = Arc::new(plan);
    service.plans.put((video, version), plan.clone());
    Ok(Some(plan))
}
