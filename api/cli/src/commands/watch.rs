//! `kinora watch`.

use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::follow::{Goal, follow};
use crate::report::Reporter;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// Id of the video.
    id: Uuid,
    /// What to wait for.
    #[arg(long, value_enum, default_value = "ready", value_name = "GOAL")]
    wait: Goal,
}

pub(crate) async fn run(session: &Session, args: &WatchArgs) -> Result<(), Failure> {
    let video = session.client.video(args.id).await?;
    let reporter = Reporter::new(session.json);
    reporter.begin_video(&video);
    let goal = args.wait.max(Goal::Playable);
    let done = tokio::select! {
        done = follow(&session.client, &reporter, video.id, goal) => done.map(drop),
        _ = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Interrupted, "interrupted", "interrupted")
            .help("The video goes on without you.")),
    };
    if let Err(failure) = &done {
        reporter.failed(failure);
    }
    reporter.end();
    done
}
