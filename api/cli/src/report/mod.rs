//! What becomes of a video, told twice: events for programs on stdout, progress for people on
//! stderr.

mod event;
mod lines;
mod live;
mod pace;
mod screen;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kinora_client::upload::Transfer;
use kinora_client::{Reason, Video, VideoState};
use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::terminal::format;
pub(crate) use event::Milestone;
use event::{Event, Outcome, Progress, rounded};
use pace::{Every, Rate};
use screen::Screen;

const JSON_EVERY: Duration = Duration::from_secs(1);
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Cheap to clone: the connection's task reports too.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Mutex<Inner>>);

struct Inner {
    json: bool,
    screen: Screen,
    began: Instant,
    file: Option<String>,
    video: Option<Uuid>,
    size: u64,
    /// How many files there are in all.
    count: usize,
    rate: Rate,
    json_pace: Every,
    draw_pace: Every,
    last: Option<Progress>,
}

impl Reporter {
    pub(crate) fn new(json: bool) -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Inner {
            json,
            screen: Screen::choose(json),
            began: now,
            file: None,
            video: None,
            size: 0,
            count: 1,
            rate: Rate::default(),
            json_pace: Every::new(JSON_EVERY),
            draw_pace: Every::new(DRAW_EVERY),
            last: None,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The next file of `count`.
    pub(crate) fn begin_file(&self, file: &str, size: u64, number: usize, count: usize) {
        let mut it = self.inner();
        it.restart();
        it.file = Some(file.to_owned());
        it.size = size;
        it.count = count;
        let position = if count > 1 { format!("[{number}/{count}] ") } else { String::new() };
        it.screen.title(file, &position, &format::bytes(size));
    }

    /// A video that is only followed.
    pub(crate) fn begin_video(&self, video: &Video) {
        let mut it = self.inner();
        it.restart();
        it.video = Some(video.id);
        it.screen.title(&video.title, "", &video.id.to_string());
    }

    /// The video exists; its id goes to stdout.
    pub(crate) fn created(&self, video: Uuid, resumed: bool) {
        let mut it = self.inner();
        it.video = Some(video);
        if it.json {
            let event = Event::Created { file: it.file.clone(), video, size: it.size, resumed };
            it.print(&event.to_line());
        } else {
            it.print(&video.to_string());
        }
    }

    pub(crate) fn transfer(&self, transfer: &Transfer) {
        let mut it = self.inner();
        match transfer {
            Transfer::Safe { offset } | Transfer::Sent { offset } => {
                let now = Instant::now();
                it.rate.at(*offset, now);
                if it.draw_pace.due(now) {
                    let progress = it.upload_progress(*offset, now);
                    it.show(progress);
                }
            }
            Transfer::Waiting { cause, delay } => {
                it.rate.pause();
                let delay = format::clock(delay.as_secs_f64().ceil());
                it.note(&format!("{cause}; trying again in {delay}"));
            }
        }
    }

    /// How far the encode is.
    pub(crate) fn encode(&self, progress: &kinora_client::Progress) {
        let mut it = self.inner();
        let mut next = Progress::of_encode(progress, it.file.clone(), it.elapsed());
        // A reason holds until something moves.
        let last = it.last.take().filter(|last| last.state == next.state);
        next.because = last.and_then(|last| last.because).filter(|_| progress.jobs.running == 0);
        it.show(next);
    }

    /// The catalogue's word, while nobody encodes yet.
    pub(crate) fn waiting(&self, video: &Video) {
        let mut it = self.inner();
        let progress = Progress::waiting(video, it.file.clone(), it.elapsed());
        it.show(progress);
    }

    /// Why nothing moves.
    pub(crate) fn because(&self, sentence: &str) {
        let mut it = self.inner();
        let (file, video, elapsed_s) = (it.file.clone(), it.video, it.elapsed());
        let last = it.last.take().unwrap_or_else(|| Progress::unknown(video, file));
        it.show(Progress { because: Some(sentence.to_owned()), elapsed_s, ..last });
    }

    /// A line for people that stays.
    pub(crate) fn note(&self, text: &str) {
        self.inner().note(text);
    }

    /// To be called about once a second, whether or not anything happened.
    pub(crate) fn tick(&self) {
        let it = &mut *self.inner();
        if let Some(last) = &it.last {
            it.screen.tick(last, Instant::now());
        }
    }

    pub(crate) fn milestone(&self, milestone: Milestone, video: &Video) {
        let mut it = self.inner();
        let outcome = Outcome::of(milestone, video, it.file.clone(), it.elapsed());
        let detail = match milestone {
            Milestone::Uploaded => it.speed_in_all(),
            _ => String::new(),
        };
        it.screen.milestone(milestone, &outcome, &detail);
        if milestone == Milestone::Uploaded {
            // What was said about the upload is past.
            it.last = None;
            it.screen.clear();
        }
        it.print_json(&Event::of(milestone, outcome));
    }

    /// The file or video ended otherwise. People read of a single one when the command ends.
    pub(crate) fn failed(&self, failure: &Failure) {
        let mut it = self.inner();
        let state = (failure.exit == Exit::Failed).then_some(VideoState::Failed);
        let reason = Reason { code: failure.code.clone(), message: failure.what.clone() };
        let (file, video) = (it.file.clone(), it.video);
        let outcome = Outcome::failed(reason, state, video, file, it.elapsed());
        if it.count > 1 {
            it.screen.failed(&outcome);
        }
        it.print_json(&Event::Failed(outcome));
    }

    /// Takes the live line away.
    pub(crate) fn end(&self) {
        self.inner().screen.clear();
    }
}

impl Inner {
    fn restart(&mut self) {
        self.screen.clear();
        self.began = Instant::now();
        self.video = None;
        self.last = None;
        self.rate = Rate::default();
    }

    fn elapsed(&self) -> f64 {
        rounded(self.began.elapsed().as_secs_f64())
    }

    fn upload_progress(&self, offset: u64, now: Instant) -> Progress {
        let (file, rate) = (self.file.clone(), self.rate.per_second(now));
        Progress::of_upload(offset, self.size, rate, self.video, file, self.elapsed())
    }

    fn show(&mut self, progress: Progress) {
        let now = Instant::now();
        self.screen.progress(&progress, now);
        if self.json && self.json_pace.due(now) {
            self.print(&Event::Progress(progress.clone()).to_line());
        }
        self.last = Some(progress);
    }

    fn note(&mut self, text: &str) {
        self.screen.note(text);
    }

    fn speed_in_all(&self) -> String {
        let size = format::bytes(self.size);
        match self.rate.in_all() {
            0 => size,
            sent => {
                let seconds = self.began.elapsed().as_secs_f64().max(0.001);
                format!("{size} at {}/s", format::bytes((sent as f64 / seconds) as u64))
            }
        }
    }

    fn print_json(&mut self, event: &Event) {
        if self.json {
            self.print(&event.to_line());
        }
    }

    /// To stdout. A reader that went away does not stop an upload.
    fn print(&mut self, line: &str) {
        self.screen.aside(|| {
            use std::io::Write;
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        });
    }
}
