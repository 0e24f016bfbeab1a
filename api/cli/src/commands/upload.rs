//! `kinora upload`.

use std::path::PathBuf;

use kinora_client::{Priority, Visibility};

use crate::failure::{Exit, Failure};
use crate::follow::Goal;
use crate::report::Reporter;
use crate::session::Session;
use crate::terminal::{format, style};
use crate::upload::{Captions, Fingerprint, Plan, Stage, upload};

#[derive(Debug, clap::Args)]
pub(crate) struct UploadArgs {
    /// Files to upload, one after the other.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Title of the video [default: made from the file's name].
    #[arg(long)]
    title: Option<String>,
    /// Let everybody watch, not only holders of a signed address.
    #[arg(long)]
    public: bool,
    /// How to encode it: one of `kinora profiles` [default: the server's].
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Whether you wait for it, or it may let others go first.
    #[arg(long, value_enum, default_value = "interactive", value_name = "PRIORITY")]
    priority: Urgency,
    /// Captions, WebVTT or SubRip: en=film.vtt. May be given once a language.
    #[arg(long, value_name = "LANG=FILE")]
    captions: Vec<Captions>,
    /// What to wait for.
    #[arg(long, value_enum, default_value = "ready", value_name = "GOAL")]
    wait: Goal,
    /// How often to try again without a byte getting through.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    retries: usize,
    /// Begin anew even if an earlier upload of the file was interrupted.
    #[arg(long)]
    no_resume: bool,
}

/// How much a file matters now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Urgency {
    /// Somebody waits for it.
    Interactive,
    /// One of many: what people wait for goes first.
    Bulk,
}

pub(crate) async fn run(session: &Session, args: &UploadArgs) -> Result<(), Failure> {
    let files = check(args)?;
    let plan = Plan {
        title: args.title.clone(),
        visibility: if args.public { Visibility::Public } else { Visibility::Private },
        profile: args.profile.clone(),
        priority: matches!(args.priority, Urgency::Bulk).then_some(Priority::Bulk),
        captions: args.captions.clone(),
        goal: args.wait,
        retries: args.retries,
        resume: !args.no_resume,
    };
    let (stage, reporter) = (Stage::default(), Reporter::new(session.json));
    let done = tokio::select! {
        done = all(session, &plan, &files, &stage, &reporter) => done,
        _ = tokio::signal::ctrl_c() => Err(stage.interrupted()),
    };
    reporter.end();
    done
}

/// Everything that can be known to be wrong before anything is sent.
fn check(args: &UploadArgs) -> Result<Vec<Fingerprint>, Failure> {
    if args.files.len() > 1 && (args.title.is_some() || !args.captions.is_empty()) {
        return Err(Failure::usage("--title and --captions belong to one file")
            .help("Upload the files one by one."));
    }
    args.captions.iter().try_for_each(Captions::check)?;
    args.files.iter().map(|path| Fingerprint::of(path)).collect()
}

async fn all(
    session: &Session,
    plan: &Plan,
    files: &[Fingerprint],
    stage: &Stage,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let mut failures = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let name = file.name();
        reporter.begin_file(&name, file.size, index + 1, files.len());
        let Err(failure) = upload(&session.client, plan, file, stage, reporter).await else {
            continue;
        };
        let failure = failure.at(session.server());
        reporter.failed(&failure);
        // Another file would meet the same.
        let hopeless = failure.exit == Exit::Auth;
        failures.push((name, failure));
        if hopeless {
            break;
        }
    }
    reporter.end();
    conclude(files.len(), failures)
}

fn conclude(count: usize, mut failures: Vec<(String, Failure)>) -> Result<(), Failure> {
    let Some((_, last)) = failures.last() else {
        if count > 1 {
            eprintln!("{} all {count} files are done", style::good(style::marks().done));
        }
        return Ok(());
    };
    if count == 1 {
        return Err(failures.remove(0).1);
    }
    let alike = failures.iter().all(|(_, failure)| failure.exit == last.exit);
    let hopeless = last.exit == Exit::Auth;
    let exit = match () {
        () if failures.len() < count && !(hopeless && failures.len() == 1) => Exit::PartFailed,
        () if alike => last.exit,
        () => Exit::Failed,
    };
    let failed = failures.len();
    eprintln!("{} {failed} of {count} files failed:", style::error("error:"));
    for (name, failure) in &failures {
        eprintln!(
            "  {} {name}: {}",
            style::error(style::marks().failed),
            format::line(&failure.what)
        );
    }
    let told = Failure::told(exit);
    Err(match failures.iter().any(|(_, failure)| failure.exit == Exit::TryAgain) {
        true => told.help("Upload these again later; what was sent of them is not lost."),
        false => told,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(count: usize, exits: &[Exit]) -> Exit {
        let failures = exits.iter().map(|exit| ("a".into(), Failure::new(*exit, "", "b")));
        conclude(count, failures.collect()).map_or_else(|failure| failure.exit, |()| Exit::Done)
    }

    #[test]
    fn several_files_end_in_one_exit_code() {
        assert_eq!(exit(3, &[]), Exit::Done);
        assert_eq!(exit(1, &[Exit::TryAgain]), Exit::TryAgain);
        assert_eq!(exit(3, &[Exit::TryAgain]), Exit::PartFailed);
        assert_eq!(exit(2, &[Exit::TryAgain, Exit::TryAgain]), Exit::TryAgain);
        assert_eq!(exit(2, &[Exit::TryAgain, Exit::Failed]), Exit::Failed);
    }
}
