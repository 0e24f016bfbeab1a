//! Still pictures that go with a presentation.

use serde::{Deserialize, Serialize};

/// The poster and the storyboard of one version, all JPEG. Objects lie in its folder `pictures`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictures {
    /// What is shown before playback, at most 1280 pixels wide.
    pub poster: Picture,
    /// The same for lists, at most 320 pixels wide.
    pub small: Picture,
    /// What a seek bar shows.
    pub storyboard: Storyboard,
}

/// One picture. Pixels are square, and it is upright.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The object's file name: `poster-1.jpg`.
    pub object: String,
    /// Bytes.
    pub size: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Small pictures at equal distances, many on a sheet: row by row, from left to right.
///
/// Every sheet but the last is full; what is left over on the last is black.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// Pixels of one tile.
    pub tile_width: u32,
    /// Pixels of one tile.
    pub tile_height: u32,
    /// Tiles in a row.
    pub columns: u32,
    /// Rows of a sheet.
    pub rows: u32,
    /// From one tile to the next, microseconds.
    pub interval_us: u64,
    /// How many tiles there are.
    pub tiles: u32,
    /// The sheets, in order.
    pub sheets: Vec<Sheet>,
}

/// One sheet of a storyboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The object's file name: `storyboard-000-1.jpg`.
    pub object: String,
    /// Bytes.
    pub size: u64,
}

impl Pictures {
    /// The file names of all objects.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        let sheets = self.storyboard.sheets.iter().map(|sheet| &sheet.object);
        [&self.poster.object, &self.small.object].into_iter().chain(sheets).map(String::as_str)
    }
}

impl Storyboard {
    /// Tiles of a full sheet.
    pub fn tiles_a_sheet(&self) -> u32 {
        self.columns.saturating_mul(self.rows)
    }

    /// Pixels of a sheet.
    pub fn sheet_size(&self) -> (u32, u32) {
        let of = |tile: u32, count: u32| tile.saturating_mul(count);
        (of(self.tile_width, self.columns), of(self.tile_height, self.rows))
    }
}
