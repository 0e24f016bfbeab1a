//! Follows a video to a goal.
//!
//! The encode's own progress comes as events; until the encoding service has heard of the video
//! the catalogue's state has to do. Addresses always come from the catalogue, which may lag behind
//! the events by a moment.

use std::pin::pin;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use kinora_client::{Client, Error, Progress, ProgressState, Reason, Video, VideoState};
use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::report::{Milestone, Reporter};

const TICK: Duration = Duration::from_secs(1);
/// Between looks at the catalogue; they grow to [`TICK`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How long nothing may move before the reason is asked for.
const PATIENCE: Duration = Duration::from_secs(4);
/// How far the catalogue may lag behind the events.
const LAG: Duration = Duration::from_secs(15);

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Goal {
    /// All bytes are on the server.
    Uploaded,
    /// It can be watched from the start.
    Playable,
    /// All of it is encoded.
    Ready,
}

const MILESTONES: [(Milestone, Goal); 3] = [
    (Milestone::Playable, Goal::Playable),
    (Milestone::PlaysThrough, Goal::Ready),
    (Milestone::Ready, Goal::Ready),
];

/// Reports on `video` until it has reached `goal`.
pub(crate) async fn follow(
    client: &Client,
    reporter: &Reporter,
    video: Uuid,
    goal: Goal,
) -> Result<Video, Failure> {
    Follower { client, reporter, video, goal, passed: 0, asked: Instant::now(), idle: true }
        .run()
        .await
}

struct Follower<'a> {
    client: &'a Client,
    reporter: &'a Reporter,
    video: Uuid,
    goal: Goal,
    /// How many of [`MILESTONES`] were reported.
    passed: usize,
    /// When something moved, or was asked about, last.
    asked: Instant,
    idle: bool,
}

impl Follower<'_> {
    async fn run(mut self) -> Result<Video, Failure> {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut events = self.client.progress_events(self.video);
            while let Some(next) = self.while_ticking(events.next()).await {
                match next {
                    Ok(progress) => {
                        if let Some(video) = self.heard(&progress).await? {
                            return Ok(video);
                        }
                    }
                    Err(error) if error.is_gone() => break,
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(video) = self.ask_catalogue().await? {
                return Ok(video);
            }
            self.while_ticking(tokio::time::sleep(pause)).await;
            pause = TICK.min(pause * 2);
        }
    }

    /// Keeps the display alive, and asks why when nothing moves.
    async fn while_ticking<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(TICK) => {}
            }
            if self.idle && self.asked.elapsed() > PATIENCE {
                self.asked = Instant::now();
                // A reason is a courtesy: without one the display still says that it waits.
                if let Ok(why) = self.client.why(self.video).await
                    && let Some(sentence) = why.because.first()
                {
                    self.reporter.because(sentence);
                }
            }
            self.reporter.tick();
        }
    }

    /// Takes one progress; gives the video once the goal is reached.
    async fn heard(&mut self, progress: &Progress) -> Result<Option<Video>, Failure> {
        let idle = match progress.state {
            ProgressState::Queued => true,
            _ => progress.jobs.running == 0,
        };
        if !idle || idle != self.idle {
            self.asked = Instant::now();
        }
        self.idle = idle;
        if !progress.state.is_final() {
            self.reporter.encode(progress);
        }
        let level = match progress.state {
            ProgressState::Failed => return self.ended(progress.reason.as_ref()).await,
            ProgressState::Cancelled => return Err(deleted()),
            ProgressState::Ready => 3,
            _ if progress.plays_through => 2,
            _ if progress.playable => 1,
            _ => 0,
        };
        self.pass(level).await
    }

    /// The end of a video that failed. One that is being tried again failed before, too: the catalogue
    /// knows of that first.
    async fn ended(&self, reason: Option<&Reason>) -> Result<Option<Video>, Failure> {
        let until = Instant::now() + LAG;
        while Instant::now() < until && self.current().await?.state != VideoState::Failed {
            let now = self.client.progress(self.video).await;
            if now.is_ok_and(|now| now.state != ProgressState::Failed) {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        Err(self.failed(reason))
    }

    /// Reports every milestone up to this one that was not reported yet.
    async fn pass(&mut self, level: usize) -> Result<Option<Video>, Failure> {
        if level <= self.passed {
            return Ok(None);
        }
        let video = self.settled(level == MILESTONES.len()).await?;
        while self.passed < level {
            let (milestone, goal) = MILESTONES[self.passed];
            self.passed += 1;
            self.reporter.milestone(milestone, &video);
            if goal == self.goal && (goal != Goal::Ready || milestone == Milestone::Ready) {
                return Ok(Some(video));
            }
        }
        Ok(None)
    }

    /// The video once the catalogue has caught up with what was just heard.
    async fn settled(&self, ready: bool) -> Result<Video, Failure> {
        let until = Instant::now() + LAG;
        loop {
            let video = self.current().await?;
            if video.state == VideoState::Failed {
                return Err(self.failed(video.reason.as_ref()));
            }
            let caught_up =
                video.playback.is_some() && (!ready || video.state == VideoState::Ready);
            if caught_up || Instant::now() > until {
                return Ok(video);
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// For as long as there is no progress: what the catalogue says.
    async fn ask_catalogue(&mut self) -> Result<Option<Video>, Failure> {
        let video = self.current().await?;
        match video.state {
            VideoState::Failed => Err(self.failed(video.reason.as_ref())),
            VideoState::Ready => self.pass(MILESTONES.len()).await,
            _ => {
                self.idle = !video.state.awaits_bytes();
                self.reporter.waiting(&video);
                Ok(None)
            }
        }
    }

    fn failed(&self, reason: Option<&Reason>) -> Failure {
        let failure = match reason {
            Some(reason) => Failure::new(Exit::Failed, &reason.code, &reason.message),
            None => Failure::new(Exit::Failed, "failed", "the video failed for an unknown reason"),
        };
        failure.help(format!("More of it: `kinora jobs why {}`.", self.video))
    }

    async fn current(&self) -> Result<Video, Failure> {
        self.client
            .video(self.video)
            .await
            .map_err(|error: Error| if error.is_gone() { deleted() } else { error.into() })
    }
}

fn deleted() -> Failure {
    Failure::new(Exit::Failed, "deleted", "the video is not there, or was deleted")
        .help("See what there is with `kinora videos`.")
}
