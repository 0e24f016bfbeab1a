//! A disk that is soon full.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// A file system in memory; unmounted when dropped.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// One of so many MiB; `None`, said aloud, where tests may not mount.
    pub(crate) fn mount(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("SKIPPED: this machine does not let the test mount a small tmpfs");
        }
        mounted.then_some(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is, until [`Self::empty`].
    pub(crate) fn fill(&self) {
        let mut filler = std::fs::File::create(self.path().join("filler")).unwrap();
        // To the last page: a whole block fails where part of it would still fit.
        for size in [1 << 20, 4096] {
            while filler.write_all(&vec![7; size]).is_ok() {}
        }
    }

    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
