//! What players report of themselves (CMCD), in the log: `--set log.filter=info,kinorad::players=debug`.

use kinora_origin::CmcdReport;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Reports that may wait to be written; what comes over them is lost.
pub(crate) const WAITING: usize = 1024;

/// Writes reports down until `stop`.
pub(crate) async fn log(mut reports: mpsc::Receiver<CmcdReport>, stop: CancellationToken) {
    while let Some(Some(report)) = stop.run_until_cancelled(reports.recv()).await {
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(
                video.id = %report.video,
                video.version = report.version,
                cmcd = ?report.keys(),
                "a player reports"
            );
        }
    }
}
