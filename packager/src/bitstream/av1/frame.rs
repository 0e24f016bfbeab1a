//! Frame header (5.9): read to find its end and how the frame is divided.

use super::{
    grain, motion,
    quantizer::{self, Quantizer, Segments},
    sequence::{SELECT, Sequence},
    size::Size,
    tiles::Tiles,
};
use crate::bitstream::Bits;

/// `frame_type` (6.8.2).
const KEY: u32 = 0;
const INTER: u32 = 1;
const INTRA_ONLY: u32 = 2;
const SWITCH: u32 = 3;
/// `primary_ref_frame`: the frame goes on from no other.
const PRIMARY_NONE: u32 = 7;

/// What is kept of a reference picture.
#[derive(Debug, Clone, Copy)]
struct Reference {
    kind: u32,
    size: Size,
    order: u32,
    segments: Segments,
}

/// The reference pictures in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct References {
    slots: [Option<Reference>; 8],
}

/// What the beginning of a header says.
struct Frame {
    kind: u32,
    shown: bool,
    showable: bool,
    resilient: bool,
    /// `disable_cdf_update`.
    fixed: bool,
    screen_content: bool,
    integer_motion: bool,
    own_size: bool,
    order: u32,
    primary: u32,
    refresh: u32,
}

/// What the middle says: sizes and references.
struct Referring {
    size: Size,
    intrabc: bool,
    high_precision: bool,
    slots: [usize; 7],
}

impl Frame {
    fn is_intra(&self) -> bool {
        matches!(self.kind, KEY | INTRA_ONLY)
    }
}

impl References {
    /// Reads a header to its end; how the frame is divided, or `Some(None)` where it only shows
    /// another. `layer` are `temporal_id` and `spatial_id`.
    pub(super) fn read(
        &mut self,
        bits: &mut Bits<'_>,
        sequence: &Sequence,
        layer: (u8, u8),
    ) -> Option<Option<Tiles>> {
        if !sequence.reduced && bits.flag()? {
            return self.show(bits, sequence).map(|()| None);
        }
        let frame = self.begin(bits, sequence, layer)?;
        let referring = self.refer(bits, sequence, &frame)?;
        let Referring { size, intrabc, high_precision, slots } = referring;
        if !sequence.reduced && !frame.fixed {
            bits.skip(1)?; // disable_frame_end_update_cdf
        }
        let before = match frame.primary {
            PRIMARY_NONE => None,
            primary => Some(self.slots[slots[primary as usize]]?.segments),
        };
        let tiles = Tiles::read(bits, sequence, size)?;
        let quantizer = Quantizer::read(bits, sequence)?;
        let segments = quantizer::segments(bits, before)?;
        quantizer.skip_deltas(bits, intrabc)?;
        let lossless = quantizer.is_lossless(&segments);
        if !lossless && !intrabc {
            quantizer::skip_filters(bits, sequence)?;
        }
        let all_lossless = lossless && size.width == size.upscaled;
        if !all_lossless && !intrabc && sequence.restoration {
            quantizer::skip_restoration(bits, sequence)?;
        }
        if !lossless {
            bits.skip(1)?; // tx_mode_select
        }
        let compound = !frame.is_intra() && bits.flag()?;
        if compound && sequence.order_bits > 0 && self.has_skip_mode(sequence, &frame, &slots)? {
            bits.skip(1)?; // skip_mode_present
        }
        if !frame.is_intra() && !frame.resilient && sequence.warped {
            bits.skip(1)?; // allow_warped_motion
        }
        bits.skip(1)?; // reduced_tx_set
        if !frame.is_intra() {
            motion::skip(bits, high_precision)?;
        }
        if sequence.film_grain && (frame.shown || frame.showable) {
            grain::skip(bits, sequence, frame.kind == INTER)?;
        }
        self.keep(
            Reference { kind: frame.kind, size, order: frame.order, segments },
            frame.refresh,
        );
        Some(Some(tiles))
    }

    fn keep(&mut self, reference: Reference, refresh: u32) {
        for (slot, kept) in self.slots.iter_mut().enumerate() {
            if refresh >> slot & 1 == 1 {
                *kept = Some(reference);
            }
        }
    }

    /// `show_existing_frame`; a key frame that is shown becomes all references.
    fn show(&mut self, bits: &mut Bits<'_>, sequence: &Sequence) -> Option<()> {
        let shown = self.slots[bits.take(3)? as usize]?;
        skip_presentation(bits, sequence)?;
        if let Some((width, _)) = sequence.frame_ids {
            bits.skip(width)?;
        }
        if shown.kind == KEY {
            self.keep(shown, 0xff);
        }
        Some(())
    }

    /// Up to `ref_order_hint`.
    fn begin(
        &mut self,
        bits: &mut Bits<'_>,
        sequence: &Sequence,
        layer: (u8, u8),
    ) -> Option<Frame> {
        let (mut kind, mut shown, mut showable, mut resilient) = (KEY, true, false, true);
        if !sequence.reduced {
            kind = bits.take(2)?;
            shown = bits.flag()?;
            if shown {
                skip_presentation(bits, sequence)?;
            }
            showable = if shown { kind != KEY } else { bits.flag()? };
            resilient = kind == SWITCH || (kind == KEY && shown) || bits.flag()?;
        }
        if kind == KEY && shown {
            self.slots = [None; 8];
        }
        let fixed = bits.flag()?; // disable_cdf_update
        let said =
            |bits: &mut Bits<'_>, said| if said == SELECT { bits.take(1) } else { Some(said) };
        let screen_content = said(bits, sequence.screen_content)? == 1;
        let integer_motion = screen_content && said(bits, sequence.integer_motion)? == 1;
        if let Some((width, _)) = sequence.frame_ids {
            bits.skip(width)?; // current_frame_id
        }
        let own_size = kind == SWITCH || (!sequence.reduced && bits.flag()?);
        let order = bits.take(sequence.order_bits)?;
        let is_intra = matches!(kind, KEY | INTRA_ONLY);
        let primary = if is_intra || resilient { PRIMARY_NONE } else { bits.take(3)? };
        if let Some(model) = sequence.decoder_model
            && bits.flag()?
        {
            let (temporal, spatial) = layer;
            let within = |layers: u32| {
                layers == 0 || (layers >> temporal & 1 == 1 && layers >> (spatial + 8) & 1 == 1)
            };
            let timed = sequence.points.iter().filter(|(layers, timed)| *timed && within(*layers));
            bits.skip(timed.count() * model.removal)?;
        }
        let refresh = if kind == SWITCH || (kind == KEY && shown) { 0xff } else { bits.take(8)? };
        if (!is_intra || refresh != 0xff) && resilient && sequence.order_bits > 0 {
            for slot in &mut self.slots {
                let order = bits.take(sequence.order_bits)?;
                if let Some(reference) = slot {
                    reference.order = order;
                }
            }
        }
        Some(Frame {
            kind,
            shown,
            showable,
            resilient,
            fixed,
            screen_content,
            integer_motion,
            own_size,
            order,
            primary,
            refresh,
        })
    }

    /// Sizes and references, up to `use_ref_frame_mvs`. `None` also where references are told in
    /// short (`frame_refs_short_signaling`), which is not read.
    fn refer(&self, bits: &mut Bits<'_>, sequence: &Sequence, frame: &Frame) -> Option<Referring> {
        let mut slots = [0; 7];
        if frame.is_intra() {
            let size = Size::read(bits, sequence, frame.own_size)?;
            let intrabc = frame.screen_content && size.upscaled == size.width && bits.flag()?;
            return Some(Referring { size, intrabc, high_precision: false, slots });
        }
        if sequence.order_bits > 0 && bits.flag()? {
            return None;
        }
        for slot in &mut slots {
            *slot = bits.take(3)? as usize;
            if let Some((_, difference)) = sequence.frame_ids {
                bits.skip(difference)?; // delta_frame_id_minus_1
            }
        }
        let mut size = None;
        if frame.own_size && !frame.resilient {
            for slot in slots {
                if bits.flag()? {
                    size = Some(self.slots[slot]?.size.scaled(bits, sequence)?);
                    break;
                }
            }
        }
        let size = match size {
            Some(size) => size,
            None => Size::read(bits, sequence, frame.own_size)?,
        };
        let high_precision = !frame.integer_motion && bits.flag()?;
        if !bits.flag()? {
            bits.skip(2)?; // interpolation_filter
        }
        bits.skip(1)?; // is_motion_mode_switchable
        if !frame.resilient && sequence.reference_motion {
            bits.skip(1)?; // use_ref_frame_mvs
        }
        Some(Referring { size, intrabc: false, high_precision, slots })
    }

    /// `skipModeAllowed` (5.9.22): whether two references lie on both sides, or two before.
    fn has_skip_mode(
        &self,
        sequence: &Sequence,
        frame: &Frame,
        slots: &[usize; 7],
    ) -> Option<bool> {
        let distance = |a: u32, b: u32| {
            let half = 1_i32 << (sequence.order_bits - 1);
            let difference = a as i32 - b as i32;
            (difference & (half - 1)) - (difference & half)
        };
        let mut before: Option<u32> = None;
        let mut after: Option<u32> = None;
        let orders = slots.iter().map(|&slot| self.slots[slot].map(|reference| reference.order));
        let orders = orders.collect::<Option<Vec<_>>>()?;
        for &order in &orders {
            let from_here = distance(order, frame.order);
            if from_here < 0 && before.is_none_or(|nearest| distance(order, nearest) > 0) {
                before = Some(order);
            }
            if from_here > 0 && after.is_none_or(|nearest| distance(order, nearest) < 0) {
                after = Some(order);
            }
        }
        let Some(before) = before else { return Some(false) };
        Some(after.is_some() || orders.iter().any(|&order| distance(order, before) < 0))
    }
}

/// `temporal_point_info` (5.9.31).
fn skip_presentation(bits: &mut Bits<'_>, sequence: &Sequence) -> Option<()> {
    match sequence.decoder_model {
        Some(model) if !sequence.equal_interval => bits.skip(model.presentation),
        _ => Some(()),
    }
}
