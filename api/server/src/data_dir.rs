//! The data folder: one process at a time, and the secrets made on first start.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use kinora_http::{ApiKey, ApiKeySecret};
use kinora_media::{AccountId, playback::TokenKey};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

/// How often a successor looks whether it is its turn.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A data folder that belongs to this process until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    lock: File,
}

/// Where a running server can be reached: `kinorad.json` in the data folder.
#[derive(Debug, Serialize)]
pub(crate) struct Running<'a> {
    /// Base address of the API and the watch page, where they are served here.
    pub(crate) gateway: Option<&'a str>,
    /// Where a gateway elsewhere asks the services here.
    pub(crate) services: Option<&'a str>,
    /// Base address of media, here or elsewhere.
    pub(crate) origin: Option<&'a str>,
    /// The process.
    pub(crate) pid: u32,
}

impl DataDir {
    /// Makes the folder where there is none, and takes it.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        let data = Self::beside(root)?;
        if !data.is_taken() {
            bail!("another kinorad is running on the data folder {}", data.root.display());
        }
        Ok(data)
    }

    /// The folder, whoever has it, for a process that only reads there until it is its turn.
    pub(crate) fn beside(root: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(root)
            .with_context(|| format!("cannot make the data folder {}", root.display()))?;
        let root = root.canonicalize()?;
        let path = root.join("kinorad.lock");
        let lock =
            File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { root, lock })
    }

    /// Waits until the process that has it ends, and takes it.
    pub(crate) async fn take_over(&self) {
        while !self.is_taken() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether it is ours, which it is from now on if it was nobody's.
    fn is_taken(&self) -> bool {
        flock(&self.lock, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The administrator's API key, made on first start: `admin.key`.
    pub(crate) fn admin_key(&self, account: AccountId) -> anyhow::Result<ApiKey> {
        let secret: ApiKeySecret =
            self.secret("admin.key")?.parse().context("admin.key holds no API key: remove it")?;
        Ok(ApiKey { name: "admin".to_owned(), account, sha256: secret.sha256() })
    }

    /// The keys of playback tokens. The first signs: `playback.key`, made where there is none. Those
    /// that were retired still open what they signed: to retire the key, rename it to
    /// `playback.1.key`, the next to `playback.2.key`, and remove them when their tokens are over.
    /// Where a file is `shared` with other processes, its text is the only one.
    pub(crate) fn token_keys(&self, shared: Option<&Path>) -> anyhow::Result<Vec<TokenKey>> {
        if let Some(path) = shared {
            let secret = read_secret(path)?
                .with_context(|| format!("playback.key_file: there is no {}", path.display()))?;
            return Ok(vec![TokenKey { id: "k1".to_owned(), secret: secret.into_bytes() }]);
        }
        let key = |number: u32, file: &str| {
            let secret = self.secret(file)?.into_bytes();
            anyhow::Ok(TokenKey { id: format!("k{number}"), secret })
        };
        let mut retired: Vec<u32> = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            let name = name.to_str().and_then(|name| name.strip_prefix("playback."));
            let number = name.and_then(|name| name.strip_suffix(".key")).map(str::parse);
            if let Some(Ok(number)) = number {
                retired.push(number);
            }
        }
        retired.sort_unstable_by(|one, other| other.cmp(one));
        let newest = self.newest_number(retired.first().copied().unwrap_or(0))?;
        let mut keys = vec![key(newest, "playback.key")?];
        for number in retired {
            keys.push(key(number, &format!("playback.{number}.key"))?);
        }
        Ok(keys)
    }

    /// The number of `playback.key`. Tokens that are out there name their key, so none is used again
    /// when retired keys are removed: that is what `playback.number` is for.
    fn newest_number(&self, last_retired: u32) -> anyhow::Result<u32> {
        let path = self.path("playback.number");
        let known = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        let known: u32 = known.unwrap_or(0);
        let newest = match self.path("playback.key").exists() {
            true => known.max(last_retired.saturating_add(1)),
            false => known.max(last_retired).saturating_add(1),
        };
        if newest != known {
            fs::write(&path, format!("{newest}\n"))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(newest)
    }

    /// Tells scripts where the server listens.
    pub(crate) fn announce(&self, running: &Running<'_>) -> anyhow::Result<()> {
        let temporary = self.path("kinorad.json.tmp");
        fs::write(&temporary, serde_json::to_vec_pretty(running)?)?;
        fs::rename(temporary, self.path("kinorad.json"))?;
        Ok(())
    }

    /// Takes back what [`Self::announce`] told, unless a successor has told something since.
    pub(crate) fn withdraw(&self) {
        let path = self.path("kinorad.json");
        let told = fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let told: serde_json::Value = told.unwrap_or_default();
        if told["pid"] == std::process::id() {
            // Gone already is as good.
            let _ = fs::remove_file(path);
        }
    }

    /// A secret kept in a file only we can read, made where there is none: 32 random bytes in
    /// the form of an API key.
    fn secret(&self, name: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        if let Some(text) = read_secret(&path)? {
            return Ok(text);
        }
        let (secret, _) = ApiKey::generate(name, AccountId::new("default")?)?;
        let temporary = self.path(&format!("{name}.tmp"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        writeln!(file, "{}", secret.expose())?;
        file.sync_all()?;
        fs::rename(temporary, &path)?;
        Ok(secret.expose().to_owned())
    }
}

/// The secret in a file, if there is one.
fn read_secret(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= 32 => Ok(Some(text.trim().to_owned())),
        Ok(_) => bail!("{} is too short for a secret: use 32 characters", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_secrets_stay() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::new("default").unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let key = first.admin_key(account.clone()).unwrap();
        assert!(DataDir::open(folder.path()).unwrap_err().to_string().contains("another kinorad"));
        drop(first);
        let second = DataDir::open(folder.path()).unwrap();
        assert_eq!(second.admin_key(account).unwrap().sha256, key.sha256);
        fs::write(folder.path().join("playback.key"), "short").unwrap();
        assert!(second.token_keys(None).is_err());
        let shared = folder.path().join("shared");
        assert!(second.token_keys(Some(&shared)).is_err());
        fs::write(&shared, "thirty-two characters and a few more\n").unwrap();
        let keys = second.token_keys(Some(&shared)).unwrap();
        assert_eq!(keys[0].secret, b"thirty-two characters and a few more");
    }

    #[test]
    fn retired_keys_still_open() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let ids = |keys: &[TokenKey]| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
        let first = data.token_keys(None).unwrap();
        assert_eq!(ids(&first), ["k1"]);
        for number in [1, 2] {
            let retired = folder.path().join(format!("playback.{number}.key"));
            fs::rename(folder.path().join("playback.key"), retired).unwrap();
            data.token_keys(None).unwrap();
        }
        let keys = data.token_keys(None).unwrap();
        assert_eq!(ids(&keys), ["k3", "k2", "k1"]);
        assert_eq!(keys[2].secret, first[0].secret);
        assert_ne!(keys[0].secret, keys[1].secret);
        for number in [1, 2] {
            fs::remove_file(folder.path().join(format!("playback.{number}.key"))).unwrap();
        }
        let last = data.token_keys(None).unwrap();
        assert_eq!((ids(&last), &last[0].secret), (vec!["k3".to_owned()], &keys[0].secret));
    }
}
