//! Still pictures: the poster and the storyboard.
//!
//! `frames` brings frames near the middle of each tile's time, key frames alone where the film
//! is long; `convert` makes small upright RGB of them; `storyboard` puts tiles on sheets;
//! `measure` says which of the tiles' frames makes the poster. So each is decoded once for
//! everything.

mod convert;
mod frames;
mod image;
mod measure;
mod storyboard;

use std::path::PathBuf;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use kinora_media::{Picture, Pictures};
use kinora_plan::encoder::{PicturesOutcome, PicturesSpec};

use self::{frames::Frames, image::Image, storyboard::Sheets};
use crate::{PipelineError, child::Reporter, source::Source, tone::ToSdr};

/// The longest sides, pixels.
const POSTER_SIDE: u64 = 1280;
const SMALL_SIDE: u64 = 320;
const TILE_SIDE: u64 = 160;
/// Films longer than this end with credits, or with what a poster should not tell.
const CREDITS_FROM_US: u64 = 120_000_000;
/// JPEG quality of posters.
const QUALITY: u8 = 85;
/// The largest side a JPEG can have.
const MAX_JPEG_SIDE: usize = 65_535;

/// Makes the poster and the storyboard.
///
/// # Errors
/// When no frame can be decoded, or the source cannot be read. Damage further on only leaves
/// tiles as the one before them.
pub fn run(
    spec: &PicturesSpec,
    source: &Source,
    reporter: &mut Reporter,
) -> Result<PicturesOutcome, PipelineError> {
    let (stream, duration_us) = (&spec.video, spec.duration_us.max(1));
    let shape = convert::display_size(stream);
    let fit = |side| convert::fit(shape, (side, side));
    let (poster_size, small_size, tile_size) = (fit(POSTER_SIDE), fit(SMALL_SIDE), fit(TILE_SIDE));
    let folder = Folder(spec.output_dir.clone());
    let layout = storyboard::layout(duration_us, tile_size);
    let (tiles, interval_us) = (layout.tiles, layout.interval_us);
    let mut sheets = Sheets::new(&folder, layout);
    let mut frames = Frames::open(source, stream, spec.sequential, duration_us)?;
    let mut to_sdr = ToSdr::new(stream);
    let mut poster = Poster::default();
    let mut tile: Option<Image> = None;
    for number in 0..u64::from(tiles) {
        let start_us = number * interval_us;
        let middle_us = start_us + interval_us.min(duration_us.saturating_sub(start_us)) / 2;
        let frame = match frames.near(middle_us) {
            Ok(frame) => frame,
            // Something was seen: the rest of a damaged film does not take that away.
            Err(error @ PipelineError::Input { .. }) if tile.is_some() => {
                tracing::warn!(%error, "a frame for the storyboard is missing");
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(mut frame) = frame {
            frame.buffer = to_sdr.frame(frame.buffer, &frame.caps)?;
            frame.caps = to_sdr.caps(&frame.caps)?;
            let small = convert::picture(&frame, stream, small_size)?;
            tile = Some(small.scaled(tile_size.0, tile_size.1));
            if poster.best.is_none() || !is_ending(middle_us, duration_us) {
                poster.consider(measure::quality(&small), || {
                    convert::picture(&frame, stream, poster_size)
                })?;
            }
        }
        if let Some(tile) = &tile {
            sheets.push(tile)?;
        }
        reporter.progress(middle_us / 1000, duration_us / 1000);
    }
    let Some((_, poster)) = poster.best else {
        return Err(PipelineError::input(
            "decode_error",
            "no frame of the picture could be decoded",
        ));
    };
    let picture = |object: &str, image: &Image| {
        let size = folder.write(object, image, QUALITY)?;
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let (width, height) = (side(image.width), side(image.height));
        Ok::<_, PipelineError>(Picture { object: object.to_owned(), size, width, height })
    };
    let pictures = Pictures {
        small: picture("poster-small.jpg", &poster.scaled(small_size.0, small_size.1))?,
        poster: picture("poster.jpg", &poster)?,
        storyboard: sheets.finish()?,
    };
    Ok(PicturesOutcome { pictures, warnings: Vec::new() })
}

fn is_ending(time_us: u64, duration_us: u64) -> bool {
    duration_us > CREDITS_FROM_US && time_us > duration_us / 10 * 9
}

/// The best frame so far, in the poster's size.
#[derive(Default)]
struct Poster {
    best: Option<(f64, Image)>,
}

impl Poster {
    /// Keeps the frame if it is the best so far.
    fn consider(
        &mut self,
        quality: f64,
        picture: impl FnOnce() -> Result<Image, PipelineError>,
    ) -> Result<(), PipelineError> {
        if self.best.as_ref().is_none_or(|(known, _)| quality > *known) {
            self.best = Some((quality, picture()?));
        }
        Ok(())
    }
}

/// Where pictures are written.
struct Folder(PathBuf);

impl Folder {
    /// Writes a picture as JPEG; how many bytes it has.
    fn write(&self, name: &str, image: &Image, quality: u8) -> Result<u64, PipelineError> {
        let side = |pixels: usize| u16::try_from(pixels.min(MAX_JPEG_SIDE)).unwrap_or(u16::MAX);
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_progressive(true);
        encoder.set_optimized_huffman_tables(true);
        encoder
            .encode(&image.pixels, side(image.width), side(image.height), ColorType::Rgb)
            .map_err(|error| PipelineError::Internal(format!("JPEG: {error}")))?;
        let path = self.0.join(name);
        std::fs::write(&path, &bytes).map_err(|source| PipelineError::Write { path, source })?;
        Ok(bytes.len() as u64)
    }
}
