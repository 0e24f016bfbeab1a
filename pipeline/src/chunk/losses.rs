//! How much of a chunk may be missing.

use kinora_media::ticks::NANOS;
use kinora_plan::{Warning, encoder::ChunkSpec};

use crate::{PipelineError, decode::Accounting};

/// Frames that may be missing from any chunk, however short.
const FEW: u64 = 3;

/// The failure of a chunk that got no frame at all.
pub(super) fn nothing(spec: &ChunkSpec) -> PipelineError {
    PipelineError::input(
        "decode_error",
        format!("no picture could be decoded {}: the file is damaged or cut off", place(spec)),
    )
}

/// Warnings about what is missing; a failure when it is more than a tenth.
pub(super) fn judge(spec: &ChunkSpec, account: Accounting) -> Result<Vec<Warning>, PipelineError> {
    // On a variable rate a gap is no loss: the frame before it was meant to stay.
    let gaps = if spec.video.variable_rate { account.held_at_end } else { account.repeated };
    let end = account.asked - account.placed;
    let lost = gaps + end;
    if lost > FEW.max(account.asked / 10) {
        return Err(PipelineError::input(
            "decode_error",
            format!(
                "{lost} of {} frames {} could not be decoded: the file is damaged or cut off",
                account.asked,
                place(spec)
            ),
        ));
    }
    if lost == 0 {
        return Ok(vec![]);
    }
    Ok(vec![Warning {
        code: "frames_lost".into(),
        message: format!(
            "{lost} of {} frames {} could not be decoded; the frame before stands in for them",
            account.asked,
            place(spec)
        ),
    }])
}

fn place(spec: &ChunkSpec) -> String {
    let seconds = |frame: u64| spec.video.frame_rate.frame_nanos(frame) as f64 / NANOS as f64;
    let first = spec.chunk.first_frame;
    format!("between {:.1} s and {:.1} s", seconds(first), seconds(first + spec.chunk.frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::validate::tests::spec;

    fn account(asked: u64, placed: u64, repeated: u64, held_at_end: u64) -> Accounting {
        Accounting { asked, placed, repeated, held_at_end, decoded: placed - repeated }
    }

    #[test]
    fn a_few_lost_frames_warn_and_many_fail() {
        let constant = spec();
        assert_eq!(judge(&constant, account(60, 60, 0, 0)).unwrap(), []);
        assert_eq!(judge(&constant, account(60, 60, 4, 0)).unwrap()[0].code, "frames_lost");
        assert!(judge(&constant, account(60, 60, 7, 7)).is_err());
        assert_eq!(judge(&constant, account(60, 58, 0, 0)).unwrap()[0].code, "frames_lost");
        assert!(judge(&constant, account(60, 50, 0, 0)).is_err(), "a missing end");
        let mut variable = spec();
        variable.video.variable_rate = true;
        assert_eq!(judge(&variable, account(60, 60, 40, 0)).unwrap(), []);
        assert!(judge(&variable, account(60, 60, 40, 20)).is_err());
    }
}
