//! Caption files of any kind are read or refused, and what was read reads the same again.

use kinora_packager::text::{TextFormat, parse};
use proptest::{collection::vec, prelude::*};

/// Pieces that parsers stumble over.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("WEBVTT".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("\n\n".to_owned()),
        Just(" \n".to_owned()),
        Just("-->".to_owned()),
        Just("00:01.000 --> 00:02.500".to_owned()),
        Just("00:00:01,000 --> 00:00:02,500".to_owned()),
        Just(" line:0 align:start".to_owned()),
        Just("STYLE\n".to_owned()),
        Just("REGION\n".to_owned()),
        Just("NOTE\n".to_owned()),
        Just("<font color=x>{\\an8}<b>&amp;&\0".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("7\n".to_owned()),
        "\\PC{0,8}",
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Files that are mostly right.
fn files() -> impl Strategy<Value = String> {
    let cue = (0u32..60, 0u32..60, "[ -~é]{0,20}", "[ -~]{0,12}").prop_map(
        |(start, length, text, id)| {
            let end = start + length;
            format!(
                "{id}\n00:00:{start:02}.000 --> 00:{:02}:{:02}.500\n{text}\n\n",
                end / 60,
                end % 60
            )
        },
    );
    (any::<bool>(), vec(cue, 1..12)).prop_map(|(vtt, cues)| {
        let header = if vtt { "WEBVTT\n\n" } else { "" };
        format!("{header}{}", cues.concat())
    })
}

fn reads_the_same_again(text: &str) -> Result<(), TestCaseError> {
    for hint in [None, Some(TextFormat::WebVtt), Some(TextFormat::SubRip)] {
        match parse(text.as_bytes(), hint) {
            Ok(parsed) => {
                let written = parsed.to_string();
                prop_assert!(parsed.cue_count() > 0 && parsed.end_us() > 0);
                prop_assert_eq!(parse(written.as_bytes(), None), Ok(parsed));
            }
            Err(error) => {
                let lines = text.split_inclusive(['\n', '\r']).count().max(1);
                prop_assert!(error.line().is_none_or(|line| (1..=lines).contains(&line)));
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn odd_files_never_panic(text in pieces()) {
        reads_the_same_again(&text)?;
    }

    #[test]
    fn usual_files_read_the_same_again(text in files()) {
        reads_the_same_again(&text)?;
    }

    #[test]
    fn bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, None);
    }
}
