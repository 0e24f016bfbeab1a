//! Trying what a sandboxed child must not be able to do.

use std::{
    fs, io,
    net::{TcpStream, UdpSocket},
    os::unix::{net::UnixDatagram, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Command, ExitCode},
    thread,
};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use kinora_plan::sandbox::{SandboxMode, SandboxReport, SandboxTrial};
use rustix::process::{getppid, test_kill_process};

use super::{Grants, enter};

/// A file that is on every host and belongs to nobody's task.
const OUTSIDE: &str = "/etc/passwd";
/// A port on this host. Whether anybody listens does not matter: refused is the socket.
const PORT: u16 = 9;

/// What `kinora-encoder sandbox-check` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// How strictly: auto, required, off
    #[arg(long, value_name = "MODE", default_value = "auto", value_parser = mode)]
    sandbox: SandboxMode,
    /// A file that must not be readable
    #[arg(long, value_name = "FILE", default_value = OUTSIDE)]
    outside: PathBuf,
    /// A local port that must not be reachable
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    port: u16,
    /// At the end, become another program: the sandbox must kill this process
    #[arg(long, hide = true)]
    deadly: bool,
}

/// A [`SandboxMode`] by its word.
///
/// # Errors
/// It is none; the text says which there are.
pub fn mode(word: &str) -> Result<SandboxMode, String> {
    [SandboxMode::Auto, SandboxMode::Required, SandboxMode::Off]
        .into_iter()
        .find(|mode| mode.as_str() == word)
        .ok_or_else(|| format!("'{word}' is none of auto, required, off"))
}

/// Enters the sandbox as a task does, tries to leave it, and prints what was refused.
///
/// GStreamer learns of its plugins before, so that this also prepares the cache that sandboxed
/// children can only read.
pub fn run(args: &CheckArgs) -> ExitCode {
    let checked = examine(args).and_then(|report| print(&report, args.json).map(|()| report));
    if args.deadly {
        // Comes back only if it failed.
        let error = Command::new("/bin/true").exec();
        eprintln!("kinora-encoder: /bin/true was not started, and this process lives: {error}");
    }
    match checked {
        Ok(report) if report.is_whole() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kinora-encoder: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// What the kernel of this host keeps a child from: asks a process of its own, because no process
/// leaves a sandbox again.
///
/// # Errors
/// This binary cannot be started again, or does not answer.
pub fn report() -> anyhow::Result<SandboxReport> {
    let binary = std::env::current_exe().context("the path of this program")?;
    let answer = Command::new(binary).args(["sandbox-check", "--json"]).output();
    let answer = answer.context("start sandbox-check")?;
    let words = String::from_utf8_lossy(&answer.stderr);
    ensure!(!answer.stdout.is_empty(), "sandbox-check did not answer: {}", words.trim());
    serde_json::from_slice(&answer.stdout).context("the answer of sandbox-check")
}

fn examine(args: &CheckArgs) -> anyhow::Result<SandboxReport> {
    gstreamer::init().context("GStreamer")?;
    let folder = std::env::temp_dir();
    let inside = folder.join(format!("kinora-sandbox-check-{}", process::id()));
    fs::create_dir(&inside).with_context(|| format!("make {}", inside.display()))?;
    // Files are fenced for that thread alone: this one can tidy up.
    let result = thread::scope(|scope| {
        let tried = scope.spawn(|| examine_in(args, &folder, &inside)).join();
        tried.unwrap_or_else(|_| Err(anyhow!("a trial panicked")))
    });
    let _ = fs::remove_dir_all(&inside);
    result
}

fn examine_in(args: &CheckArgs, folder: &Path, inside: &Path) -> anyhow::Result<SandboxReport> {
    let beside = folder.join(format!("kinora-sandbox-beside-{}", process::id()));
    let grants = Grants { write: vec![inside.to_owned()], ..Grants::default() };
    let sealed = enter(args.sandbox, &grants)?.seal()?;
    let result = inside.join("result");
    let trials = vec![
        must_not("read_outside", fs::read(&args.outside).map(drop)),
        must_not("list_outside", fs::read_dir(folder).map(drop)),
        must_not("write_outside", fs::write(&beside, "x").inspect(|()| remove(&beside))),
        must_not("internet", TcpStream::connect(("127.0.0.1", args.port)).map(drop)),
        must_not("datagram", UdpSocket::bind(("127.0.0.1", 0)).map(drop)),
        must_not("local_socket", UnixDatagram::unbound().map(drop)),
        must_not("start_program", Command::new("/bin/true").status().map(drop)),
        must_not("signal_parent", signal_parent()),
        must("write_result", fs::write(&result, "x")),
        must("read_result", fs::read(&result).map(drop)),
        must("remove_result", fs::remove_file(&result)),
        must("read_libraries", fs::read_dir("/usr/lib").map(drop)),
        must("start_thread", thread::Builder::new().spawn(|| ()).map(drop)),
    ];
    let (landlock, seccomp, missing) = (sealed.landlock, sealed.seccomp, sealed.missing);
    Ok(SandboxReport { landlock, seccomp, missing, trials })
}

fn signal_parent() -> io::Result<()> {
    match getppid() {
        Some(parent) => Ok(test_kill_process(parent)?),
        None => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Only a refusal by the kernel counts: a port on which nobody listens was reached.
fn must_not(what: &str, tried: io::Result<()>) -> SandboxTrial {
    let refused = tried.err().filter(|error| {
        let code = error.raw_os_error();
        let codes = [libc::EPERM, libc::EACCES, libc::ENOSYS];
        code.is_some_and(|code| codes.contains(&code))
            || error.kind() == io::ErrorKind::PermissionDenied
    });
    trial(what, true, refused)
}

fn must(what: &str, tried: io::Result<()>) -> SandboxTrial {
    trial(what, false, tried.err())
}

fn trial(what: &str, forbidden: bool, refused: Option<io::Error>) -> SandboxTrial {
    SandboxTrial {
        what: what.to_owned(),
        forbidden,
        refused: refused.map(|error| error.to_string()),
    }
}

fn print(report: &SandboxReport, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!("landlock  {:?}\nseccomp   {:?}", report.landlock, report.seccomp);
    for missing in &report.missing {
        println!("missing   {missing}");
    }
    for trial in &report.trials {
        let verdict = if trial.holds() { "as it must be" } else { "NOT AS IT MUST BE" };
        let outcome = trial.refused.as_deref().unwrap_or("allowed");
        println!("{:<16}  {outcome}: {verdict}", trial.what);
    }
    Ok(())
}
