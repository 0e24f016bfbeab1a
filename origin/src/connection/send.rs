//! Writing without copies: what lies in a memory file goes to the socket from there.

use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

use crate::{cache::Registry, transport::Transport};

/// Writes some of `slices`, those in memory files from there.
pub(super) fn poll_send(
    stream: &mut Transport,
    registry: &Registry,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if !stream.sends_files() {
        return stream.poll_send(cx, slices, false);
    }
    let find = |slice: &IoSlice<'_>| registry.sends(slice.len()).then(|| registry.find(slice))?;
    let mut found = None;
    let before = slices.iter().position(|slice| {
        found = find(slice);
        found.is_some()
    });
    match (before, found) {
        (Some(0), Some((sealed, offset))) => {
            stream.poll_send_file(cx, &sealed, offset, slices[0].len())
        }
        // The rest follows at once, so that they leave in one segment.
        (Some(before), Some(_)) => stream.poll_send(cx, &slices[..before], true),
        _ => stream.poll_send(cx, slices, false),
    }
}
