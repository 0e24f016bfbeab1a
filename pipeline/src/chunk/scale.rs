//! The GStreamer element that scales 4:2:0 pictures of 8 bits, plane by plane.
//!
//! Chroma keeps its place in the picture as with GStreamer's and ffmpeg's own scalers: centre on
//! centre of its plane, wherever it is sited. Nothing is converted, so colours stay what they are.

use std::{
    num::NonZeroU32,
    sync::{Mutex, OnceLock, PoisonError},
};

use gst::{glib, prelude::*, subclass::prelude::*};
use gst_base::subclass::{BaseTransformMode, prelude::*};
use gst_video::{prelude::*, subclass::prelude::*};
use gstreamer as gst;
use gstreamer_base as gst_base;
use gstreamer_video as gst_video;
use kinora_scaler::{PlaneScaler, ScaleError, Size};

/// Planes of 4:2:0.
const PLANES: u32 = 3;
/// A stride's alignment, less one: with it the scaler writes where the encoder reads.
const STRIDE_MASK: u32 = 31;

/// An element that scales to what the caps behind it say.
pub(super) fn new() -> gst::Element {
    let element: Scaler = glib::Object::new();
    element.set_property("qos", false);
    element.upcast()
}

glib::wrapper! {
    struct Scaler(ObjectSubclass<imp::Scaler>)
        @extends gst_video::VideoFilter, gst_base::BaseTransform, gst::Element, gst::Object;
}

fn caps() -> gst::Caps {
    gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420).build()
}

/// The same pictures of any size.
fn of_any_size(caps: &gst::Caps) -> gst::Caps {
    let mut caps = caps.copy();
    for structure in caps.make_mut().iter_mut() {
        structure.set("width", gst::IntRange::new(1, i32::MAX));
        structure.set("height", gst::IntRange::new(1, i32::MAX));
    }
    caps
}

/// A scaler for luma and one for both planes of chroma.
fn scalers(
    from: &gst_video::VideoInfo,
    to: &gst_video::VideoInfo,
) -> Result<[PlaneScaler; 2], ScaleError> {
    let plane = |component| PlaneScaler::new(size(from, component), size(to, component));
    Ok([plane(0)?, plane(1)?])
}

fn size(info: &gst_video::VideoInfo, component: u8) -> Size {
    let width = info.format_info().scale_width(component, info.width());
    let height = info.format_info().scale_height(component, info.height());
    let side = |samples| NonZeroU32::new(samples).unwrap_or(NonZeroU32::MIN);
    Size { width: side(width), height: side(height) }
}

fn stride(frame: &impl VideoFrameExt, plane: usize) -> usize {
    // Never negative: 4:2:0 planes are not upside down.
    usize::try_from(frame.plane_stride()[plane]).unwrap_or(0)
}

/// A pool whose planes lie as the scaler wants them.
fn aligned_pool(caps: &gst::Caps) -> Result<gst::BufferPool, glib::BoolError> {
    let info = gst_video::VideoInfo::from_caps(caps)?;
    let size = u32::try_from(info.size()).unwrap_or(u32::MAX);
    let pool = gst_video::VideoBufferPool::new();
    let mut config = pool.config();
    config.set_params(Some(caps), size, 0, 0);
    config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_META);
    config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    config.set_video_alignment(&gst_video::VideoAlignment::new(0, 0, 0, 0, &[STRIDE_MASK; 4]));
    pool.set_config(config)?;
    Ok(pool.upcast())
}

mod imp {
    use super::*;

    #[derive(Default)]
    pub(super) struct Scaler {
        scalers: Mutex<Option<[PlaneScaler; 2]>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Scaler {
        const NAME: &'static str = "KinoraScaler";
        type Type = super::Scaler;
        type ParentType = gst_video::VideoFilter;
    }

    impl ObjectImpl for Scaler {}
    impl GstObjectImpl for Scaler {}

    impl ElementImpl for Scaler {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: OnceLock<gst::subclass::ElementMetadata> = OnceLock::new();
            Some(METADATA.get_or_init(|| {
                gst::subclass::ElementMetadata::new(
                    "Kinora scaler",
                    "Filter/Converter/Video/Scaler",
                    "Scales 4:2:0 pictures of 8 bits",
                    "Kinora",
                )
            }))
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: OnceLock<Vec<gst::PadTemplate>> = OnceLock::new();
            TEMPLATES.get_or_init(|| {
                [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                    .into_iter()
                    .filter_map(|(name, direction)| {
                        let always = gst::PadPresence::Always;
                        gst::PadTemplate::new(name, direction, always, &caps()).ok()
                    })
                    .collect()
            })
        }
    }

    impl BaseTransformImpl for Scaler {
        const MODE: BaseTransformMode = BaseTransformMode::NeverInPlace;
        const PASSTHROUGH_ON_SAME_CAPS: bool = true;
        const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

        fn transform_caps(
            &self,
            _direction: gst::PadDirection,
            caps: &gst::Caps,
            filter: Option<&gst::Caps>,
        ) -> Option<gst::Caps> {
            let caps = of_any_size(caps);
            Some(match filter {
                Some(filter) => filter.intersect_with_mode(&caps, gst::CapsIntersectMode::First),
                None => caps,
            })
        }

        fn decide_allocation(
            &self,
            query: &mut gst::query::Allocation,
        ) -> Result<(), gst::LoggableError> {
            let strides = query.find_allocation_meta::<gst_video::VideoMeta>().is_some();
            if let (Some(caps), true) = (query.get_owned().0, strides) {
                let pool = aligned_pool(&caps)
                    .map_err(|error| gst::loggable_error!(gst::CAT_RUST, "{error}"))?;
                let size = pool.config().params().map_or(0, |(_, size, _, _)| size);
                match query.allocation_pools().len() {
                    0 => query.add_allocation_pool(Some(&pool), size, 0, 0),
                    _ => query.set_nth_allocation_pool(0, Some(&pool), size, 0, 0),
                }
            }
            self.parent_decide_allocation(query)
        }
    }

    impl VideoFilterImpl for Scaler {
        fn set_info(
            &self,
            _in_caps: &gst::Caps,
            from: &gst_video::VideoInfo,
            _out_caps: &gst::Caps,
            to: &gst_video::VideoInfo,
        ) -> Result<(), gst::LoggableError> {
            let made = scalers(from, to)
                .map_err(|error| gst::loggable_error!(gst::CAT_RUST, "{error}"))?;
            *self.scalers.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
            Ok(())
        }

        fn transform_frame(
            &self,
            from: &gst_video::VideoFrameRef<&gst::BufferRef>,
            to: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        ) -> Result<gst::FlowSuccess, gst::FlowError> {
            let mut scalers = self.scalers.lock().unwrap_or_else(PoisonError::into_inner);
            let [luma, chroma] = scalers.as_mut().ok_or(gst::FlowError::NotNegotiated)?;
            for plane in 0..PLANES {
                let index = plane as usize;
                let source = from.plane_data(plane).map_err(|_| gst::FlowError::Error)?;
                let (source_stride, target_stride) = (stride(from, index), stride(to, index));
                let target = to.plane_data_mut(plane).map_err(|_| gst::FlowError::Error)?;
                let scaler = if plane == 0 { &mut *luma } else { &mut *chroma };
                scaler.scale((source, source_stride), (target, target_stride)).map_err(
                    |error| {
                        gst::element_imp_error!(self, gst::LibraryError::Failed, ["{error}"]);
                        gst::FlowError::Error
                    },
                )?;
            }
            Ok(gst::FlowSuccess::Ok)
        }
    }
}
