//! What initialisation segments of every kind of track share (ISO/IEC 23000-19 7.3.1).

use bytes::Bytes;

use super::{INIT_BRANDS, MAJOR_BRAND};
use crate::boxes::{
    BoxWriter, dinf, elst, ftyp, hdlr, mdhd, mvhd, nmhd, sample_tables, sgpd, smhd, sthd, tkhd,
    trex, vmhd,
};

/// A track's header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Init {
    /// Ticks a second.
    pub(crate) timescale: u32,
    pub(crate) media: Media,
    /// Ticks at the start that the edit list skips.
    pub(crate) priming: u32,
    /// How many samples before one must be decoded for it to be right, as a negative number;
    /// `None` where a sample stands alone or says by its flags what it needs.
    pub(crate) roll: Option<i16>,
}

/// What a track is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Media {
    /// With its size and how it is turned.
    Picture(tkhd::Picture),
    Sound,
    /// WebVTT.
    Text,
    /// TTML.
    Subtitles,
}

/// `sample_entry` writes the one sample entry; `capacity` is about what it takes.
pub(crate) fn write(
    init: Init,
    capacity: usize,
    sample_entry: impl FnOnce(&mut BoxWriter),
) -> Bytes {
    let mut w = BoxWriter::with_capacity(768 + capacity);
    ftyp::write(&mut w, b"ftyp", MAJOR_BRAND, &INIT_BRANDS);
    w.boxed(b"moov", |w| {
        mvhd::write(w, init.timescale);
        w.boxed(b"trak", |w| {
            let picture = match init.media {
                Media::Picture(picture) => Some(picture),
                Media::Sound | Media::Text | Media::Subtitles => None,
            };
            tkhd::write(w, picture, matches!(init.media, Media::Sound));
            if init.priming > 0 {
                elst::write(w, init.priming);
            }
            w.boxed(b"mdia", |w| {
                mdhd::write(w, init.timescale);
                match init.media {
                    Media::Picture(_) => hdlr::write(w, b"vide", "Video"),
                    Media::Sound => hdlr::write(w, b"soun", "Audio"),
                    Media::Text => hdlr::write(w, b"text", "Text"),
                    Media::Subtitles => hdlr::write(w, b"subt", "Subtitles"),
                }
                w.boxed(b"minf", |w| media(w, init, sample_entry));
            });
        });
        trex::write(w);
    });
    w.finish()
}

fn media(w: &mut BoxWriter, init: Init, sample_entry: impl FnOnce(&mut BoxWriter)) {
    match init.media {
        Media::Picture(_) => vmhd::write(w),
        Media::Sound => smhd::write(w),
        Media::Text => nmhd::write(w),
        Media::Subtitles => sthd::write(w),
    }
    dinf::write(w);
    w.boxed(b"stbl", |w| {
        w.full_box(b"stsd", 0, 0, |w| {
            w.u32(1); // entry_count
            sample_entry(w);
        });
        sample_tables::write_empty(w);
        if let Some(distance) = init.roll {
            sgpd::write_roll(w, distance);
        }
    });
}
