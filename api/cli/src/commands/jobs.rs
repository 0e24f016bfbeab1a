//! `kinora jobs`.

use std::io::{self, Write};
use std::time::Duration;

use console::{Style, Term};
use jiff::Timestamp;
use kinora_client::{Job, JobFilter, JobState};
use uuid::Uuid;

use super::{MOST_A_PAGE, MOST_SHOWN, command_or_list, one_of, print_json};
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::table::{Cell, Table, print_fields};
use crate::terminal::{format, style};

#[derive(Debug, clap::Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    command: Option<JobsCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum JobsCommand {
    /// List jobs, newest first (the default).
    List(ListArgs),
    /// Show all about one job.
    Show {
        /// Id of the job.
        id: Uuid,
    },
    /// List jobs that are out of attempts, newest first, with what they ended with.
    Dead(DeadArgs),
    /// Encode the video of a dead job once more.
    Replay {
        /// Id of the job, or of the video.
        id: Uuid,
    },
    /// Put dead jobs away: they are no longer listed as such. Their videos stay as they are, and can
    /// still be replayed.
    ///
    /// Without --video and --older-than the queue's dead letters go, too: messages that could not be read,
    /// kept for people to look at. They have neither a video nor an age.
    Purge(PurgeArgs),
    /// Stop all jobs of a video that is being encoded. It fails with that reason, and what could be
    /// played of it goes; its source stays.
    Cancel {
        /// Id of the video, or of one of its jobs.
        id: Uuid,
    },
    /// Say why a job or a video is in the state it is in.
    Why {
        /// Id of the job or the video.
        id: Uuid,
    },
}

#[derive(Debug, clap::Args)]
struct DeadArgs {
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = MOST_SHOWN, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct PurgeArgs {
    /// Only those of this video.
    #[arg(long, value_name = "ID")]
    video: Option<Uuid>,
    /// Only those that ended at least so many days ago.
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=36_500))]
    older_than: u32,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only jobs of this video.
    #[arg(long, value_name = "ID")]
    video: Option<Uuid>,
    /// Only jobs in this state.
    #[arg(long, value_parser = one_of(JobState::ALL, JobState::as_str))]
    state: Option<JobState>,
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = MOST_SHOWN, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl ListArgs {
    fn is_given(&self) -> bool {
        self.video.is_some() || self.state.is_some() || self.limit != MOST_SHOWN
    }
}

pub(crate) async fn run(session: &Session, args: JobsArgs) -> Result<(), Failure> {
    match command_or_list(args.command, args.list, ListArgs::is_given, JobsCommand::List)? {
        JobsCommand::List(args) => list(session, &args).await,
        JobsCommand::Show { id } => show(session, id).await,
        JobsCommand::Dead(args) => dead(session, args.limit).await,
        JobsCommand::Replay { id } => {
            super::videos::retry(session, video_of(session, id).await?).await
        }
        JobsCommand::Cancel { id } => cancel(session, video_of(session, id).await?).await,
        JobsCommand::Purge(args) => purge(session, &args).await,
        JobsCommand::Why { id } => why(session, id).await,
    }
}

async fn list(session: &Session, args: &ListArgs) -> Result<(), Failure> {
    let filter = JobFilter { video: args.video, state: args.state, ..JobFilter::default() };
    let (jobs, more) = page_through(session, filter, args.limit).await?;
    tell(session, &jobs, more, print_table)
}

async fn dead(session: &Session, limit: u32) -> Result<(), Failure> {
    let filter = JobFilter { state: Some(JobState::Failed), ..JobFilter::default() };
    let (jobs, more) = page_through(session, filter, limit).await?;
    tell(session, &jobs, more, print_dead)
}

/// So many jobs at most, and whether there are more.
async fn page_through(
    session: &Session,
    mut filter: JobFilter,
    limit: u32,
) -> Result<(Vec<Job>, bool), Failure> {
    let mut jobs = Vec::new();
    loop {
        let missing = limit - jobs.len() as u32;
        filter.limit = Some(missing.min(MOST_A_PAGE));
        let page = session.client.jobs(&filter).await?;
        jobs.extend(page.items);
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() || jobs.len() as u32 >= limit {
            return Ok((jobs, filter.cursor.is_some()));
        }
    }
}

fn tell(
    session: &Session,
    jobs: &[Job],
    more: bool,
    print: fn(&[Job]) -> io::Result<()>,
) -> Result<(), Failure> {
    if session.json {
        jobs.iter().try_for_each(print_json)?;
    } else if jobs.is_empty() {
        eprintln!("No jobs.");
    } else {
        print(jobs)?;
    }
    if more && !session.json {
        eprintln!("{}", style::quiet("There are more: name a larger --limit."));
    }
    Ok(())
}

/// The video of that id, or of the job of that id.
async fn video_of(session: &Session, id: Uuid) -> Result<Uuid, Failure> {
    match session.client.job(id).await {
        Ok(job) => Ok(job.video),
        Err(error) if error.is_gone() => Ok(id),
        Err(error) => Err(error.into()),
    }
}

async fn cancel(session: &Session, video: Uuid) -> Result<(), Failure> {
    session.client.cancel_encode(video).await?;
    if session.json {
        print_json(&serde_json::json!({ "video": video, "cancelled": true }))?;
    } else {
        eprintln!("{} cancelled", style::good(style::marks().done));
        eprintln!("{}", style::quiet(&format!("`kinora videos retry {video}` takes it up again.")));
    }
    Ok(())
}

async fn purge(session: &Session, args: &PurgeArgs) -> Result<(), Failure> {
    let older_than = Duration::from_secs(u64::from(args.older_than) * 86_400);
    let purged = session.client.purge_jobs(args.video, older_than).await?;
    if session.json {
        print_json(&serde_json::json!({ "purged": purged.jobs, "letters": purged.letters }))?;
    } else {
        let mut what = format::count(purged.jobs, "dead job");
        if purged.letters > 0 {
            what += &format!(" and {}", format::count(purged.letters, "dead letter"));
        }
        eprintln!("{} {what} put away", style::good(style::marks().done));
    }
    Ok(())
}

fn print_dead(jobs: &[Job]) -> io::Result<()> {
    let mut table = Table::new(&["ID", "JOB", "VIDEO", "TRY", "ENDED WITH"], 4);
    for job in jobs {
        let error = job.error.as_ref();
        table.row(vec![
            Cell::dim(job.id.to_string()),
            Cell::new(what(job)),
            Cell::dim(job.video.to_string()),
            Cell::new(format!("{}/{}", job.attempt, job.max_attempts)),
            Cell::new(error.map_or("", |error| error.message.as_str())),
        ]);
    }
    table.print()
}

fn print_table(jobs: &[Job]) -> io::Result<()> {
    let now = Timestamp::now();
    let term = Term::stdout();
    let wide = !term.is_term() || term.size().1 >= 100;
    let heads: &[&str] = match wide {
        true => &["ID", "JOB", "STATE", "DONE", "TRY", "WORKER", "AGE"],
        false => &["ID", "JOB", "STATE", "DONE", "TRY"],
    };
    let mut table = Table::new(heads, 1);
    for job in jobs {
        let mut row = vec![
            Cell::dim(job.id.to_string()),
            Cell::new(what(job)),
            Cell::new(job.state.as_str()).styled(style::state(job.state.as_str())),
            Cell::new(done(job)),
            Cell::new(format!("{}/{}", job.attempt, job.max_attempts)),
        ];
        if wide {
            row.push(Cell::new(job.worker.as_deref().unwrap_or_default()));
            row.push(Cell::dim(format::age(job.created_at, now)));
        }
        table.row(row);
    }
    table.print()
}

async fn show(session: &Session, id: Uuid) -> Result<(), Failure> {
    let job = session.client.job(id).await?;
    if session.json {
        return Ok(print_json(&job)?);
    }
    let time = |at: Option<Timestamp>| Cell::new(at.map(|at| at.to_string()).unwrap_or_default());
    let error = job.error.as_ref().map(|error| format!("{} ({})", error.message, error.code));
    let fields = [
        ("id", Cell::new(job.id.to_string())),
        ("video", Cell::new(job.video.to_string())),
        ("state", Cell::new(job.state.as_str()).styled(style::state(job.state.as_str()))),
        ("done", Cell::new(done(&job))),
        ("attempt", Cell::new(format!("{} of {}", job.attempt, job.max_attempts))),
        ("error", Cell::new(error.unwrap_or_default()).styled(Style::new().red())),
        ("worker", Cell::new(job.worker.as_deref().unwrap_or_default())),
        ("lease until", time(job.lease_until_at)),
        ("not before", time(job.not_before_at)),
        ("created", time(Some(job.created_at))),
        ("started", time(job.started_at)),
        ("finished", time(job.finished_at)),
    ];
    Ok(print_fields(&what(&job), &fields)?)
}

async fn why(session: &Session, id: Uuid) -> Result<(), Failure> {
    let why = session.client.why(id).await?;
    if session.json {
        return Ok(print_json(&why)?);
    }
    let mut out = io::stdout().lock();
    let state = style::state(&why.state).apply_to(format::words(&why.state));
    writeln!(out, "This {} is {state}.", format::line(&why.subject))?;
    for (index, sentence) in why.because.iter().enumerate() {
        let style = if index == 0 { Style::new().bold() } else { Style::new() };
        writeln!(out, "  {}", style.apply_to(format::line(sentence)))?;
    }
    Ok(())
}

/// `encode chunk 7`, `encode audio a1`, `probe`.
fn what(job: &Job) -> String {
    let mut what = format::words(job.class.as_str());
    if let Some(chunk) = job.chunk {
        what += &format!(" {chunk}");
    }
    if let Some(track) = &job.track {
        what += &format!(" {track}");
    }
    what
}

fn done(job: &Job) -> String {
    match &job.progress {
        Some(progress) if job.state == JobState::Running && progress.total > 0.0 => {
            format!("{:.0} %", progress.done * 100.0 / progress.total)
        }
        _ => String::new(),
    }
}
