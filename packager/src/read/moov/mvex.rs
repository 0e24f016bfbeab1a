//! Movie extends (14496-12 8.8.1) with a `trex` (8.8.3) a track: defaults of its fragments.

use crate::read::{BoxRef, ReadError, Track, moof::Defaults};

pub(super) fn read(mvex: &BoxRef<'_>, tracks: &mut [Track<'_>]) -> Result<(), ReadError> {
    for child in mvex.children() {
        let child = child?;
        if child.code == *b"trex" {
            let (track, defaults) = child.read_with(trex)?;
            if let Some(track) = tracks.iter_mut().find(|known| known.id == track) {
                track.defaults = defaults;
            }
        }
    }
    Ok(())
}

fn trex(trex: &BoxRef<'_>) -> Result<(u32, Defaults), ReadError> {
    let mut fields = trex.fields();
    fields.version_and_flags()?;
    let track = fields.u32()?;
    let entry = fields.u32()?;
    let (duration, size, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
    Ok((track, Defaults { entry, duration, size, flags }))
}
