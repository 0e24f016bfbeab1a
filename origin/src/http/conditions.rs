//! Conditional requests (RFC 9110 13).

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What tells one state of a resource from another.
#[derive(Debug, Clone)]
pub(crate) struct Validators {
    /// A strong entity tag, with its quotes.
    pub(crate) etag: HeaderValue,
    /// Whole seconds, as the header says it.
    pub(crate) modified: SystemTime,
    /// Whether the date alone may validate. Not while a manifest grows: it may change more than
    /// once in a second.
    pub(crate) dated: bool,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl Validators {
    /// `tag` must hold neither quotes nor commas.
    pub(crate) fn new(tag: &str, modified: SystemTime, dated: bool) -> Self {
        let etag = HeaderValue::from_str(&format!("\"{tag}\"")).expect("tags are hex and dashes");
        Self { etag, modified, dated }
    }

    /// Those of another form of the same: other bytes, so another tag.
    pub(crate) fn in_form(self, form: &str) -> Self {
        let tag = self.etag.to_str().unwrap_or_default().trim_matches('"');
        Self::new(&format!("{tag}-{form}"), self.modified, self.dated)
    }

    /// Evaluates in the order of RFC 9110 13.2.2.
    pub(crate) fn evaluate(&self, headers: &HeaderMap) -> Verdict {
        if headers.contains_key(header::IF_MATCH) {
            if !self.is_among(headers, header::IF_MATCH, false) {
                return Verdict::Failed;
            }
        } else if let Some(date) = date(headers, header::IF_UNMODIFIED_SINCE)
            && self.modified > date
        {
            return Verdict::Failed;
        }
        if headers.contains_key(header::IF_NONE_MATCH) {
            if self.is_among(headers, header::IF_NONE_MATCH, true) {
                return Verdict::NotModified;
            }
        } else if let Some(date) = date(headers, header::IF_MODIFIED_SINCE)
            && self.dated
            && self.modified <= date
        {
            return Verdict::NotModified;
        }
        Verdict::Proceed
    }

    /// Whether If-Range lets a range be answered: it is absent, or names exactly this state.
    pub(crate) fn allow_range(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::IF_RANGE) {
            None => true,
            Some(value) if *value == self.etag => true,
            Some(_) => self.dated && date(headers, header::IF_RANGE) == Some(self.modified),
        }
    }

    fn is_among(&self, headers: &HeaderMap, name: HeaderName, weakly: bool) -> bool {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim).any(|tag| {
            let tag = if weakly { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
            tag == "*" || tag.as_bytes() == self.etag.as_bytes()
        })
    }
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const BEFORE: &str = "Sun, 09 Sep 2001 01:46:39 GMT";
    const THEN: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

    fn validators(dated: bool) -> Validators {
        Validators::new("a-1", UNIX_EPOCH + Duration::from_secs(1_000_000_000), dated)
    }

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn evaluates_in_order() {
        use Verdict::{Failed, NotModified, Proceed};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let cases: &[(&[(HeaderName, &str)], Verdict)] = &[
            (&[], Proceed),
            (&[(IF_NONE_MATCH, "\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "W/\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"b\", W/\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified),
            (&[(IF_NONE_MATCH, "\"b\"")], Proceed),
            (&[(IF_NONE_MATCH, "a-1")], Proceed),
            (&[(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, THEN)], Proceed),
            (&[(IF_MODIFIED_SINCE, THEN)], NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Proceed),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Proceed),
            (&[(IF_MATCH, "\"b\"")], Failed),
            (&[(IF_MATCH, "W/\"a-1\"")], Failed),
            (&[(IF_MATCH, "\"a-1\"")], Proceed),
            (&[(IF_MATCH, "\"a-1\""), (IF_UNMODIFIED_SINCE, BEFORE)], Proceed),
            (&[(IF_MATCH, "*"), (IF_NONE_MATCH, "\"a-1\"")], NotModified),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Failed),
            (&[(IF_UNMODIFIED_SINCE, THEN)], Proceed),
        ];
        for (fields, verdict) in cases {
            assert_eq!(validators(true).evaluate(&headers(fields)), *verdict, "{fields:?}");
        }
        let since = headers(&[(IF_MODIFIED_SINCE, THEN)]);
        assert_eq!(validators(false).evaluate(&since), Proceed, "a date is not enough");
    }

    #[test]
    fn a_range_needs_exactly_this_state() {
        use header::IF_RANGE;
        for (value, allowed) in [
            ("\"a-1\"", true),
            ("W/\"a-1\"", false),
            ("\"b\"", false),
            (THEN, true),
            (BEFORE, false),
        ] {
            assert_eq!(validators(true).allow_range(&headers(&[(IF_RANGE, value)])), allowed);
        }
        assert!(!validators(false).allow_range(&headers(&[(IF_RANGE, THEN)])));
        assert!(validators(true).allow_range(&headers(&[])));
    }
}
