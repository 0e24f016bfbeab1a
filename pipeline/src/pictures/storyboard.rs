//! Tiles on sheets.

use kinora_media::{Sheet, Storyboard};

use super::{Folder, image::Image};
use crate::PipelineError;

/// Tiles of all sheets, at most: a film of two hours has one every 15 s.
const MAX_TILES: u64 = 500;
/// Tiles in a row, and rows of a sheet, at most.
const COLUMNS: u32 = 10;
const ROWS: u32 = 10;
/// Distances between tiles people can read, seconds; past the last, its multiples.
const INTERVALS_S: [u64; 8] = [1, 2, 5, 10, 15, 20, 30, 60];
const SECOND_US: u64 = 1_000_000;
/// JPEG quality of sheets: tiles are seen small, and briefly.
const QUALITY: u8 = 70;

/// What a storyboard of a film will be, without its sheets.
pub(super) fn layout(duration_us: u64, tile: (usize, usize)) -> Storyboard {
    let fits = |interval: &u64| duration_us.div_ceil(interval * SECOND_US) <= MAX_TILES;
    let minutes = duration_us.div_ceil(60 * SECOND_US * MAX_TILES).max(1);
    let interval_s = INTERVALS_S.into_iter().find(fits).unwrap_or(minutes * 60);
    let interval_us = interval_s * SECOND_US;
    let tiles = duration_us.div_ceil(interval_us).max(1) as u32;
    let columns = tiles.min(COLUMNS);
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    Storyboard {
        tile_width: side(tile.0),
        tile_height: side(tile.1),
        columns,
        rows: tiles.div_ceil(columns).min(ROWS),
        interval_us,
        tiles,
        sheets: Vec::new(),
    }
}

/// Writes sheets as they fill up.
pub(super) struct Sheets<'a> {
    folder: &'a Folder,
    storyboard: Storyboard,
    sheet: Image,
    filled: u32,
}

impl<'a> Sheets<'a> {
    pub(super) fn new(folder: &'a Folder, storyboard: Storyboard) -> Self {
        let sheet = empty(&storyboard);
        Self { folder, storyboard, sheet, filled: 0 }
    }

    /// The next tile.
    pub(super) fn push(&mut self, tile: &Image) -> Result<(), PipelineError> {
        let Storyboard { tile_width, tile_height, columns, .. } = self.storyboard;
        let (column, row) = (self.filled % columns, self.filled / columns);
        let (left, top) = (column * tile_width, row * tile_height);
        self.sheet.put(tile, left as usize, top as usize);
        self.filled += 1;
        if self.filled == self.storyboard.tiles_a_sheet() {
            self.write()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Storyboard, PipelineError> {
        if self.filled > 0 {
            self.write()?;
        }
        Ok(self.storyboard)
    }

    fn write(&mut self) -> Result<(), PipelineError> {
        let sheet = std::mem::replace(&mut self.sheet, empty(&self.storyboard));
        let object = format!("storyboard-{:03}.jpg", self.storyboard.sheets.len());
        let size = self.folder.write(&object, &sheet, QUALITY)?;
        self.storyboard.sheets.push(Sheet { object, size });
        self.filled = 0;
        Ok(())
    }
}

fn empty(storyboard: &Storyboard) -> Image {
    let (width, height) = storyboard.sheet_size();
    Image::black(width as usize, height as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_the_film_the_farther_apart() {
        let planned = |seconds| {
            let board = layout(seconds * SECOND_US, (160, 90));
            (board.interval_us / SECOND_US, board.tiles, board.columns, board.rows)
        };
        assert_eq!(planned(0), (1, 1, 1, 1));
        assert_eq!(planned(4), (1, 4, 4, 1));
        assert_eq!(planned(90), (1, 90, 10, 9));
        assert_eq!(planned(501), (2, 251, 10, 10));
        assert_eq!(planned(7200), (15, 480, 10, 10));
        assert_eq!(planned(12 * 3600), (120, 360, 10, 10));
    }
}
