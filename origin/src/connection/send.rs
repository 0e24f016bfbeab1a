//! Writing for hyper: what lies in a memory file goes to the socket from there, and what is short
//! in one piece.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    task::{Context, Poll},
};

use crate::{cache::Registry, transport::Transport};

/// A head and its body that are no longer are copied to lie together: it takes less than the kernel
/// needs to gather them.
const SHORT: usize = 6 << 10;

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
    if slices.len() > 1 && slices.iter().map(|slice| slice.len()).sum::<usize>() <= SHORT {
        return poll_send_short(stream, cx, slices);
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

fn poll_send_short(
    stream: &mut Transport,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    thread_local! {
        static TOGETHER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    TOGETHER.with_borrow_mut(|together| {
        together.clear();
        slices.iter().for_each(|slice| together.extend_from_slice(slice));
        stream.poll_send(cx, &[IoSlice::new(together)], false)
    })
}
