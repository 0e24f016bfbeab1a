//! The worker's folder on disk: what is in it belongs to jobs that run, and goes with them.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// How often, and how far apart, a folder is tried to be removed.
const REMOVE_RETRIES: usize = 5;
const REMOVE_PAUSE: Duration = Duration::from_millis(100);

/// The folder of one worker. Holds a lock while it lives.
#[derive(Debug)]
pub(crate) struct Scratch {
    jobs: PathBuf,
    registry: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes the folder `name` in `folder`, or takes it over from a worker that died and empties
    /// it of that worker's jobs.
    pub(crate) fn open(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fits = (1..=64).contains(&name.len()) && !name.starts_with('.');
        if !fits || !name.bytes().all(allowed) {
            bail!("'{name}' cannot name a worker: use 1 to 64 of a-z A-Z 0-9 . _ -, no dot first");
        }
        let root = std::path::absolute(folder.join(name))?;
        let made = || format!("make the scratch folder {}", root.display());
        fs::create_dir_all(&root).with_context(made)?;
        let lock = lock(&root)?;
        let jobs = root.join("jobs");
        match fs::remove_dir_all(&jobs) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("empty {}", jobs.display()));
            }
            _ => fs::create_dir(&jobs).with_context(made)?,
        }
        Ok(Self { jobs, registry: root.join("gstreamer-registry.bin"), _lock: lock })
    }

    /// A new folder for one job.
    pub(crate) fn job(&self) -> io::Result<JobScratch> {
        let folder = tempfile::Builder::new().prefix("job-").tempdir_in(&self.jobs)?;
        fs::create_dir(folder.path().join("out"))?;
        Ok(JobScratch { folder })
    }

    /// Where children keep what they learnt about GStreamer's plugins: the one thing that
    /// outlives a job, because learning it anew takes seconds.
    pub(crate) fn registry(&self) -> &Path {
        &self.registry
    }
}

fn lock(root: &Path) -> anyhow::Result<File> {
    let path = root.join("lock");
    let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another worker of this name uses {}: give one another name", root.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("lock {}", path.display()))
        }
    }
}

/// The folder of one job; removed with it.
#[derive(Debug)]
pub(crate) struct JobScratch {
    folder: TempDir,
}

impl JobScratch {
    /// The child's home and working folder.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Where the child puts its results.
    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The child's task.
    pub(crate) fn spec(&self) -> PathBuf {
        self.folder.path().join("spec.json")
    }

    /// Removes the results, so that another task may have the folder.
    pub(crate) async fn clear(&self) -> io::Result<()> {
        let mut results = tokio::fs::read_dir(self.output()).await?;
        while let Some(result) = results.next_entry().await? {
            match result.file_type().await?.is_dir() {
                true => tokio::fs::remove_dir_all(result.path()).await?,
                false => tokio::fs::remove_file(result.path()).await?,
            }
        }
        Ok(())
    }

    /// Removes the folder. A child that is being killed may still write there for a moment.
    pub(crate) async fn remove(self) {
        let path = self.folder.path();
        let mut result = tokio::fs::remove_dir_all(path).await;
        for _ in 0..REMOVE_RETRIES {
            if result.is_ok() {
                break;
            }
            tokio::time::sleep(REMOVE_PAUSE).await;
            result = tokio::fs::remove_dir_all(path).await;
        }
        if let Err(error) = result {
            tracing::warn!(error = %error, path = %path.display(), "scratch was not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_clears_what_its_predecessor_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("a/jobs/job-old/out");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("chunk.m4s"), "x").unwrap();
        fs::write(folder.path().join("precious"), "x").unwrap();
        let scratch = Scratch::open(folder.path(), "a").unwrap();
        assert!(!left.exists());
        assert!(folder.path().join("precious").exists());
        assert!(scratch.job().unwrap().output().is_dir());
    }

    #[tokio::test]
    async fn a_cleared_folder_is_as_good_as_new() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), "a").unwrap().job().unwrap();
        fs::create_dir(scratch.output().join("v1080")).unwrap();
        fs::write(scratch.output().join("v1080/chunk.m4s"), "x").unwrap();
        fs::write(scratch.output().join("init.mp4"), "x").unwrap();
        scratch.clear().await.unwrap();
        assert_eq!(fs::read_dir(scratch.output()).unwrap().count(), 0);
    }

    #[test]
    fn two_workers_of_one_name_do_not_share_scratch() {
        let folder = tempfile::tempdir().unwrap();
        let first = Scratch::open(folder.path(), "a").unwrap();
        let error = Scratch::open(folder.path(), "a").unwrap_err().to_string();
        assert!(error.contains("another worker"), "{error}");
        Scratch::open(folder.path(), "b").unwrap();
        drop(first);
        Scratch::open(folder.path(), "a").unwrap();
        for bad in ["", "..", "a/b", "ü"] {
            assert!(Scratch::open(folder.path(), bad).is_err(), "{bad}");
        }
    }
}
