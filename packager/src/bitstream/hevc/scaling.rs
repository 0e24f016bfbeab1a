//! Scaling list data (ITU-T H.265 7.3.4): skipped.

use crate::bitstream::Rbsp;

pub(super) fn skip(bits: &mut Rbsp<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !bits.flag()? {
                bits.unsigned()?; // scaling_list_pred_matrix_id_delta
                continue;
            }
            if size > 1 {
                bits.signed()?; // scaling_list_dc_coef_minus8
            }
            let coefficients = 64.min(1 << (4 + (size << 1)));
            (0..coefficients).try_for_each(|_| bits.signed().map(|_| ()))?;
        }
    }
    Some(())
}
