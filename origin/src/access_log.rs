//! The access log: one event an answer, of target `kinora_origin::access_log`, where the log's filter
//! asks for it (`info,kinora_origin::access_log=debug`).

use std::time::Duration;

use tracing::{Level, enabled};

use crate::transport::Peer;

/// Whether anyone reads it.
pub(crate) fn is_read() -> bool {
    enabled!(Level::DEBUG)
}

/// Writes down an answer. Of the path, the token is left out.
pub(crate) fn write(
    client: Peer,
    method: &str,
    path: &str,
    status: u16,
    length: u64,
    took: Duration,
) {
    tracing::debug!(
        client.address = %client,
        http.method = method,
        http.path = %without_token(path),
        http.status = status,
        http.length = length,
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
}

fn without_token(path: &str) -> String {
    let segments = path.split('/');
    let shown = segments.map(|segment| if segment.starts_with('~') { "~" } else { segment });
    shown.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_written_down() {
        assert_eq!(without_token("/media/~k~1~abc/x/1/a.m4s"), "/media/~/x/1/a.m4s");
        assert_eq!(without_token("/media/x/1/a.m4s"), "/media/x/1/a.m4s");
    }
}
