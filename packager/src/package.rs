//! Finished files become one presentation, without being encoded again: one file a rung,
//! soundtracks, captions.
//!
//! [`plan`] walks the tables of all tracks, cuts them into segments that begin at equal times, and
//! knows then every byte that is to be written but the media itself: each [`Output`] gives the
//! fragments of its track as a few bytes of ours and ranges of the source. Manifests are those of a
//! segment index that was complete when it was first published.
//!
//! Time zero is where the earliest track begins to be seen or heard, edit lists applied. The first
//! picture is shown at its fragment's decode time, by signed composition offsets and without an edit
//! list; sound keeps its priming and skips it with one.

mod cut;
mod edits;
mod error;
mod groups;
mod index;
mod names;
mod output;
mod paced;
mod place;
mod protect;
mod survey;
mod text;
mod trick;

pub use error::PackageError;
pub use output::{Fragment, Fragments, Output};
pub use protect::{Encryption, Measured, Method, SealedSegment};
pub use text::CuesError;

use kinora_media::{Head, TrackId};

use crate::{
    PackagerError, dash, delivery::Delivery, hls, presentation::Presentation, read::Track,
    text::WebVtt,
};
use place::{Place, Placed};

/// A track to be packaged.
#[derive(Debug, Clone)]
pub struct Source<'t> {
    /// How errors call it: `film-1080.mp4, track 1`.
    pub name: String,
    /// Which file it lies in; handed on to its [`Output`].
    pub file: usize,
    /// The track: picture, sound, or text (`wvtt`, `stpp`).
    pub track: &'t Track<'t>,
    /// BCP 47 tag, `und` where it is not known.
    pub language: String,
    /// What menus show; empty shows the language.
    pub label: String,
}

/// Captions to go with it.
#[derive(Debug, Clone)]
pub struct Captions {
    /// BCP 47 tag.
    pub language: String,
    /// What menus show; empty shows the language.
    pub label: String,
    /// The captions.
    pub text: WebVtt,
}

/// How it is to be laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// In files.
    pub layout: Layout,
    /// How long segments should be, milliseconds. They begin at key frames, so they are as long as
    /// those allow.
    pub segment_ms: u32,
}

/// Into which files a track goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One a track, with an index; players fetch ranges of it.
    SingleFile,
    /// One a segment, and one for the initialisation.
    Segments,
}

/// A presentation to be written.
#[derive(Debug, Clone)]
pub struct Package<'t> {
    /// Pictures best first, then sound, then text, then key frames of pictures, where they were asked
    /// for.
    pub outputs: Vec<Output<'t>>,
    captions: Vec<(TrackId, WebVtt)>,
    head: Head,
    delivery: Delivery,
    layout: Layout,
}

/// Plans a presentation of `sources` and `captions`.
///
/// # Errors
/// When a file is damaged, a track cannot be packaged, edit lists do more than delay or skip
/// priming, or the key frames of several pictures do not align: the error says of which.
pub fn plan<'t>(
    sources: &[Source<'t>],
    captions: Vec<Captions>,
    options: Options,
) -> Result<Package<'t>, PackageError> {
    let placed = place::place(sources)?;
    let cuts = cut::cut(&placed, options.segment_ms)?;
    let outputs = placed.into_iter().zip(cuts).map(|(placed, starts)| {
        let Placed { source, coding, survey, place } = placed;
        Output::plan(source, coding, survey, place, starts, options.layout)
    });
    let mut outputs = outputs.collect::<Result<Vec<_>, _>>()?;
    names::name(&mut outputs)?;
    index::package(outputs, captions, options)
}

impl Package<'_> {
    /// The HLS multivariant playlist.
    ///
    /// # Errors
    /// None that a planned presentation has.
    pub fn multivariant(&self) -> Result<String, PackagerError> {
        hls::write_multivariant(&self.presentation()?)
    }

    /// The HLS media playlist of a track; `None` if there is no such track.
    ///
    /// # Errors
    /// None that a planned presentation has.
    pub fn media_playlist(&self, track: &TrackId) -> Result<Option<String>, PackagerError> {
        hls::write_media_playlist(&self.presentation()?, track)
    }

    /// The HLS I-frame playlist of a track, and its address; `None` if the track is no picture.
    ///
    /// # Errors
    /// None that a planned presentation has.
    pub fn i_frame_playlist(
        &self,
        track: &TrackId,
    ) -> Result<Option<(String, String)>, PackagerError> {
        let presentation = self.presentation()?;
        let playlist = hls::write_i_frame_playlist(&presentation, track)?;
        Ok(playlist.map(|playlist| (self.delivery.i_frames(track), playlist)))
    }

    /// The files of captions, each with its address: one a text track, and where tracks have a file
    /// a segment those too. HLS names segments, DASH the whole: players of raw WebVTT in DASH differ
    /// in what the times of its segments count from.
    pub fn caption_files(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let Self { captions, delivery, head, .. } = self;
        captions.iter().flat_map(|(id, text)| {
            // DASH has the samples of a track that is one.
            let is_needed = delivery.text_segment_us.is_none() || !delivery.text.contains_key(id);
            let whole = is_needed.then(|| (delivery.whole_text(id), text.to_string()));
            let segments = delivery.text_segment_us.into_iter();
            let segments = segments.flat_map(|each_us| text.segments(each_us, head.duration_us));
            let segments = segments.enumerate();
            let segments = segments.map(move |(n, segment)| (format!("{id}/{n}.vtt"), segment));
            whole.into_iter().chain(segments)
        })
    }

    /// The DASH manifest.
    ///
    /// # Errors
    /// None that a planned presentation has.
    pub fn mpd(&self) -> Result<String, PackagerError> {
        dash::write_mpd(&self.presentation()?)
    }

    /// Every track, those of text included, and how long all last.
    pub fn head(&self) -> &Head {
        &self.head
    }

    fn presentation(&self) -> Result<Presentation<'_>, PackagerError> {
        let presentation = Presentation::open(&self.head, &[])?;
        Ok(presentation.delivered(&self.delivery))
    }
}

/// Times of tracks as people read them.
fn seconds(ticks: i64, timescale: u32) -> String {
    let millis = kinora_media::ticks::rescale(ticks, u64::from(timescale), 1000);
    let sign = if millis < 0 { "-" } else { "" };
    format!("{sign}{}.{:03} s", millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000)
}

/// Whether a time of a place comes before another's.
fn is_before((a, a_scale): (i64, u32), (b, b_scale): (i64, u32)) -> bool {
    i128::from(a) * i128::from(b_scale) < i128::from(b) * i128::from(a_scale)
}

impl Place {
    /// A time of this track in ticks of another.
    fn ticks(time: i64, from: u32, to: u32) -> i64 {
        kinora_media::ticks::rescale(time, u64::from(from), u64::from(to))
    }
}
