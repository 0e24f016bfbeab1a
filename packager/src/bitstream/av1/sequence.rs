//! Sequence header (5.5).

use crate::bitstream::Bits;

/// `seq_force_screen_content_tools` and the like: each frame says.
pub(super) const SELECT: u32 = 2;
/// Code points of sRGB (6.4.2).
const SRGB: (u32, u32, u32) = (1, 13, 0);

/// What frame headers and manifests need of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sequence {
    pub(super) reduced: bool,
    pub(super) equal_interval: bool,
    pub(super) decoder_model: Option<DecoderModel>,
    /// Of each operating point its layers, and whether it has a decoder model.
    pub(super) points: Vec<(u32, bool)>,
    pub(super) width_bits: usize,
    pub(super) height_bits: usize,
    pub(super) size: (u32, u32),
    /// Bits of a frame's number, and of the difference to one.
    pub(super) frame_ids: Option<(usize, usize)>,
    pub(super) large_blocks: bool,
    pub(super) warped: bool,
    pub(super) order_bits: usize,
    pub(super) reference_motion: bool,
    pub(super) screen_content: u32,
    pub(super) integer_motion: u32,
    pub(super) superres: bool,
    pub(super) cdef: bool,
    pub(super) restoration: bool,
    pub(super) mono: bool,
    pub(super) subsampling: (bool, bool),
    pub(super) separate_uv: bool,
    pub(super) film_grain: bool,
    /// `transfer_characteristics`, where it is said.
    pub(crate) transfer: Option<u8>,
}

/// Lengths of its fields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DecoderModel {
    delay: usize,
    pub(super) removal: usize,
    pub(super) presentation: usize,
}

impl Sequence {
    pub(super) fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let mut it = Self { screen_content: SELECT, integer_motion: SELECT, ..Self::default() };
        let profile = bits.take(3)?;
        bits.skip(1)?; // still_picture
        it.reduced = bits.flag()?;
        if it.reduced {
            bits.skip(5)?;
            it.points.push((0, false));
        } else {
            it.read_points(bits)?;
        }
        it.width_bits = bits.take(4)? as usize + 1;
        it.height_bits = bits.take(4)? as usize + 1;
        it.size = (bits.take(it.width_bits)? + 1, bits.take(it.height_bits)? + 1);
        if !it.reduced && bits.flag()? {
            let difference = bits.take(4)? as usize + 2;
            it.frame_ids = Some((difference + bits.take(3)? as usize + 1, difference));
        }
        it.large_blocks = bits.flag()?;
        bits.skip(2)?; // enable_filter_intra, enable_intra_edge_filter
        if !it.reduced {
            it.read_tools(bits)?;
        }
        it.superres = bits.flag()?;
        it.cdef = bits.flag()?;
        it.restoration = bits.flag()?;
        it.read_colours(bits, profile)?;
        it.film_grain = bits.flag()?;
        Some(it)
    }

    /// Timing, decoder model, operating points.
    fn read_points(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if bits.flag()? {
            bits.skip(64)?; // num_units_in_display_tick, time_scale
            self.equal_interval = bits.flag()?;
            if self.equal_interval {
                skip_uvlc(bits)?;
            }
            if bits.flag()? {
                let delay = bits.take(5)? as usize + 1;
                bits.skip(32)?;
                let removal = bits.take(5)? as usize + 1;
                let presentation = bits.take(5)? as usize + 1;
                self.decoder_model = Some(DecoderModel { delay, removal, presentation });
            }
        }
        let display_delay = bits.flag()?;
        for _ in 0..=bits.take(5)? {
            let layers = bits.take(12)?;
            if bits.take(5)? > 7 {
                bits.skip(1)?; // seq_tier
            }
            let mut has_model = false;
            if let Some(model) = self.decoder_model {
                has_model = bits.flag()?;
                if has_model {
                    bits.skip(2 * model.delay + 1)?;
                }
            }
            if display_delay && bits.flag()? {
                bits.skip(4)?;
            }
            self.points.push((layers, has_model));
        }
        Some(())
    }

    fn read_tools(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        bits.skip(2)?; // enable_interintra_compound, enable_masked_compound
        self.warped = bits.flag()?;
        bits.skip(1)?; // enable_dual_filter
        let has_order = bits.flag()?;
        if has_order {
            bits.skip(1)?; // enable_jnt_comp
            self.reference_motion = bits.flag()?;
        }
        self.screen_content = if bits.flag()? { SELECT } else { bits.take(1)? };
        if self.screen_content > 0 {
            self.integer_motion = if bits.flag()? { SELECT } else { bits.take(1)? };
        }
        if has_order {
            self.order_bits = bits.take(3)? as usize + 1;
        }
        Some(())
    }

    /// `color_config` (5.5.2).
    fn read_colours(&mut self, bits: &mut Bits<'_>, profile: u32) -> Option<()> {
        let high = bits.flag()?;
        let twelve = profile == 2 && high && bits.flag()?;
        self.mono = profile != 1 && bits.flag()?;
        let mut codes = (2, 2, 2);
        if bits.flag()? {
            codes = (bits.take(8)?, bits.take(8)?, bits.take(8)?);
            self.transfer = Some(codes.1 as u8);
        }
        self.subsampling = (true, true);
        if self.mono {
            return bits.skip(1); // color_range
        }
        if codes == SRGB {
            self.subsampling = (false, false);
        } else {
            bits.skip(1)?; // color_range
            self.subsampling = match profile {
                0 => (true, true),
                1 => (false, false),
                _ if twelve => {
                    let across = bits.flag()?;
                    (across, across && bits.flag()?)
                }
                _ => (true, false),
            };
            if self.subsampling == (true, true) {
                bits.skip(2)?; // chroma_sample_position
            }
        }
        self.separate_uv = bits.flag()?;
        Some(())
    }
}

fn skip_uvlc(bits: &mut Bits<'_>) -> Option<()> {
    let mut zeros = 0;
    while !bits.flag()? {
        zeros += 1;
    }
    if zeros < 32 { bits.skip(zeros) } else { Some(()) }
}
