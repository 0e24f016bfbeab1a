//! `kinorad backup` and `kinorad restore`: the database as a file, and back.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use kinora_catalogue::{Adopted, adopt, lose};
use kinora_db::{Clock, Database};
use kinora_media::AccountId;
use kinora_transcoding::{Lost, lost_media};

use crate::{
    config::{Config, Overrides},
    data_dir::DataDir,
    front::ACCOUNT,
    store::Store,
};

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// The file to write; one that is there is replaced once the new one is whole
    file: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

/// Where from.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// A file that `kinorad backup` wrote
    file: PathBuf,
    /// Take videos in that the store has and the backup has not: their sources are encoded again. Videos
    /// whose media the store has no more are marked as failed, with that reason
    #[arg(long)]
    reconcile: bool,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

/// Writes the database down.
///
/// # Errors
/// The database or the disk fails; then the file is as it was.
pub(crate) async fn backup(args: &BackupArgs) -> anyhow::Result<()> {
    let config = Config::load(&args.overrides)?;
    let db = open(&config).await?;
    let temporary = PathBuf::from(format!("{}.tmp", args.file.display()));
    let context = || format!("cannot write {}", temporary.display());
    // It holds what people called their videos, and nobody else's business.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut out = BufWriter::new(options.open(&temporary).with_context(context)?);
    let rows = kinora_db::backup::write(&db, &mut out).await?;
    out.flush().with_context(context)?;
    out.get_ref().sync_all().with_context(context)?;
    fs::rename(&temporary, &args.file).with_context(context)?;
    sync_folder(&args.file)?;
    db.close().await;
    println!(
        "{rows} rows in {}. Keep the keys in {} with it.",
        args.file.display(),
        config.data_dir.display()
    );
    Ok(())
}

/// Fills an empty database, and says what its store has besides.
///
/// # Errors
/// A kinorad that runs, a database that is not empty, or a backup that is not whole or of another
/// version; then the database is as it was.
pub(crate) async fn restore(config: &Config, args: &RestoreArgs) -> anyhow::Result<()> {
    let _data = DataDir::open(&config.data_dir)?;
    let file = File::open(&args.file);
    let file = file.with_context(|| format!("cannot read {}", args.file.display()))?;
    let db = open(config).await?;
    let rows = kinora_db::backup::restore(&db, BufReader::new(file)).await?;
    kinora_transcoding::fence_attempts(&db).await?;
    println!("{rows} rows restored");
    let store = Store::open(config).await?.objects();
    let account = AccountId::new(ACCOUNT).context("the account's name")?;
    let clock = Clock::system();
    let adopted = adopt(&db, &*store, &clock, &account, args.reconcile).await?;
    for Adopted { video, bytes, version } in &adopted {
        println!(
            "the store has a video that the backup has not: {video}, {bytes} bytes, next version {version}"
        );
    }
    let lost = lost_media(&db, &*store, &clock, args.reconcile).await?;
    for lost in &lost {
        let Lost { video, version, objects, .. } = lost;
        println!(
            "the store lost {objects} objects of a video that was ready: {video}, version {version}"
        );
        if args.reconcile {
            lose(&db, &clock, (*video, *version), lost.code, &lost.message).await?;
        }
    }
    match (adopted.len(), lost.len(), args.reconcile) {
        (0, 0, _) => {}
        (taken, lost, true) => println!(
            "{taken} videos adopted, which are encoded again when kinorad runs; {lost} marked as failed, \
             which `kinora videos retry` has encoded again"
        ),
        _ => println!("To settle that, restore into an empty database with --reconcile."),
    }
    println!(
        "Start kinorad; `kinora admin verify` then says what the backup has and the store has not."
    );
    db.close().await;
    Ok(())
}

async fn open(config: &Config) -> anyhow::Result<Database> {
    let db = Database::open_with(&config.database_url(), config.database.connections).await;
    db.with_context(|| format!("cannot open the database {}", config.database_name()))
}

fn sync_folder(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?)
}
