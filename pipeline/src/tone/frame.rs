//! Decoded frames in, frames of SDR out.

use gst::prelude::*;
use gst_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoFormat,
    VideoTransferFunction, prelude::*,
};
use gstreamer as gst;
use gstreamer_video as gst_video;
use kinora_plan::{ASSUMED_PEAK_NITS, VideoStream};

use super::{
    colour::{Conversion, Meaning},
    cube::Cube,
    gamut::Primaries,
    planes::{self, Layout, Plane, PlaneMut},
    transfer::Transfer,
};
use crate::{PipelineError, chunk::colour};

/// Buffers a pool begins with; it grows to what is under way.
const POOL_FRAMES: u32 = 2;

/// The frames of a stream as everything behind the decoder takes them: their caps say all about
/// them, what is HDR or wider than BT.709 has been made SDR, and full range limited: GStreamer
/// 1.22's converters take shortcuts between formats that are alike but for that, and forget it.
pub(crate) struct ToSdr {
    stream: VideoStream,
    current: Option<Current>,
}

/// What is done with frames of one kind.
struct Current {
    decoded: gst::Caps,
    shown: gst::Caps,
    /// `None` for frames that need nothing.
    mapper: Option<Mapper>,
}

impl ToSdr {
    pub(crate) fn new(stream: &VideoStream) -> Self {
        let stream = VideoStream { key_frames_ns: Vec::new(), coded: None, ..stream.clone() };
        Self { stream, current: None }
    }

    /// The caps of what frames of the decoder's caps become.
    ///
    /// # Errors
    /// When the caps describe no picture that can be converted.
    pub(crate) fn caps(&mut self, decoded: &gst::Caps) -> Result<gst::Caps, PipelineError> {
        self.current(decoded).map(|current| current.shown.clone())
    }

    /// A frame of the decoder's caps, converted; one that is SDR already as it is.
    ///
    /// # Errors
    /// As [`Self::caps`], and when the frame is not what its caps say.
    pub(crate) fn frame(
        &mut self,
        buffer: gst::Buffer,
        decoded: &gst::Caps,
    ) -> Result<gst::Buffer, PipelineError> {
        match &mut self.current(decoded)?.mapper {
            Some(mapper) => mapper.map(&buffer),
            None => Ok(buffer),
        }
    }

    fn current(&mut self, decoded: &gst::Caps) -> Result<&mut Current, PipelineError> {
        if self.current.as_ref().is_none_or(|current| current.decoded != *decoded) {
            self.current = Some(self.look_at(decoded)?);
        }
        Ok(self.current.as_mut().expect("it was set above"))
    }

    fn look_at(&self, decoded: &gst::Caps) -> Result<Current, PipelineError> {
        let described = colour::input_caps(decoded, &self.stream)?;
        let mapper = Mapper::new(&described, &self.stream)?;
        let shown = match &mapper {
            Some(mapper) => mapper.shown(&described)?,
            None => described,
        };
        Ok(Current { decoded: decoded.clone(), shown, mapper })
    }
}

/// What is done to samples.
enum Way {
    Cube(Box<Cube>),
    /// From full range to limited.
    Narrow,
}

/// The way of frames that are not as they should be.
struct Mapper {
    way: Way,
    layout: Layout,
    /// What frames are, and what the way begins with.
    input: gst_video::VideoInfo,
    taken: gst_video::VideoInfo,
    converter: Option<gst_video::VideoConverter>,
    output: gst_video::VideoInfo,
    pool: gst::BufferPool,
}

impl Mapper {
    /// `None` if the frames can stay as they are.
    fn new(described: &gst::Caps, stream: &VideoStream) -> Result<Option<Self>, PipelineError> {
        let input = gst_video::VideoInfo::from_caps(described)?;
        let colorimetry = colour::colorimetry(&input, stream);
        let full_range = colorimetry.range() == VideoColorRange::Range0_255;
        let (way, format, shown) = match meaning(&colorimetry, stream) {
            Some(meaning) => {
                let cube = Cube::new(&Conversion::new(meaning));
                let shown = "bt709".parse().expect("GStreamer names it");
                (Way::Cube(Box::new(cube)), VideoFormat::I42010le, shown)
            }
            // Pictures of R, G and B go through a matrix, and no shortcut.
            None if full_range && input.is_yuv() => {
                let limited = VideoColorimetry::new(
                    VideoColorRange::Range16_235,
                    colorimetry.matrix(),
                    colorimetry.transfer(),
                    colorimetry.primaries(),
                );
                (Way::Narrow, VideoFormat::I420, limited)
            }
            None => return Ok(None),
        };
        let derived = |format, colorimetry: &VideoColorimetry| {
            gst_video::VideoInfo::builder(format, input.width(), input.height())
                .fps(input.fps())
                .par(input.par())
                .interlace_mode(input.interlace_mode())
                .colorimetry(colorimetry)
                .chroma_site(colour::site(described, &input))
                .build()
        };
        let taken = derived(format, &colorimetry)?;
        let output = derived(VideoFormat::I420, &shown)?;
        let converter = match input.format() == format {
            true => None,
            false => Some(gst_video::VideoConverter::new(&input, &taken, None)?),
        };
        let layout = Layout {
            width: input.width() as usize,
            height: input.height() as usize,
            interlaced: input.interlace_mode() != gst_video::VideoInterlaceMode::Progressive,
        };
        let pool = pool(&output)?;
        Ok(Some(Self { way, layout, input, taken, converter, output, pool }))
    }

    /// The caps of what comes out.
    fn shown(&self, described: &gst::Caps) -> Result<gst::Caps, PipelineError> {
        let mut caps = self.output.to_caps()?;
        // Where it says which field is first, that stays true.
        let order = described.structure(0).and_then(|s| s.get::<String>("field-order").ok());
        if let Some(order) = order {
            caps.make_mut().set("field-order", order);
        }
        Ok(caps)
    }

    fn map(&mut self, buffer: &gst::Buffer) -> Result<gst::Buffer, PipelineError> {
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &self.input)?;
        let mut made = self.pool.acquire_buffer(None).map_err(|flow| {
            PipelineError::Internal(format!("no buffer for a converted frame: {flow}"))
        })?;
        {
            let unshared = made.make_mut();
            let mut to =
                gst_video::VideoFrameRef::from_buffer_ref_writable(unshared, &self.output)?;
            match &self.converter {
                None => self.convert(&frame, &mut to)?,
                Some(converter) => {
                    let mut between = gst::Buffer::with_size(self.taken.size())?;
                    let between = gst_video::VideoFrameRef::from_buffer_ref_writable(
                        between.make_mut(),
                        &self.taken,
                    );
                    let mut between = between?;
                    converter.frame_ref(&frame, &mut between);
                    self.convert(&between, &mut to)?;
                }
            }
        }
        let kept = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS;
        buffer.copy_into(made.make_mut(), kept, ..)?;
        Ok(made)
    }

    fn convert(
        &self,
        from: &gst_video::VideoFrameRef<&gst::BufferRef>,
        to: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), PipelineError> {
        let stride = |strides: &[i32], plane: usize| usize::try_from(strides[plane]).unwrap_or(0);
        let source = |plane: usize| {
            let bytes = from.plane_data(plane as u32)?;
            Ok::<_, PipelineError>(Plane { bytes, stride: stride(from.plane_stride(), plane) })
        };
        let from = [source(0)?, source(1)?, source(2)?];
        let strides = [0, 1, 2].map(|plane| stride(to.plane_stride(), plane));
        let [luma, blue, red, _] = to.planes_data_mut();
        let to = [(luma, strides[0]), (blue, strides[1]), (red, strides[2])];
        let to = to.map(|(bytes, stride)| PlaneMut { bytes, stride });
        match &self.way {
            Way::Cube(cube) => planes::convert(cube, self.layout, from, to),
            Way::Narrow => planes::narrow(self.layout, from, to),
        }
        Ok(())
    }
}

/// What the numbers of a stream mean; `None` if that is SDR in BT.709's colours or smaller ones.
fn meaning(colorimetry: &VideoColorimetry, stream: &VideoStream) -> Option<Meaning> {
    let primaries = match colorimetry.primaries() {
        VideoColorPrimaries::Bt2020 => Primaries::Bt2020,
        VideoColorPrimaries::Smpteeg432 | VideoColorPrimaries::Smpterp431 => Primaries::DisplayP3,
        _ => Primaries::Bt709,
    };
    let transfer = match colorimetry.transfer() {
        VideoTransferFunction::Smpte2084 => Transfer::Pq,
        VideoTransferFunction::AribStdB67 => Transfer::Hlg,
        _ if primaries == Primaries::Bt709 => return None,
        _ => Transfer::Gamma,
    };
    let luma = match colorimetry.matrix() {
        VideoColorMatrix::Bt709 => (0.2126, 0.0722),
        VideoColorMatrix::Bt601 => (0.299, 0.114),
        _ => (0.2627, 0.0593),
    };
    let full_range = colorimetry.range() == VideoColorRange::Range0_255;
    let peak_nits = f64::from(stream.peak_nits.unwrap_or(ASSUMED_PEAK_NITS));
    Some(Meaning { transfer, primaries, luma, full_range, peak_nits })
}

fn pool(info: &gst_video::VideoInfo) -> Result<gst::BufferPool, PipelineError> {
    let pool: gst::BufferPool = gst_video::VideoBufferPool::new().upcast();
    let mut config = pool.config();
    let size = u32::try_from(info.size())
        .map_err(|_| PipelineError::Internal("a frame of four gigabytes".into()))?;
    config.set_params(Some(&info.to_caps()?), size, POOL_FRAMES, 0);
    pool.set_config(config)?;
    pool.set_active(true)?;
    Ok(pool)
}
