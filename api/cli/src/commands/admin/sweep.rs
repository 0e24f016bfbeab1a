//! `kinora admin sweep`: what nobody needs.

use std::time::Duration;

use indicatif::ProgressBar;
use kinora_client::{Stray, StrayKind, Sweep, Swept};

use super::super::print_json;
use crate::failure::Failure;
use crate::session::Session;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{format, style};

#[derive(Debug, clap::Args)]
pub(super) struct SweepArgs {
    /// Remove what is listed.
    #[arg(long)]
    apply: bool,
    /// How old something must be, hours; a day if this is not given. Less is safe only while nothing is
    /// uploaded or encoded.
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(..=876_000))]
    older_than: Option<u32>,
}

pub(super) async fn sweep(session: &Session, args: &SweepArgs) -> Result<(), Failure> {
    let older_than = args.older_than.map(|hours| Duration::from_secs(u64::from(hours) * 3600));
    let all = ask(session, Sweep { apply: args.apply, older_than }).await?;
    if session.json {
        return Ok(print_json(&all)?);
    }
    if !all.strays.is_empty() {
        print_table(&all.strays)?;
    }
    eprintln!("{} {}", style::good(style::marks().done), summary(&all, args.apply));
    Ok(())
}

/// Asks page by page, and says how far it is where somebody looks.
async fn ask(session: &Session, sweep: Sweep) -> Result<Swept, Failure> {
    let spinner = ProgressBar::new_spinner();
    let mut all = Swept::default();
    loop {
        let page = session.client.sweep(sweep, all.next).await?;
        all.videos += page.videos;
        all.young += page.young;
        all.strays.extend(page.strays);
        all.next = page.next;
        spinner.set_message(format::count(all.videos, "video"));
        spinner.tick();
        if all.next.is_none() {
            break;
        }
    }
    all.strays.extend(session.client.sweep_catalogue(sweep).await?.strays);
    spinner.finish_and_clear();
    Ok(all)
}

fn summary(all: &Swept, apply: bool) -> String {
    let bytes = all.strays.iter().filter_map(|stray| stray.bytes).sum();
    let removed = all.strays.iter().filter(|stray| stray.removed).count() as u64;
    let strays = format::count(all.strays.len() as u64, "stray");
    let found = format!(
        "{}: {strays} of {}, {} too young to be sure of",
        format::count(all.videos, "video"),
        format::bytes(bytes),
        all.young
    );
    match (apply, all.strays.is_empty()) {
        (true, _) => format!("{found}; {removed} removed"),
        (false, true) => found,
        (false, false) => format!("{found}; --apply removes them"),
    }
}

fn print_table(strays: &[Stray]) -> std::io::Result<()> {
    let mut table = Table::new(&["KIND", "BYTES", "REMOVED", "NAME", "WHY"], 3);
    for stray in strays {
        let removed = match (stray.removed, stray.kind) {
            (true, _) => "yes",
            (false, StrayKind::Source) => "never",
            (false, _) => "no",
        };
        table.row(vec![
            Cell::new(stray.kind.as_str()),
            Cell::new(stray.bytes.map(format::bytes).unwrap_or_default()),
            Cell::new(removed),
            Cell::new(&stray.name),
            Cell::dim(&stray.message),
        ]);
    }
    table.print()
}
