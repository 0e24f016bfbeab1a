//! One file's way to the server, begun or taken up again.
//!
//! The order keeps every crash harmless: the video is created, remembered on disk, given its
//! captions, and only then do bytes flow. What is remembered goes away once the goal is reached.

mod captions;
mod ledger;
mod stage;

use std::time::Duration;

use kinora_client::upload::{NewUpload, Transfer, Uploader};
use kinora_client::{Client, Error, NewVideo, Priority, Retry, Video, VideoState, Visibility};
use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::follow::{Goal, follow};
use crate::report::{Milestone, Reporter};
pub(crate) use captions::Captions;
use ledger::Ledger;
pub(crate) use ledger::{Fingerprint, Saved};
pub(crate) use stage::Stage;

const TICK: Duration = Duration::from_secs(1);
/// Until it is asked again for a turn, where the server does not say.
const TURN: Duration = Duration::from_secs(10);
/// No server may put it off for longer at once.
const LONGEST_TURN: Duration = Duration::from_secs(600);

/// What to make of a file.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) title: Option<String>,
    pub(crate) visibility: Visibility,
    pub(crate) profile: Option<String>,
    /// Said only where it is not what servers assume.
    pub(crate) priority: Option<Priority>,
    pub(crate) captions: Vec<Captions>,
    pub(crate) goal: Goal,
    pub(crate) retries: usize,
    pub(crate) resume: bool,
}

/// Uploads one file and follows it to the goal.
pub(crate) async fn upload(
    client: &Client,
    plan: &Plan,
    file: &Fingerprint,
    stage: &Stage,
    reporter: &Reporter,
) -> Result<Video, Failure> {
    let ledger = Ledger::open(client.base_url(), file)?;
    stage.begin(&file.name(), file.size);
    let video = Upload { client, plan, file, ledger: &ledger, stage, reporter }.send().await?;
    stage.sent();
    let reached = match plan.goal {
        Goal::Uploaded => Ok(video),
        goal => follow(client, reporter, video.id, goal).await,
    };
    // Out of reach is no end: the same command should find its way back to this video.
    if !matches!(&reached, Err(failure) if failure.exit == Exit::TryAgain) {
        ledger.forget();
    }
    reached
}

struct Upload<'a> {
    client: &'a Client,
    plan: &'a Plan,
    file: &'a Fingerprint,
    ledger: &'a Ledger,
    stage: &'a Stage,
    reporter: &'a Reporter,
}

/// Where an earlier run stopped.
enum Standing {
    Sending { video: Uuid, url: String },
    Sent(Box<Video>),
}

impl Upload<'_> {
    /// Gets all bytes to the server.
    async fn send(&self) -> Result<Video, Failure> {
        match self.recover().await? {
            Some(Standing::Sent(video)) => {
                self.created(video.id, true);
                self.reporter.note("uploaded by an earlier run");
                self.reporter.milestone(Milestone::Uploaded, &video);
                return Ok(*video);
            }
            Some(Standing::Sending { video, url }) => {
                self.prepare(video, &url, true).await?;
                match self.transfer(&url).await {
                    Err(error) if error.is_gone() => {
                        self.reporter.note("the server gave up the earlier upload; beginning anew");
                        self.abandon(video).await;
                    }
                    done => return self.uploaded(done, video).await,
                }
            }
            None => {}
        }
        let (video, url) = self.begin().await?;
        self.prepare(video, &url, false).await?;
        self.uploaded(self.transfer(&url).await, video).await
    }

    /// What is left of an earlier run, if the server still knows of it.
    async fn recover(&self) -> Result<Option<Standing>, Failure> {
        let Some(saved) = self.ledger.load().filter(|_| self.plan.resume) else { return Ok(None) };
        let video = match self.client.video(saved.video).await {
            Ok(video) if video.state == VideoState::Failed => return Ok(None),
            Ok(video) => video,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !video.state.awaits_bytes() {
            return Ok(Some(Standing::Sent(Box::new(video))));
        }
        let known = video.upload.filter(|upload| upload.length == self.file.size);
        let url = match saved.upload_url.or(known.map(|upload| upload.url)) {
            Some(url) => url,
            None => self.reserve(video.id).await?,
        };
        Ok(Some(Standing::Sending { video: video.id, url }))
    }

    /// A new video with an upload reserved for it.
    async fn begin(&self) -> Result<(Uuid, String), Failure> {
        let new = NewVideo {
            title: self.plan.title.clone(),
            visibility: Some(self.plan.visibility),
            file_name: Some(self.file.name()),
            profile: self.plan.profile.clone(),
            priority: self.plan.priority,
        };
        let video = self.client.create_video(&new).await?.id;
        self.ledger.save(self.file, &Saved { video, upload_url: None })?;
        match self.reserve(video).await {
            Ok(url) => Ok((video, url)),
            Err(error) if error.is_temporary() => Err(error.into()),
            Err(error) => {
                self.abandon(video).await;
                Err(error.into())
            }
        }
    }

    /// An upload for the file; while the server wants no more for now, its turn is waited for.
    async fn reserve(&self, video: Uuid) -> Result<String, Error> {
        let new = NewUpload {
            length: self.file.size,
            video: Some(video),
            file_name: Some(self.file.name()),
            content_type: None,
        };
        let mut left = self.plan.retries;
        loop {
            match self.client.create_upload(&new).await {
                Err(error) if error.status() == Some(429) && left > 0 => {
                    left -= 1;
                    let delay = error.retry_after().unwrap_or(TURN).clamp(TICK, LONGEST_TURN);
                    self.reporter.transfer(&Transfer::Waiting { cause: error.to_string(), delay });
                    tokio::time::sleep(delay).await;
                }
                answer => return Ok(answer?.url),
            }
        }
    }

    /// All that has to be in place before bytes flow.
    async fn prepare(&self, video: Uuid, url: &str, resumed: bool) -> Result<(), Failure> {
        self.ledger.save(self.file, &Saved { video, upload_url: Some(url.to_owned()) })?;
        self.created(video, resumed);
        for captions in &self.plan.captions {
            captions.put(self.client, video).await?;
        }
        Ok(())
    }

    fn created(&self, video: Uuid, resumed: bool) {
        self.stage.created(video);
        self.reporter.created(video, resumed);
    }

    async fn transfer(&self, url: &str) -> Result<(), Error> {
        let (stage, reporter) = (self.stage.clone(), self.reporter.clone());
        let uploader = Uploader::new(self.client, url, &self.file.path)
            .retry(Retry { times: self.plan.retries, ..Retry::TRANSFER })
            .on_transfer(move |transfer| {
                if let Transfer::Safe { offset } | Transfer::Sent { offset } = transfer {
                    stage.reached(offset);
                }
                reporter.transfer(&transfer);
            });
        let ticks = async {
            loop {
                tokio::time::sleep(TICK).await;
                self.reporter.tick();
            }
        };
        tokio::select! {
            done = uploader.run() => done,
            () = ticks => Ok(()),
        }
    }

    async fn uploaded(&self, done: Result<(), Error>, video: Uuid) -> Result<Video, Failure> {
        done?;
        let video = self.client.video(video).await?;
        self.reporter.milestone(Milestone::Uploaded, &video);
        Ok(video)
    }

    /// Takes back a video whose upload came to nothing: it has no bytes to lose.
    async fn abandon(&self, video: Uuid) {
        self.ledger.forget();
        // If this fails an empty video stays behind, which harms nobody.
        let _ = self.client.delete_video(video).await;
    }
}
