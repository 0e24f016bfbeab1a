//! Resumable uploads.
//!
//! The life of one: [`create`] makes the row; [`receive`] streams a PATCH into the spool file,
//! makes it durable, and only then lets the offset advance; [`finish`] hands the whole file to the
//! object store and tells the world, in this order, so that a crash between the two is repaired
//! by doing it again. [`terminate`] and [`sweep`] end those that never get there.
//!
//! One writer an upload: [`Locks`] live in this process, as the spool does. Spread over several
//! hosts an upload has to reach the host that has its spool.

pub(crate) mod checksum;
pub(crate) mod create;
pub(crate) mod finish;
mod locks;
pub(crate) mod metadata;
pub(crate) mod receive;
mod room;
mod spool;
pub(crate) mod sweep;
pub(crate) mod terminate;
mod transfer;
mod turn;

pub(crate) use locks::{Held, Locks};
pub(crate) use spool::SpoolDir;

use kinora_media::AccountId;
use tracing::Instrument;

use crate::{
    core::Core,
    error::Error,
    model::{UploadId, UploadState},
    repository::uploads::{self, UploadRow},
};

/// An owner's upload that is not gone.
pub(crate) async fn find(
    core: &Core,
    account: &AccountId,
    id: UploadId,
) -> Result<UploadRow, Error> {
    let row = uploads::find(core.db.read(), id).await?;
    let row = row.filter(|row| row.account == *account).ok_or(Error::NoUpload)?;
    let overdue = row.expires_at_us <= core.clock.now_us() && row.received < row.size;
    match row.state {
        UploadState::Active if overdue => Err(Error::UploadGone),
        UploadState::Active | UploadState::Finished => Ok(row),
        UploadState::Terminated | UploadState::Expired => Err(Error::UploadGone),
    }
}

/// Runs to its end even if its caller goes away, as handlers do whose client hangs up. A process
/// that stops waits for it.
pub(crate) async fn detached<T: Send + 'static>(
    core: &Core,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match core.writers.spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being torn down.
            Err(_) => Err(Error::Stopping),
        },
    }
}

impl Core {
    /// When an upload that makes progress now expires.
    fn upload_expiry_us(&self, now_us: i64) -> i64 {
        let ttl = i64::try_from(self.config.upload_ttl.as_micros()).unwrap_or(i64::MAX);
        now_us.saturating_add(ttl)
    }
}
