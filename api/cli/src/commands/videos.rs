//! `kinora videos`.

use std::io::{self, Write};

use console::{Style, Term};
use jiff::Timestamp;
use kinora_client::{Chapter, Quality, Video, VideoFilter, VideoState};
use uuid::Uuid;

use super::{MOST_A_PAGE, MOST_SHOWN, command_or_list, one_of, print_json};
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::terminal::table::{Cell, Table, print_fields};
use crate::terminal::{format, style};

#[derive(Debug, clap::Args)]
pub(crate) struct VideosArgs {
    #[command(subcommand)]
    command: Option<VideosCommand>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum VideosCommand {
    /// List videos, newest first (the default).
    List(ListArgs),
    /// Show all about one video.
    Show {
        /// Id of the video.
        id: Uuid,
    },
    /// Encode a video that failed once more, from its stored source.
    Retry {
        /// Id of the video.
        id: Uuid,
    },
    /// Delete a video, its streams and its source.
    Delete {
        /// Id of the video.
        id: Uuid,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only videos in this state.
    #[arg(long, value_parser = one_of(VideoState::ALL, VideoState::as_str))]
    state: Option<VideoState>,
    /// How many at most.
    #[arg(long, value_name = "COUNT", default_value_t = MOST_SHOWN, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl ListArgs {
    fn is_given(&self) -> bool {
        self.state.is_some() || self.limit != MOST_SHOWN
    }
}

pub(crate) async fn run(session: &Session, args: VideosArgs) -> Result<(), Failure> {
    match command_or_list(args.command, args.list, ListArgs::is_given, VideosCommand::List)? {
        VideosCommand::List(args) => list(session, &args).await,
        VideosCommand::Show { id } => show(session, id).await,
        VideosCommand::Retry { id } => retry(session, id).await,
        VideosCommand::Delete { id, yes } => delete(session, id, yes).await,
    }
}

async fn list(session: &Session, args: &ListArgs) -> Result<(), Failure> {
    let mut filter = VideoFilter { state: args.state, ..VideoFilter::default() };
    let mut videos = Vec::new();
    loop {
        let missing = args.limit - videos.len() as u32;
        filter.limit = Some(missing.min(MOST_A_PAGE));
        let page = session.client.videos(&filter).await?;
        videos.extend(page.items);
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() || videos.len() as u32 >= args.limit {
            break;
        }
    }
    if session.json {
        videos.iter().try_for_each(print_json)?;
    } else if videos.is_empty() {
        eprintln!("No videos. Upload one with `kinora upload FILE`.");
    } else {
        print_table(&videos)?;
    }
    if filter.cursor.is_some() && !session.json {
        eprintln!("{}", style::quiet("There are more: name a larger --limit."));
    }
    Ok(())
}

fn print_table(videos: &[Video]) -> io::Result<()> {
    let now = Timestamp::now();
    let term = Term::stdout();
    let wide = !term.is_term() || term.size().1 >= 100;
    let heads: &[&str] = match wide {
        true => &["ID", "TITLE", "STATE", "LENGTH", "PICTURE", "SIZE", "AGE"],
        false => &["ID", "TITLE", "STATE", "LENGTH"],
    };
    let mut table = Table::new(heads, 1);
    for video in videos {
        let mut row = vec![
            Cell::dim(video.id.to_string()),
            Cell::new(&video.title),
            Cell::new(format::words(video.state.as_str()))
                .styled(style::state(video.state.as_str())),
            Cell::new(format::media(video.duration_us)),
        ];
        if wide {
            row.push(Cell::new(picture(video)));
            row.push(Cell::new(video.size.map(format::bytes).unwrap_or_default()));
            row.push(Cell::dim(format::age(video.created_at, now)));
        }
        table.row(row);
    }
    table.print()
}

async fn show(session: &Session, id: Uuid) -> Result<(), Failure> {
    let video = session.client.video(id).await?;
    let quality = quality(session, &video).await;
    if session.json {
        return Ok(print_json(&Shown { video: &video, quality })?);
    }
    let text = |value: Option<&str>| Cell::new(value.unwrap_or_default());
    let link = |value: Option<&String>| text(value.map(String::as_str)).styled(Style::new().cyan());
    let captions: Vec<_> =
        video.captions.iter().map(|it| format!("{} ({})", it.language, it.name)).collect();
    let chapter = |it: &Chapter| format!("{} {}", format::media(Some(it.start_us)), it.title);
    let chapters: Vec<_> = video.chapters.iter().map(chapter).collect();
    let upload = video.upload.as_ref().filter(|upload| upload.offset < upload.length);
    let upload =
        upload.map(|it| format!("{} of {}", format::bytes(it.offset), format::bytes(it.length)));
    let playback = video.playback.as_ref();
    let expires = playback.and_then(|it| it.token_expires_at).map(|at| at.to_string());
    let fields = [
        ("id", Cell::new(video.id.to_string())),
        (
            "state",
            Cell::new(format::words(video.state.as_str()))
                .styled(style::state(video.state.as_str())),
        ),
        ("reason", text(video.reason.as_ref().map(|reason| reason.message.as_str()))),
        ("warnings", Cell::new(video.warnings.join("; "))),
        ("visibility", Cell::new(video.visibility.as_str())),
        ("profile", text(video.profile.as_deref())),
        ("length", Cell::new(format::media(video.duration_us))),
        ("picture", Cell::new(picture(&video))),
        ("quality", Cell::new(quality.as_ref().map(saved).unwrap_or_default())),
        ("file", text(video.file_name.as_deref())),
        ("size", Cell::new(video.size.map(format::bytes).unwrap_or_default())),
        ("uploaded", text(upload.as_deref())),
        ("captions", Cell::new(captions.join(", "))),
        ("chapters", Cell::new(chapters.join("; "))),
        ("created", Cell::new(video.created_at.to_string())),
        ("watch", link(playback.map(|it| &it.watch_url))),
        ("HLS", link(playback.map(|it| &it.hls_url))),
        ("DASH", link(playback.map(|it| &it.dash_url))),
        ("poster", link(playback.and_then(|it| it.poster_url.as_ref()))),
        ("storyboard", link(playback.and_then(|it| it.storyboard_url.as_ref()))),
        ("links until", text(expires.as_deref())),
    ];
    Ok(print_fields(&video.title, &fields)?)
}

/// A video with what only its encode knows.
#[derive(serde::Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    video: &'a Video,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
}

/// What the quality target came to. Not worth failing for.
async fn quality(session: &Session, video: &Video) -> Option<Quality> {
    // Before it is planned there is none.
    video.duration_us?;
    session.client.progress(video.id).await.ok()?.quality
}

fn saved(quality: &Quality) -> String {
    let about = if quality.produced { "" } else { "about " };
    let rungs = match quality.left_out.is_empty() {
        true => String::new(),
        false => format!(", without {}", quality.left_out.join(", ")),
    };
    format!(
        "{} instead of {}: {about}{} % saved{rungs} (score {:.0}, target {})",
        format::bytes(quality.bytes),
        format::bytes(quality.fixed_bytes),
        quality.saved_percent,
        quality.score,
        quality.target,
    )
}

pub(crate) async fn retry(session: &Session, id: Uuid) -> Result<(), Failure> {
    let video = session.client.retry_video(id).await?;
    if session.json {
        print_json(&video)?;
    } else {
        let title = format::line(&video.title);
        eprintln!("{} trying {title} again", style::good(style::marks().done));
        eprintln!("{}", style::quiet(&format!("Follow it with `kinora watch {id}`.")));
    }
    Ok(())
}

async fn delete(session: &Session, id: Uuid, yes: bool) -> Result<(), Failure> {
    let video = session.client.video(id).await?;
    if !yes {
        confirm(&video)?;
    }
    session.client.delete_video(id).await?;
    if session.json {
        print_json(&serde_json::json!({ "video": id, "deleted": true }))?;
    } else {
        eprintln!("{} deleted {}", style::good(style::marks().done), format::line(&video.title));
    }
    Ok(())
}

fn confirm(video: &Video) -> Result<(), Failure> {
    let term = Term::stderr();
    if !term.is_term() {
        return Err(Failure::usage("deleting needs a yes").help("Add --yes."));
    }
    eprint!("Delete “{}” with its source and streams? [y/N] ", format::line(&video.title));
    io::stderr().flush()?;
    let answer = term.read_line()?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "declined", "nothing was deleted")),
    }
}

fn picture(video: &Video) -> String {
    match (video.width, video.height) {
        (Some(width @ 1..), Some(height)) => format!("{width}×{height}"),
        _ => String::new(),
    }
}
