//! What a sandboxed child cannot do: tried by the child itself, on this kernel and on one that
//! lacks half of it.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
    thread,
};

use kinora_plan::sandbox::{Enforcement, SandboxReport};
use seccompiler::{SeccompAction, SeccompFilter, TargetArch, apply_filter};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinora-encoder"));
    command.arg("sandbox-check").args(arguments);
    command
}

fn report(output: &Output) -> SandboxReport {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Starts a command as a kernel without these system calls would.
fn without(calls: &[i64], mut command: Command) -> Output {
    let rules: BTreeMap<_, _> = calls.iter().map(|call| (*call, vec![])).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, arch).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    // Inherited by what this thread starts, and by nothing else.
    thread::spawn(move || {
        apply_filter(&program).unwrap();
        command.output().unwrap()
    })
    .join()
    .unwrap()
}

#[test]
fn a_child_reaches_nothing_but_its_results() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "x").unwrap();
    let secret = secret.to_str().unwrap();

    let output = command(&["--json", "--port", &port, "--outside", secret]).output().unwrap();
    let report = report(&output);
    if report.landlock != Enforcement::Full || report.seccomp != Enforcement::Full {
        eprintln!("SKIPPED: this kernel lacks something: {}", report.summary());
        return;
    }
    assert!(report.is_whole(), "{report:#?}");
    assert_eq!(report.trials.iter().filter(|trial| trial.forbidden).count(), 8);
    assert!(output.status.success());
    let connection = listener.accept();
    assert!(connection.is_err(), "{connection:?}");
}

#[test]
fn the_trials_notice_that_nothing_holds() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = command(&["--json", "--sandbox", "off", "--port", &port]).output().unwrap();
    let report = report(&output);
    assert!(report.trials.iter().all(|trial| trial.refused.is_none()), "{report:#?}");
    assert!(!report.is_whole() && report.summary().contains("switched off"), "{report:#?}");
    assert!(listener.accept().is_ok(), "the trial does connect");
}

#[test]
fn becoming_another_program_is_the_end() {
    let output = command(&["--json", "--deadly"]).output().unwrap();
    if report(&output).seccomp != Enforcement::Full {
        eprintln!("SKIPPED: this kernel has no seccomp");
        return;
    }
    assert_eq!(output.status.signal(), Some(libc::SIGSYS), "{output:?}");
}

#[test]
fn without_landlock_the_rest_is_in_force_and_the_report_says_so() {
    let landlock = [libc::SYS_landlock_create_ruleset];
    let report = report(&without(&landlock, command(&["--json"])));
    assert_eq!(report.landlock, Enforcement::None);
    assert!(report.summary().contains("no Landlock"), "{}", report.summary());
    assert!(report.summary().contains("read_outside"), "{}", report.summary());
    let refused = |what: &str| report.trials.iter().any(|t| t.what == what && t.holds());
    assert!(!refused("read_outside"));
    if report.seccomp == Enforcement::Full {
        assert!(refused("internet") && refused("start_program") && refused("signal_parent"));
    }
    let required = command(&["--json", "--sandbox", "required"]);
    let output = without(&landlock, required);
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("no Landlock") && words.contains("worker.sandbox"), "{words}");
}

#[test]
fn without_seccomp_files_are_fenced_still() {
    let report = report(&without(&[libc::SYS_seccomp], command(&["--json"])));
    assert_eq!(report.seccomp, Enforcement::None);
    assert!(report.summary().contains("seccomp"), "{}", report.summary());
    if report.landlock == Enforcement::Full {
        let read = report.trials.iter().find(|trial| trial.what == "read_outside").unwrap();
        assert!(read.holds(), "{report:#?}");
    }
}
