//! s3s-fs with a listing of our own. Its own looks through the whole bucket each time, so that whoever
//! goes through a bucket folder by folder waits for the square of what it holds.

use std::{fs, io, path::Path, path::PathBuf};

use s3s::{S3, S3Request, S3Response, S3Result, dto, s3_error};
use s3s_fs::FileSystem;

/// What S3 gives at most in one answer.
const MOST: usize = 1000;

/// Objects as files in a folder, a folder a bucket.
#[derive(Debug)]
pub(crate) struct Listed {
    files: FileSystem,
    root: PathBuf,
}

impl Listed {
    /// On the buckets in `root`.
    pub(crate) fn new(root: &Path) -> Self {
        let files = FileSystem::new(root).expect("the folder is there");
        Self { files, root: root.to_owned() }
    }
}

/// What is forwarded is what a store asks; s3s answers that the rest is not implemented.
macro_rules! with_own_listing {
    ($($method:ident: $input:ident => $output:ident,)*) => {
        #[async_trait::async_trait]
        impl S3 for Listed {
            $(async fn $method(
                &self,
                request: S3Request<dto::$input>,
            ) -> S3Result<S3Response<dto::$output>> {
                self.files.$method(request).await
            })*

            async fn list_objects_v2(
                &self,
                request: S3Request<dto::ListObjectsV2Input>,
            ) -> S3Result<S3Response<dto::ListObjectsV2Output>> {
                self.list(request.input).await.map(S3Response::new)
            }
        }
    };
}

with_own_listing! {
    head_bucket: HeadBucketInput => HeadBucketOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    get_object: GetObjectInput => GetObjectOutput,
    put_object: PutObjectInput => PutObjectOutput,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput,
    upload_part: UploadPartInput => UploadPartOutput,
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput,
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput,
}

impl Listed {
    async fn list(&self, input: dto::ListObjectsV2Input) -> S3Result<dto::ListObjectsV2Output> {
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "Nobody lists folders here"));
        }
        let asked = input.max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(MOST);
        let mut page = Page {
            bucket: self.root.join(&input.bucket),
            prefix: input.prefix.clone().unwrap_or_default(),
            after: input.continuation_token.clone().max(input.start_after.clone()),
            // One more tells whether there is more.
            room: asked.min(MOST) + 1,
            found: Vec::new(),
        };
        let walk = move || page.fill().map(|()| page.found);
        let walked = tokio::task::spawn_blocking(walk).await.expect("it does not panic");
        let mut found = walked.map_err(|error| s3_error!(error, InternalError))?;
        let more = found.len() > asked.min(MOST);
        found.truncate(asked.min(MOST));
        Ok(dto::ListObjectsV2Output {
            next_continuation_token: found
                .last()
                .filter(|_| more)
                .and_then(|last| last.key.clone()),
            is_truncated: Some(more),
            key_count: i32::try_from(found.len()).ok(),
            max_keys: input.max_keys,
            contents: Some(found),
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            ..Default::default()
        })
    }
}

/// The first objects in key order whose keys begin with `prefix` and come after `after`.
struct Page {
    bucket: PathBuf,
    prefix: String,
    after: Option<String>,
    room: usize,
    found: Vec<dto::Object>,
}

impl Page {
    fn fill(&mut self) -> io::Result<()> {
        let folder = self.prefix.rfind('/').map_or(0, |slash| slash + 1);
        let folder = self.prefix[..folder].to_owned();
        self.walk(&folder)
    }

    /// Takes what is in the folder of that name, which is empty or ends in `/`.
    fn walk(&mut self, folder: &str) -> io::Result<()> {
        let entries = match fs::read_dir(self.bucket.join(folder)) {
            Err(error) if is_nothing(&error) => return Ok(()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
            names.extend(entry.file_name().to_str().map(|name| format!("{folder}{name}{slash}")));
        }
        names.sort_unstable();
        for name in names {
            if self.found.len() >= self.room {
                break;
            }
            if !self.wants(&name) {
                continue;
            }
            if name.ends_with('/') {
                self.walk(&name)?;
            } else {
                self.take(name)?;
            }
        }
        Ok(())
    }

    /// Whether the object of that name is wanted, or something in the folder of that name may be.
    fn wants(&self, name: &str) -> bool {
        let within = name.starts_with(&self.prefix)
            || (name.ends_with('/') && self.prefix.starts_with(name));
        within
            && self
                .after
                .as_deref()
                .is_none_or(|after| name > after || after.starts_with(name) && name.ends_with('/'))
    }

    fn take(&mut self, key: String) -> io::Result<()> {
        let metadata = match fs::metadata(self.bucket.join(&key)) {
            // It was removed meanwhile.
            Err(error) if is_nothing(&error) => return Ok(()),
            metadata => metadata?,
        };
        self.found.push(dto::Object {
            key: Some(key),
            last_modified: Some(metadata.modified()?.into()),
            size: i64::try_from(metadata.len()).ok(),
            ..Default::default()
        });
        Ok(())
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_in_the_order_of_their_keys() {
        let bucket = tempfile::tempdir().unwrap();
        let all = ["a-b", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/1"];
        for key in all {
            let file = bucket.path().join(key);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, key).unwrap();
        }
        let page = |prefix: &str, after: Option<&str>, room| {
            let (bucket, after) = (bucket.path().to_owned(), after.map(str::to_owned));
            let mut page = Page { bucket, prefix: prefix.into(), after, room, found: Vec::new() };
            page.fill().unwrap();
            page.found.into_iter().map(|object| object.key.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(page("", None, 100), all);
        assert_eq!(page("", None, 3), all[..3]);
        for (nth, key) in all.iter().enumerate() {
            assert_eq!(page("", Some(key), 100), all[nth + 1..], "after {key}");
        }
        assert_eq!(page("a/", None, 100), ["a/1", "a/2/x", "a/2/y", "a/3"]);
        assert_eq!(page("a/", Some("a/20"), 100), ["a/3"]);
        assert_eq!(page("a", None, 100), all[..6]);
        assert_eq!(page("a/2/", Some("a/2/x"), 1), ["a/2/y"]);
        assert_eq!(page("c/", None, 100), [""; 0]);
    }
}
