//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::commands::{admin, completions, jobs, lint, package, profiles, upload, videos, watch};

const AFTER_HELP: &str = "\
Exit codes:
    0  done
    1  failed: the video could not be made, or the server refused
    2  wrong usage, or a file that is not there
    3  some of several files failed
    4  the API key is missing or not valid
    5  try again: the server cannot be reached or is overloaded
  130  interrupted

Examples:
  kinora login --server https://video.example.org
  kinora upload film.mp4 --captions en=film.vtt
  kinora upload *.mov --public --wait=playable
  kinora upload film.mp4 --json | tail -1 | jq -r .hls_url
  kinora package film-1080.mp4 film-480.mp4 --captions en=film.vtt -o film
  kinora jobs why 0198c2f4-7a10-7d53-b1c5-3f1b2f6f9e11";

/// Uploads videos to a Kinora server and shows what becomes of them.
#[derive(Debug, Parser)]
#[command(name = "kinora", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Address of the server [default: the one logged in to, else http://127.0.0.1:8080].
    #[arg(long, global = true, env = "KINORA_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// API key [default: the one stored by `kinora login` for this server].
    #[arg(long, global = true, env = "KINORA_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// Print JSON on stdout, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upload files and follow them until they play.
    ///
    /// An interrupted upload goes on where it stopped when the same command is run again.
    Upload(upload::UploadArgs),
    /// List, show and delete videos.
    Videos(videos::VideosArgs),
    /// List and show jobs, and say why something waits.
    Jobs(jobs::JobsArgs),
    /// List and show the ways to encode videos, and check a file of your own.
    Profiles(profiles::ProfilesArgs),
    /// Follow a video until it is ready.
    Watch(watch::WatchArgs),
    /// Turn finished MP4 files into HLS and DASH, without encoding them again; needs no server.
    ///
    /// Give one file for each quality of the picture. Soundtracks come from all files, each language
    /// once. Key frames must lie at equal times in all pictures.
    Package(package::PackageArgs),
    /// Check HLS playlists, files or on a server, against RFC 8216bis.
    ///
    /// Playlists on a server that go on are read again, and held against what they were.
    Lint(lint::LintArgs),
    /// Check what a server holds.
    ///
    /// Backups, and moving all media into another store, need database and store themselves: on the
    /// server's own host see `kinorad backup`, `kinorad restore` and `kinorad move-store`.
    Admin(admin::AdminArgs),
    /// Check an API key and store it for later.
    ///
    /// Without --api-key the key is asked for, or read from the first line of stdin.
    Login,
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
