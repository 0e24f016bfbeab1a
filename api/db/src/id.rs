//! New ids: UUIDv7 (RFC 9562 5.7), so that they sort by age.

use kinora_media::{JobId, VideoId};
use uuid::Uuid;

/// A video that never was before.
pub fn new_video_id() -> VideoId {
    VideoId(Uuid::now_v7())
}

/// A job that never was before.
pub fn new_job_id() -> JobId {
    JobId(Uuid::now_v7())
}

/// An event that never was before.
pub fn new_event_id() -> Uuid {
    Uuid::now_v7()
}
