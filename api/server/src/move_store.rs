//! `kinorad move-store`: from files to a bucket, or back.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use kinora_store::{
    ObjectMeta, ObjectStore,
    transfer::{self, Outcome},
};

use crate::{
    config::{Config, Overrides},
    data_dir::DataDir,
    store::Store,
};

/// Objects under way at a time.
const AT_ONCE: usize = 8;

/// From where, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct MoveArgs {
    /// The store there is: file://FOLDER or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    from: String,
    /// The store there will be; whichever is in S3 is reached by the `store` settings
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    overrides: Overrides,
}

/// Copies what is missing, then reads both to the end and compares. Nothing is removed.
///
/// # Errors
/// A store that cannot be used, a kinorad that runs, or objects that are not alike at the end.
pub(crate) async fn move_store(args: &MoveArgs) -> anyhow::Result<()> {
    ensure!(args.from != args.to, "--from and --to are the same store");
    // The settings of [store] belong to whichever is in S3.
    let in_s3 = [&args.from, &args.to].into_iter().find(|url| url.starts_with("s3://"));
    let named = in_s3.unwrap_or(&args.from);
    let config = Config::load(&args.overrides.clone().with(format!("store.url={named}")))?;
    let old = config.with_store(&args.from).context("--from")?;
    let new = config.with_store(&args.to).context("--to")?;
    // Heads must not change under the copy.
    let _data = DataDir::open(&old.data_dir)?;
    let from = Store::open(&old).await.context("--from")?.objects();
    let to = Store::open(&new).await.context("--to")?.objects();

    let scratch: PathBuf = old.data_dir.clone();
    let mut counts = [0_u64; 3];
    let copied = |object: ObjectMeta| {
        let (from, to, scratch) = (Arc::clone(&from), Arc::clone(&to), scratch.clone());
        async move { transfer::copy(&*from, &*to, &object, &scratch).await.map_err(Into::into) }
    };
    each("Copying", &from, copied, |outcome| {
        counts[match outcome {
            Outcome::Copied => 0,
            Outcome::There => 1,
            Outcome::Replaced => 2,
        }] += 1;
    })
    .await?;

    let mut unlike = 0_u64;
    let compared = |object: ObjectMeta| {
        let (from, to) = (Arc::clone(&from), Arc::clone(&to));
        async move { Ok((transfer::compare(&*from, &*to, &object).await?, object.key)) }
    };
    each("Comparing", &from, compared, |(alike, key)| {
        if !alike {
            eprintln!("kinorad: {key} is not the same in both stores");
            unlike += 1;
        }
    })
    .await?;
    let [new_objects, there, replaced] = counts;
    println!("{new_objects} objects copied, {there} were there, {replaced} heads replaced");
    if unlike > 0 {
        bail!("{unlike} objects differ: remove them from {} and go on", args.to);
    }
    println!("Both stores hold the same. Set store.url to {} and start kinorad.", args.to);
    Ok(())
}

/// Does something to every object of a store, several at a time, and tells how far it is.
async fn each<T, F>(
    what: &'static str,
    store: &Arc<dyn ObjectStore>,
    act: impl Fn(ObjectMeta) -> F,
    mut done: impl FnMut(T),
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<T>>,
{
    // Hidden where nobody watches: there it draws nothing.
    let bar = ProgressBar::no_length().with_message(what);
    let style = "{msg}: {human_pos} objects, {elapsed} ({per_sec})";
    bar.set_style(ProgressStyle::with_template(style).context("our own template")?);
    let mut after = None;
    loop {
        let page = transfer::page(&**store, after.as_ref()).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        let mut acts = stream::iter(page.into_iter().map(&act)).buffer_unordered(AT_ONCE);
        while let Some(outcome) = acts.try_next().await? {
            done(outcome);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(())
}
