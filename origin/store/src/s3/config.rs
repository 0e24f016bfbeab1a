//! Where the bucket is and who asks for it.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use crate::{Key, Retries};

/// A bucket, how to reach it, and how patiently.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// The bucket, and where in it.
    pub location: S3Location,
    /// Scheme and authority of the server: `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// What requests are signed for; servers of one region often call it `us-east-1`.
    pub region: String,
    /// Whether the bucket stands in the path rather than before the host.
    pub path_style: bool,
    /// Who asks.
    pub credentials: S3Credentials,
    /// How long a request may take.
    pub timeouts: S3Timeouts,
    /// How often it is tried.
    pub retries: Retries,
    /// A folder of this process alone, in which it notes which uploads in parts it began, so that its
    /// next start can abort what it could not end ([`S3Store::abort_noted`](crate::S3Store::abort_noted)).
    pub journal: Option<PathBuf>,
}

/// `s3://BUCKET/PREFIX`: a bucket, and the folder in it that everything lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    /// The bucket's name.
    pub bucket: String,
    /// Before every key: empty, or a folder that ends in `/`.
    pub prefix: String,
}

/// Who asks. Its secret is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
}

/// How long the steps of a try may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct S3Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the answer begins, and again until it ends; bytes that are sent or received add a
    /// second for each 256 KiB.
    pub answer: Duration,
    /// Until an upload in parts is put together, once the server has begun to answer.
    pub complete: Duration,
}

impl Default for S3Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            complete: Duration::from_secs(600),
        }
    }
}

/// A setting that names no bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum S3ConfigError {
    /// Not of the form `s3://BUCKET/PREFIX`.
    #[error(
        "expected s3://BUCKET or s3://BUCKET/PREFIX: a bucket's name has 3 to 63 of a-z 0-9 . -, \
         a prefix a-z A-Z 0-9 . _ - in segments that do not begin with a dot"
    )]
    Location,
    /// The endpoint and the bucket make no address.
    #[error(
        "'{endpoint}' is no endpoint of an S3 server for this bucket: use https://HOST or \
         http://HOST:PORT, and path style where the host is an IP address"
    )]
    Endpoint {
        /// What was given.
        endpoint: String,
    },
}

impl FromStr for S3Location {
    type Err = S3ConfigError;

    fn from_str(url: &str) -> Result<Self, S3ConfigError> {
        let rest = url.strip_prefix("s3://").ok_or(S3ConfigError::Location)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        let named = (3..=63).contains(&bucket.len()) && bucket.bytes().all(allowed);
        // The longest key there is then stays within S3's 1024 bytes.
        let folder = prefix.is_empty() || (prefix.len() <= 256 && Key::new(prefix).is_ok());
        if !named || !folder {
            return Err(S3ConfigError::Location);
        }
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Self { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}") })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_name_a_bucket_and_a_folder() {
        let location = |url: &str| url.parse::<S3Location>().map(|at| (at.bucket, at.prefix));
        let pair = |bucket: &str, prefix: &str| Ok((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(location("s3://films"), pair("films", ""));
        assert_eq!(location("s3://films/"), pair("films", ""));
        assert_eq!(location("s3://films.eu-1/a/b"), pair("films.eu-1", "a/b/"));
        assert_eq!(location("s3://films/a/"), pair("films", "a/"));
        for bad in [
            "films",
            "s3://",
            "s3://ab",
            "s3://Films",
            "s3://me:hush@films",
            "s3://films/../x",
            "s3://films//x",
            "s3://films/x?y",
        ] {
            assert_eq!(location(bad), Err(S3ConfigError::Location), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let (access_key_id, secret_access_key) = ("id".to_owned(), "hush".to_owned());
        let shown = format!("{:?}", S3Credentials { access_key_id, secret_access_key });
        assert!(shown.contains("id") && !shown.contains("hush"), "{shown}");
    }
}
