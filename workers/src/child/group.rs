//! The child's process group: whatever it starts dies with it.

use kinora_plan::encoder::Failure;
use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group, setpriority_pgrp},
};

use crate::failure::internal;

/// Killed when dropped.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
}

impl Group {
    /// The group that `process` was started to lead, at priority `nice`.
    pub(super) fn of(process: &tokio::process::Child, nice: i32) -> Result<Self, Failure> {
        let id = process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let leader = id.ok_or_else(|| internal("no_process", "The encoder has no process id."))?;
        if let Err(error) = setpriority_pgrp(Some(leader), nice) {
            tracing::debug!(error = %error, "the encoder runs at normal priority");
        }
        Ok(Self { leader })
    }

    /// Kills what is left of it. Called right after the leader ended at the latest, so that its
    /// number cannot be another group's yet.
    pub(super) fn kill(&self) {
        match kill_process_group(self.leader, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => tracing::error!(error = %error, "cannot kill the encoder"),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
