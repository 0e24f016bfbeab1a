//! Boxes of ISO/IEC 14496-12 (ISO base media file format), one a file, named by their code.
//!
//! Only what we write; [`crate::read`] reads. Each `write` appends one whole box to a [`BoxWriter`].

pub(crate) mod avc1;
pub(crate) mod avcc;
pub(crate) mod btrt;
pub(crate) mod colr;
pub(crate) mod dinf;
pub(crate) mod elst;
pub(crate) mod emsg;
pub(crate) mod esds;
pub(crate) mod ftyp;
pub(crate) mod hdlr;
pub(crate) mod mdhd;
pub(crate) mod mfhd;
pub(crate) mod mp4a;
pub(crate) mod mvhd;
pub(crate) mod nmhd;
pub(crate) mod pasp;
pub(crate) mod prft;
pub(crate) mod sample_tables;
pub(crate) mod sbgp;
pub(crate) mod sgpd;
pub(crate) mod sidx;
pub(crate) mod smhd;
pub(crate) mod sthd;
pub(crate) mod tfdt;
pub(crate) mod tfhd;
pub(crate) mod tkhd;
pub(crate) mod trex;
pub(crate) mod trun;
pub(crate) mod vmhd;
mod writer;

pub(crate) use writer::BoxWriter;

/// The only track of a CMAF file.
pub(crate) const TRACK_ID: u32 = 1;
/// Index of the only sample entry of a track.
pub(crate) const SAMPLE_DESCRIPTION_INDEX: u32 = 1;

/// The bytes `write` writes.
pub(crate) fn written(write: impl FnOnce(&mut BoxWriter)) -> Vec<u8> {
    let mut w = BoxWriter::with_capacity(64);
    write(&mut w);
    w.finish().to_vec()
}
