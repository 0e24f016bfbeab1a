//! The GStreamer element over a [`Source`].

use std::sync::OnceLock;

use gst::{glib, prelude::*, subclass::prelude::*};
use gst_base::{
    prelude::*,
    subclass::{base_src::CreateSuccess, prelude::*},
};
use gstreamer as gst;
use gstreamer_base as gst_base;

use super::{Source, movie_header::MovieHeader};

/// A range a damaged header asks for is no reason to take all memory.
const MAX_READ: u32 = 256 << 20;
/// Stream ids are made from the address; one constant keeps them equal in every run.
const URI: &str = "kinora:source";

/// An element that reads `source`, with what its movie header promises left out.
pub(super) fn new(source: Source, header: Option<MovieHeader>) -> gst::Element {
    let element: SourceElement = glib::Object::new();
    let unset = element.imp().source.set(source).is_ok();
    if let Some(header) = header {
        element.imp().header.set(header).expect("a new element has no header");
    }
    debug_assert!(unset, "a new element has no source");
    element.upcast()
}

glib::wrapper! {
    struct SourceElement(ObjectSubclass<imp::SourceElement>)
        @extends gst_base::BaseSrc, gst::Element, gst::Object;
}

mod imp {
    use super::*;

    #[derive(Default)]
    pub(super) struct SourceElement {
        pub(super) source: OnceLock<Source>,
        pub(super) header: OnceLock<MovieHeader>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SourceElement {
        const NAME: &'static str = "KinoraSource";
        type Type = super::SourceElement;
        type ParentType = gst_base::BaseSrc;
    }

    impl ObjectImpl for SourceElement {
        fn constructed(&self) {
            self.parent_constructed();
            let element = self.obj();
            element.set_format(gst::Format::Bytes);
            // In push mode (no demuxer asked to pull) ranges are this long.
            element.set_blocksize(64 << 10);
        }
    }

    impl GstObjectImpl for SourceElement {}

    impl ElementImpl for SourceElement {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: OnceLock<gst::subclass::ElementMetadata> = OnceLock::new();
            Some(METADATA.get_or_init(|| {
                gst::subclass::ElementMetadata::new(
                    "Kinora source",
                    "Source",
                    "Reads ranges of a source",
                    "Kinora",
                )
            }))
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: OnceLock<Vec<gst::PadTemplate>> = OnceLock::new();
            TEMPLATES.get_or_init(|| {
                gst::PadTemplate::new(
                    "src",
                    gst::PadDirection::Src,
                    gst::PadPresence::Always,
                    &gst::Caps::new_any(),
                )
                .into_iter()
                .collect()
            })
        }
    }

    impl BaseSrcImpl for SourceElement {
        fn is_seekable(&self) -> bool {
            true
        }

        fn size(&self) -> Option<u64> {
            self.source.get().map(Source::size)
        }

        fn query(&self, query: &mut gst::QueryRef) -> bool {
            if let gst::QueryViewMut::Uri(uri) = query.view_mut() {
                uri.set_uri(Some(URI));
                return true;
            }
            BaseSrcImplExt::parent_query(self, query)
        }

        fn create(
            &self,
            offset: u64,
            _buffer: Option<&mut gst::BufferRef>,
            length: u32,
        ) -> Result<CreateSuccess, gst::FlowError> {
            let source = self.source.get().ok_or(gst::FlowError::NotNegotiated)?;
            if offset >= source.size() {
                return Err(gst::FlowError::Eos);
            }
            if length > MAX_READ {
                let why = format!("the file asks for {length} bytes at once");
                gst::element_imp_error!(self, gst::StreamError::Demux, ["{}", why]);
                return Err(gst::FlowError::Error);
            }
            match source.read(offset, length as usize) {
                Ok(bytes) => {
                    let end = offset + bytes.len() as u64;
                    let bytes = match self.header.get() {
                        Some(header) => header.left_out_of(bytes, offset),
                        None => bytes,
                    };
                    let mut buffer = gst::Buffer::from_slice(bytes);
                    let writable = buffer.get_mut().expect("a new buffer has one owner");
                    writable.set_offset(offset);
                    writable.set_offset_end(end);
                    Ok(CreateSuccess::NewBuffer(buffer))
                }
                Err(error) => self.fail(&error.to_string()),
            }
        }
    }

    impl SourceElement {
        fn fail<T>(&self, why: &str) -> Result<T, gst::FlowError> {
            gst::element_imp_error!(self, gst::ResourceError::Read, ("source_read"), ["{}", why]);
            Err(gst::FlowError::Error)
        }
    }
}
