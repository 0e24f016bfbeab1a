//! Who may do what in the bucket, by policies as IAM has them: of those that `deploy/s3` describes
//! as much as an S3 server needs to hold requests against them.

use std::collections::HashMap;

use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    path::S3Path,
    s3_error,
};
use serde_json::Value;

use crate::BUCKET;

/// What `PREFIX` in a policy stands for, as tests of processes have it.
const PREFIX: &str = "kinora";

/// What users may do. Who has no policy may do everything.
#[derive(Debug, Default)]
pub(crate) struct Policies(HashMap<String, Policy>);

/// Statements that have no condition; those that have one allow nothing here.
#[derive(Debug)]
struct Policy(Vec<Statement>);

#[derive(Debug)]
struct Statement {
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
}

impl Policies {
    /// Binds a user to a policy: JSON, in which `BUCKET` and `PREFIX` stand for ours.
    pub(crate) fn bind(&mut self, user: &str, policy: &str) {
        let policy = policy.replace("BUCKET", BUCKET).replace("PREFIX", PREFIX);
        let policy: Value = serde_json::from_str(&policy).expect("a policy is JSON");
        let statements = policy["Statement"].as_array().expect("a policy has statements");
        let plain = statements.iter().filter(|statement| statement.get("Condition").is_none());
        self.0.insert(user.to_owned(), Policy(plain.map(Statement::of).collect()));
    }

    fn allow(&self, user: &str, action: &str, resource: &str) -> bool {
        let Some(Policy(statements)) = self.0.get(user) else { return true };
        let that = |allows| move |s: &&Statement| s.allows == allows && s.is_of(action, resource);
        let allowed = statements.iter().any(|s| that(true)(&s));
        allowed && !statements.iter().any(|s| that(false)(&s))
    }
}

impl Statement {
    fn of(statement: &Value) -> Self {
        let texts = |value: &Value| match value {
            Value::Array(many) => {
                many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            one => vec![one.as_str().expect("a text or several").to_owned()],
        };
        Self {
            allows: statement["Effect"] == "Allow",
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
        }
    }

    fn is_of(&self, action: &str, resource: &str) -> bool {
        self.actions.iter().any(|known| known == action)
            && self.resources.iter().any(|pattern| fits(pattern, resource))
    }
}

#[async_trait::async_trait]
impl S3Access for Policies {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            return Err(s3_error!(AccessDenied, "Who are you?"));
        };
        let resource = match cx.s3_path() {
            S3Path::Root => "arn:aws:s3:::".to_owned(),
            S3Path::Bucket { bucket } => format!("arn:aws:s3:::{bucket}"),
            S3Path::Object { bucket, key } => format!("arn:aws:s3:::{bucket}/{key}"),
        };
        match self.allow(&credentials.access_key, action(cx.s3_op().name()), &resource) {
            true => Ok(()),
            false => Err(s3_error!(AccessDenied, "The policy does not allow it")),
        }
    }
}

/// The action that IAM knows an operation by.
fn action(operation: &str) -> &str {
    match operation {
        "GetObject" | "HeadObject" => "s3:GetObject",
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            "s3:PutObject"
        }
        "AbortMultipartUpload" => "s3:AbortMultipartUpload",
        "DeleteObject" => "s3:DeleteObject",
        other => other,
    }
}

/// Whether `text` is what `pattern` says, in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let pieces: Vec<_> = rest.split('*').collect();
    let (last, middle) = pieces.split_last().expect("splitting gives one piece at least");
    for piece in middle {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars_anywhere() {
        for (pattern, text, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("a/*", "a/b/c", true),
            ("a/*", "b/a/", false),
            ("a/*/index/*", "a/1/index/head", true),
            ("a/*/index/*", "a/1/2/index/head", true),
            ("a/*/index/*", "a/1/indexes", false),
            ("a/*c", "a/bc", true),
            ("a/*c", "a/b", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
