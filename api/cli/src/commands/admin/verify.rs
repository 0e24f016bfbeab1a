//! `kinora admin verify`: whether anything was lost or left behind.

use console::Style;
use indicatif::ProgressBar;
use kinora_client::{Finding, Severity, Verified};

use super::super::print_json;
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{format, style};

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// Count what is pending as a fault: nothing should be under way.
    #[arg(long)]
    settled: bool,
}

pub(super) async fn verify(session: &Session, args: &VerifyArgs) -> Result<(), Failure> {
    let all = ask(session).await?;
    let count = |severity| all.findings.iter().filter(|f| f.severity == severity).count();
    let (faults, pending) = (count(Severity::Fault), count(Severity::Pending));
    if session.json {
        print_json(&all)?;
    } else if !all.findings.is_empty() {
        print_table(&all.findings)?;
    }
    let counted = format!(
        "{}, {}, {}: {}, {pending} pending",
        format::count(all.videos, "video"),
        format::count(all.objects, "object"),
        format::bytes(all.bytes),
        format::count(faults as u64, "fault"),
    );
    if faults > 0 || (args.settled && pending > 0) {
        return Err(Failure::new(Exit::Failed, "verify", counted));
    }
    if !session.json {
        eprintln!("{} {counted}", style::good(style::marks().done));
    }
    Ok(())
}

/// Asks page by page, and says how far it is where somebody looks.
async fn ask(session: &Session) -> Result<Verified, Failure> {
    let spinner = ProgressBar::new_spinner();
    let mut all = Verified::default();
    loop {
        let page = session.client.verify(all.next).await?;
        all.videos += page.videos;
        all.objects += page.objects;
        all.bytes += page.bytes;
        all.findings.extend(page.findings);
        all.next = page.next;
        let (videos, objects) =
            (format::count(all.videos, "video"), format::count(all.objects, "object"));
        spinner.set_message(format!("{videos}, {objects}"));
        spinner.tick();
        if all.next.is_none() {
            break;
        }
    }
    // The same videos once more, as the catalogue has them.
    loop {
        let page = match session.client.verify_catalogue(all.next).await {
            Ok(page) => page,
            // A server of the version before does not know it.
            Err(error) if error.is_gone() => break,
            Err(error) => return Err(error.into()),
        };
        all.findings.extend(page.findings);
        all.next = page.next;
        spinner.tick();
        if all.next.is_none() {
            break;
        }
    }
    spinner.finish_and_clear();
    Ok(all)
}

fn print_table(findings: &[Finding]) -> std::io::Result<()> {
    let mut table = Table::new(&["SEVERITY", "VIDEO", "CODE", "WHAT"], 3);
    for finding in findings {
        let style = match finding.severity {
            Severity::Fault => Style::new().red(),
            _ => Style::new().dim(),
        };
        table.row(vec![
            Cell::new(finding.severity.as_str()).styled(style),
            Cell::dim(finding.video.map(|video| video.to_string()).unwrap_or_default()),
            Cell::new(&finding.code),
            Cell::new(&finding.message),
        ]);
    }
    table.print()
}
