//! The content key of a version that is encrypted on its way to players.

use kinora_media::VideoId;
use kinora_packager::crypt::IndexKey;
use kinora_store::{Condition, keys};
use zeroize::Zeroizing;

use crate::{error::TranscodingError, service::Transcoding};

/// Makes the key, unless there is one: it is random, so the first that is stored counts. It lies in the
/// store because origins know nothing else, under a name that no address leads to and a right to
/// read media does not include.
pub(super) async fn make(
    service: &Transcoding,
    video: VideoId,
    version: u32,
) -> Result<(), TranscodingError> {
    let mut random = Zeroizing::new([0; 48]);
    getrandom::fill(&mut *random).map_err(|error| TranscodingError::Index {
        video,
        version,
        what: format!("no random bytes can be had for its key: {error}"),
    })?;
    let text = IndexKey::of_random(&random).to_text();
    let body = text.as_bytes().to_vec().into();
    service.deps.store.put(&keys::secret(video, version), body, Condition::Absent).await?;
    Ok(())
}
