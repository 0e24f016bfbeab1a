//! Listing in key order: the names of one folder are in memory at a time, for each level.

use std::{fs, io};

use super::{Inner, failure, is_absent};
use crate::{Key, ObjectMeta, StoreError};

impl Inner {
    /// At most `limit` objects below `folder`, after `after`.
    pub(super) fn list(
        &self,
        folder: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        let after = after.map_or("", Key::as_str);
        let mut found = Vec::new();
        // What is yet to be visited, in reverse: folders end in a slash.
        let mut pending = vec![format!("{folder}/")];
        while found.len() < limit
            && let Some(next) = pending.pop()
        {
            if next.ends_with('/') {
                let names = self.names(&next).map_err(failure(&next, "list"))?;
                let wanted = |name: &String| {
                    // All of a folder sorts before `after` unless `after` lies in it.
                    name.as_str() > after || (name.ends_with('/') && after.starts_with(name))
                };
                pending.extend(names.into_iter().filter(wanted).rev());
            } else if let Ok(key) = Key::new(next) {
                // What is deleted meanwhile is left out.
                found.extend(self.head(&key)?);
            }
        }
        Ok(found)
    }

    /// What lies in a folder, as whole keys, in key order. A folder sorts by its name with the
    /// slash: `a.b` comes before `a/b`.
    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !name.starts_with('.') {
                let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
                names.push(format!("{folder}{name}{slash}"));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
