//! How a command ends when it does not end well: an exit code for scripts, two lines for people.

use std::process::ExitCode;

use kinora_client::{Error, Problem};

use crate::terminal::{format, style};

/// Exit codes; `kinora --help` promises them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    PartFailed = 3,
    Auth = 4,
    TryAgain = 5,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Stable word for programs.
    pub(crate) code: String,
    /// What was wrong; empty if it was said already.
    pub(crate) what: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

/// Stands in a text for the server's address, which the place of the fault need not know.
const SERVER: &str = "{server}";

impl Failure {
    pub(crate) fn new(exit: Exit, code: &str, what: impl Into<String>) -> Self {
        Self { exit, code: code.into(), what: what.into(), help: None }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", what)
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Ends with this code; people were told already.
    pub(crate) fn told(exit: Exit) -> Self {
        Self::new(exit, "", "")
    }

    /// Names the server.
    pub(crate) fn at(self, server: &str) -> Self {
        let server = server.trim_end_matches('/');
        Self {
            what: self.what.replace(SERVER, server),
            help: self.help.map(|help| help.replace(SERVER, server)),
            ..self
        }
    }

    pub(crate) fn tell(self) -> ExitCode {
        if !self.what.is_empty() {
            eprintln!("{} {}", style::error("error:"), format::clean(&self.what));
        }
        if let Some(help) = &self.help {
            eprintln!("{} {}", style::quiet(" help:"), format::clean(help));
        }
        self.exit.into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Setup(what) => Self::usage(what.clone())
                .help("Name the server as --server http://HOST:PORT, or in KINORA_SERVER."),
            Error::Auth(problem) => auth(problem),
            Error::Refused(problem) => refused(problem),
            Error::Busy { problem, .. } => busy(problem),
            Error::Unreachable { cause, .. } => Self::new(
                Exit::TryAgain,
                "unreachable",
                format!("no answer from {SERVER}: {cause}"),
            )
            .help("Is kinorad running there? Another server is named with --server."),
            Error::Protocol(what) => Self::new(
                Exit::Failed,
                "protocol",
                format!("{SERVER} gave an unexpected answer: {what}"),
            )
            .help("Is it a Kinora server, of a version near this one?"),
            Error::Source { .. } => Self::new(Exit::Failed, "source", error.to_string())
                .help("Run the command again once the file rests."),
        }
    }
}

fn auth(problem: &Problem) -> Failure {
    if problem.code == "quota_exceeded" {
        return Failure::new(Exit::Failed, "quota_exceeded", format!("refused: {problem}"))
            .help("Videos are deleted with `kinora videos delete`; the operator can allow more.");
    }
    let what = if problem.status == 403 {
        format!("this API key may not do that: {problem}")
    } else {
        format!("{SERVER} wants a valid API key: {problem}")
    };
    Failure::new(Exit::Auth, code(problem, "unauthenticated"), what)
        .help(format!("Store one with `kinora login --server {SERVER}`, or set KINORA_API_KEY."))
}

fn refused(problem: &Problem) -> Failure {
    let failure =
        Failure::new(Exit::Failed, code(problem, "refused"), format!("refused: {problem}"));
    match problem.code.as_str() {
        "not_found" => Failure { what: "there is nothing with this id".into(), ..failure }
            .help("See what there is with `kinora videos` and `kinora jobs`."),
        "upload_too_large" => failure.help("The server's operator can raise its limit."),
        "unknown_profile" => failure.help("See what there is with `kinora profiles`."),
        "invalid_captions" => failure.help("Mend the captions file and run the command again."),
        _ => match &problem.request_id {
            Some(id) => failure.help(format!("The server's log tells more about request {id}.")),
            None => failure,
        },
    }
}

fn busy(problem: &Problem) -> Failure {
    let what = format!("{SERVER} cannot do this now: {problem}");
    let failure = Failure::new(Exit::TryAgain, code(problem, "unavailable"), what);
    match &problem.request_id {
        Some(id) => failure.help(format!("Try again later; its log knows this as request {id}.")),
        None => failure.help("Try again later."),
    }
}

fn code<'p>(problem: &'p Problem, otherwise: &'p str) -> &'p str {
    if problem.code.is_empty() { otherwise } else { &problem.code }
}

/// Output that cannot be written. A reader that has seen enough (`kinora videos | head`) is none.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::told(Exit::Done);
        }
        Self::new(Exit::Failed, "output", format!("cannot write the output: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, code: &str) -> Failure {
        let problem = Box::new(Problem {
            status,
            code: code.into(),
            title: String::new(),
            detail: "Detail.".into(),
            request_id: Some("r-1".into()),
        });
        let error = match status {
            401 | 403 => Error::Auth(problem),
            500.. => Error::Busy { problem, retry_after: None },
            _ => Error::Refused(problem),
        };
        Failure::from(error).at("http://host:1/")
    }

    #[test]
    fn each_kind_of_fault_has_its_exit_code_and_a_next_step() {
        let auth = failure(401, "unauthenticated");
        assert_eq!(
            (auth.exit, auth.what.as_str()),
            (Exit::Auth, "http://host:1 wants a valid API key: Detail.")
        );
        let quota = failure(403, "quota_exceeded");
        assert_eq!((quota.exit, quota.what.as_str()), (Exit::Failed, "refused: Detail."));
        let busy = failure(503, "overloaded");
        assert_eq!(busy.exit, Exit::TryAgain);
        assert!(busy.help.unwrap().contains("r-1"));
        let refused = failure(404, "not_found");
        assert_eq!(refused.exit, Exit::Failed);
        assert!(refused.help.unwrap().contains("kinora videos"));
        assert_eq!(Failure::from(Error::Setup("x".into())).exit, Exit::Usage);
    }
}
