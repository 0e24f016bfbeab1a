//! What a sample says of the coded picture in it.

use gstreamer as gst;

/// The parameter sets that it is coded with.
pub(crate) fn record(sample: &gst::SampleRef) -> Option<gst::MappedBuffer<gst::buffer::Readable>> {
    let caps = sample.caps()?.structure(0)?;
    caps.get::<gst::Buffer>("codec_data").ok()?.into_mapped_buffer_readable().ok()
}

/// When it is shown, since its pipeline began. x264enc counts from 1000 h; its segment knows the way
/// back.
pub(crate) fn running_time(sample: &gst::SampleRef) -> Option<gst::ClockTime> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(sample.buffer()?.pts()?)
}

/// Whether it needs no other.
pub(crate) fn is_key(buffer: &gst::BufferRef) -> bool {
    !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
}
