//! `kinora admin`: what those do who run a server.

mod sweep;
mod verify;

use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AdminCommand {
    /// Check that nothing was lost and nothing left behind.
    ///
    /// Holds the database, the object store and the segment index against each other, and the catalogue
    /// with its uploads and quotas against them. A fault is something lost or left behind: then the exit code is 1. What is pending, time mends: work
    /// under way, or objects that a sweep is yet to remove.
    Verify(verify::VerifyArgs),
    /// List what nobody needs: objects that nothing names, writes to the store that were never ended,
    /// files in the spool that no upload needs. With --apply they are removed.
    ///
    /// What is younger than a day may be of somebody who is still at it, and stays. Sources of videos
    /// that nobody knows are listed and never removed: `kinorad restore --reconcile` takes them in.
    Sweep(sweep::SweepArgs),
}

pub(crate) async fn run(session: &Session, args: AdminArgs) -> Result<(), Failure> {
    match args.command {
        AdminCommand::Verify(args) => verify::verify(session, &args).await,
        AdminCommand::Sweep(args) => sweep::sweep(session, &args).await,
    }
}
