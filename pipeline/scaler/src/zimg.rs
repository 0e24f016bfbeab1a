//! The part of zimg's C interface (`zimg.h`, API 2.x) that scales one plane, and its owners.

use std::{
    ffi::{c_char, c_double, c_int, c_uint, c_void},
    ptr::{self, NonNull},
};

use crate::{ScaleError, Size, aligned::Aligned};

/// The version whose structures are declared here; later ones of API 2 read them, too.
const API_VERSION: c_uint = (2 << 8) | 4;
/// Addresses and strides are multiples of this.
pub(crate) const ALIGNMENT: usize = 32;
/// zimg may use vectors of 32 bytes. Not of 64: with those version 3.0.4 gets one in a hundred sizes
/// wrong, a column of each row.
const CPU_AUTO: c_int = 1;
const PIXEL_BYTE: c_int = 0;
const RANGE_LIMITED: c_int = 0;
const RESIZE_BICUBIC: c_int = 2;
/// A plane's rows all exist: there is no ring of them.
const BUFFER_MAX: c_uint = c_uint::MAX;
const SUCCESS: c_int = 0;
/// zimg's planes of an image: three colours and transparency.
const PLANES: usize = 4;

/// `zimg_image_format`.
#[repr(C)]
struct ImageFormat {
    version: c_uint,
    width: c_uint,
    height: c_uint,
    pixel_type: c_int,
    subsample_w: c_uint,
    subsample_h: c_uint,
    color_family: c_int,
    matrix_coefficients: c_int,
    transfer_characteristics: c_int,
    color_primaries: c_int,
    depth: c_uint,
    pixel_range: c_int,
    field_parity: c_int,
    chroma_location: c_int,
    active_region: [c_double; 4],
    alpha: c_int,
}

/// `zimg_graph_builder_params`.
#[repr(C)]
struct BuilderParams {
    version: c_uint,
    resample_filter: c_int,
    filter_param_a: c_double,
    filter_param_b: c_double,
    resample_filter_uv: c_int,
    filter_param_a_uv: c_double,
    filter_param_b_uv: c_double,
    dither_type: c_int,
    cpu_type: c_int,
    nominal_peak_luminance: c_double,
    allow_approximate_gamma: c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct PlaneBuffer<P> {
    data: P,
    stride: isize,
    mask: c_uint,
}

/// `zimg_image_buffer_const` and `zimg_image_buffer`.
#[repr(C)]
struct ImageBuffer<P> {
    version: c_uint,
    plane: [PlaneBuffer<P>; PLANES],
}

#[repr(C)]
struct FilterGraph {
    _opaque: [u8; 0],
}

type Callback = Option<unsafe extern "C" fn(*mut c_void, c_uint, c_uint, c_uint) -> c_int>;

#[link(name = "zimg")]
unsafe extern "C" {
    fn zimg_image_format_default(format: *mut ImageFormat, version: c_uint);
    fn zimg_graph_builder_params_default(params: *mut BuilderParams, version: c_uint);
    fn zimg_filter_graph_build(
        source: *const ImageFormat,
        target: *const ImageFormat,
        params: *const BuilderParams,
    ) -> *mut FilterGraph;
    fn zimg_filter_graph_free(graph: *mut FilterGraph);
    fn zimg_filter_graph_get_tmp_size(graph: *const FilterGraph, size: *mut usize) -> c_int;
    fn zimg_filter_graph_process(
        graph: *const FilterGraph,
        source: *const ImageBuffer<*const c_void>,
        target: *const ImageBuffer<*mut c_void>,
        scratch: *mut c_void,
        unpack: Callback,
        unpack_user: *mut c_void,
        pack: Callback,
        pack_user: *mut c_void,
    ) -> c_int;
    fn zimg_get_last_error(message: *mut c_char, size: usize) -> c_int;
}

/// A built filter from planes of one size to planes of another, and the memory it works in.
pub(crate) struct Graph {
    graph: NonNull<FilterGraph>,
    scratch: Aligned,
}

// SAFETY: a graph is plain memory that no thread-local state refers to; the library says that it may
// be used from any thread.
unsafe impl Send for Graph {}

impl Graph {
    /// A bicubic filter of the family of Mitchell and Netravali with B = 0 and that C.
    pub(crate) fn bicubic(
        source: Size,
        target: Size,
        c: f64,
        cpu: Cpu,
    ) -> Result<Self, ScaleError> {
        let (from, to) = (ImageFormat::grey(source), ImageFormat::grey(target));
        let params = BuilderParams::bicubic(c, cpu);
        // SAFETY: three structures of the version that they name, read during the call alone.
        let graph = unsafe { zimg_filter_graph_build(&from, &to, &params) };
        let graph = NonNull::new(graph).ok_or_else(last_error)?;
        let mut built = Self { graph, scratch: Aligned::zeroed(0) };
        built.scratch = Aligned::zeroed(built.scratch_size()?);
        Ok(built)
    }

    fn scratch_size(&self) -> Result<usize, ScaleError> {
        let mut size = 0;
        // SAFETY: a built graph, and a place for the answer.
        let code = unsafe { zimg_filter_graph_get_tmp_size(self.graph.as_ptr(), &mut size) };
        if code == SUCCESS { Ok(size) } else { Err(last_error()) }
    }

    /// Fills `target` from `source`.
    ///
    /// # Safety
    /// Both must begin at a multiple of [`ALIGNMENT`], have strides that are multiples of it, and hold
    /// a whole stride for each row of the sizes the graph was built for.
    pub(crate) unsafe fn process(
        &mut self,
        (source, source_stride): (&[u8], usize),
        (target, target_stride): (&mut [u8], usize),
    ) -> Result<(), ScaleError> {
        let source = buffer(source.as_ptr().cast::<c_void>(), ptr::null(), source_stride);
        let target = buffer(target.as_mut_ptr().cast::<c_void>(), ptr::null_mut(), target_stride);
        let scratch = self.scratch.as_mut_slice().as_mut_ptr().cast();
        let (graph, none) = (self.graph.as_ptr(), ptr::null_mut());
        // SAFETY: the caller answers for the planes; scratch has the size and alignment the graph asked
        // for, and no callbacks are given.
        let code = unsafe {
            zimg_filter_graph_process(graph, &source, &target, scratch, None, none, None, none)
        };
        if code == SUCCESS { Ok(()) } else { Err(last_error()) }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: built by the library, and freed once.
        unsafe { zimg_filter_graph_free(self.graph.as_ptr()) }
    }
}

/// Which instructions zimg may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cpu {
    /// All that are right.
    Best,
    /// None beyond C: for comparison.
    #[cfg(test)]
    Plain,
}

impl ImageFormat {
    fn grey(size: Size) -> Self {
        let mut format = Self {
            version: API_VERSION,
            width: 0,
            height: 0,
            pixel_type: 0,
            subsample_w: 0,
            subsample_h: 0,
            color_family: 0,
            matrix_coefficients: 0,
            transfer_characteristics: 0,
            color_primaries: 0,
            depth: 0,
            pixel_range: 0,
            field_parity: 0,
            chroma_location: 0,
            active_region: [0.0; 4],
            alpha: 0,
        };
        // SAFETY: writes the fields of that version, which are those of the structure.
        unsafe { zimg_image_format_default(&mut format, API_VERSION) };
        (format.width, format.height) = (size.width.get(), size.height.get());
        format.pixel_type = PIXEL_BYTE;
        // Said of both sides, so nothing is converted.
        format.pixel_range = RANGE_LIMITED;
        format
    }
}

impl BuilderParams {
    fn bicubic(c: f64, cpu: Cpu) -> Self {
        let mut params = Self {
            version: API_VERSION,
            resample_filter: 0,
            filter_param_a: 0.0,
            filter_param_b: 0.0,
            resample_filter_uv: 0,
            filter_param_a_uv: 0.0,
            filter_param_b_uv: 0.0,
            dither_type: 0,
            cpu_type: 0,
            nominal_peak_luminance: 0.0,
            allow_approximate_gamma: 0,
        };
        // SAFETY: as for formats.
        unsafe { zimg_graph_builder_params_default(&mut params, API_VERSION) };
        params.resample_filter = RESIZE_BICUBIC;
        (params.filter_param_a, params.filter_param_b) = (0.0, c);
        params.cpu_type = match cpu {
            Cpu::Best => CPU_AUTO,
            #[cfg(test)]
            Cpu::Plain => 0,
        };
        params
    }
}

fn buffer<P: Copy>(data: P, none: P, stride: usize) -> ImageBuffer<P> {
    let absent = PlaneBuffer { data: none, stride: 0, mask: 0 };
    let mut plane = [absent; PLANES];
    // No slice is longer than isize says.
    plane[0] = PlaneBuffer { data, stride: stride as isize, mask: BUFFER_MAX };
    ImageBuffer { version: API_VERSION, plane }
}

/// What the library says went wrong on this thread.
fn last_error() -> ScaleError {
    let mut message = [0_u8; 256];
    // SAFETY: the library writes at most that many bytes and ends them with a zero.
    let code = unsafe { zimg_get_last_error(message.as_mut_ptr().cast(), message.len()) };
    let text = message.split(|byte| *byte == 0).next().unwrap_or_default();
    ScaleError::Library { code, message: String::from_utf8_lossy(text).into_owned() }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn structures_are_those_of_the_installed_library() {
        let side = |pixels| NonZeroU32::new(pixels).unwrap();
        let format = ImageFormat::grey(Size { width: side(10), height: side(20) });
        // The defaults that zimg.h documents, field by field: each where we think it is.
        assert_eq!(format.version, API_VERSION);
        assert_eq!((format.subsample_w, format.subsample_h, format.color_family), (0, 0, 0));
        let unspecified =
            [format.matrix_coefficients, format.transfer_characteristics, format.color_primaries];
        assert_eq!(unspecified, [2; 3]);
        assert_eq!((format.field_parity, format.chroma_location, format.alpha), (0, 0, 0));
        assert!(format.active_region.iter().all(|edge| edge.is_nan()));
        let params = BuilderParams::bicubic(0.5, Cpu::Best);
        assert_eq!((params.resample_filter_uv, params.dither_type), (1, 0));
        assert!(params.filter_param_a_uv.is_nan() && params.filter_param_b_uv.is_nan());
        assert!(params.nominal_peak_luminance.is_nan());
        assert_eq!(params.allow_approximate_gamma, 0);
    }
}
