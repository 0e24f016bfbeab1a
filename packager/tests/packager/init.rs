//! Initialisation segments.

use std::io::Cursor;

use kinora_packager::{PackagerError, cmaf, codec};
use mp4::{MediaType, Mp4Reader, TrackType};

use crate::{
    fixtures::{AVCC, audio_config, video_config},
    tree::tree,
};

#[test]
fn video_boxes() {
    insta::assert_snapshot!(tree(&cmaf::video_init(&video_config()).unwrap()));
}

#[test]
fn audio_boxes() {
    insta::assert_snapshot!(tree(&cmaf::audio_init(&audio_config()).unwrap()));
}

#[test]
fn optional_boxes_are_left_out() {
    let mut video = video_config();
    (video.colour, video.bit_rate) = (None, None);
    let boxes = tree(&cmaf::video_init(&video).unwrap());
    assert!(!boxes.contains("colr") && !boxes.contains("btrt") && !boxes.contains("edts"));
    let mut audio = audio_config();
    audio.priming = 0;
    assert!(!tree(&cmaf::audio_init(&audio).unwrap()).contains("edts"));
}

#[test]
fn another_reader_finds_the_video_track() {
    let init = cmaf::video_init(&video_config()).unwrap();
    let reader = Mp4Reader::read_header(Cursor::new(&init), init.len() as u64).unwrap();
    assert_eq!(reader.major_brand().to_string(), "cmf2");
    let track = &reader.tracks()[&1];
    assert_eq!(track.track_type().unwrap(), TrackType::Video);
    assert_eq!(track.media_type().unwrap(), MediaType::H264);
    assert_eq!((track.width(), track.height(), track.timescale()), (640, 360, 90_000));
    assert_eq!(track.sequence_parameter_set().unwrap(), &AVCC[8..18]);
    assert_eq!(track.picture_parameter_set().unwrap(), &AVCC[21..25]);
    assert!(track.trak.edts.is_none());
}

#[test]
fn another_reader_finds_the_audio_track() {
    let init = cmaf::audio_init(&audio_config()).unwrap();
    let reader = Mp4Reader::read_header(Cursor::new(&init), init.len() as u64).unwrap();
    let track = &reader.tracks()[&1];
    assert_eq!(track.media_type().unwrap(), MediaType::AAC);
    assert_eq!(track.sample_freq_index().unwrap().freq(), 48_000);
    assert_eq!(track.channel_config().unwrap(), mp4::ChannelConfig::Stereo);
    assert_eq!(track.bitrate(), 128_000);
    let edits = &track.trak.edts.as_ref().unwrap().elst.as_ref().unwrap().entries;
    assert_eq!(edits.len(), 1);
    assert_eq!((edits[0].media_time, edits[0].segment_duration, edits[0].media_rate), (1024, 0, 1));
}

#[test]
fn contradictions_are_refused() {
    let mut audio = audio_config();
    audio.timescale = 44_100;
    let error = cmaf::audio_init(&audio).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AudioSpecificConfig: sample rate 48000, but the track has 44100"
    );
    audio = audio_config();
    audio.channels = 1;
    assert!(cmaf::audio_init(&audio).is_err());

    let mut video = video_config();
    video.width = 65_536;
    let error = cmaf::video_init(&video).unwrap_err();
    assert_eq!(error.to_string(), "width 65536 is not between 1 and 65535");
    video = video_config();
    video.timescale = 0;
    assert!(matches!(cmaf::video_init(&video), Err(PackagerError::OutOfRange { .. })));
    video = video_config();
    video.avcc.truncate(20);
    assert!(matches!(cmaf::video_init(&video), Err(PackagerError::DecoderConfig { .. })));
}

#[test]
fn codecs_are_those_of_rfc_6381() {
    assert_eq!(codec::avc(AVCC).unwrap(), "avc1.64001e");
    assert_eq!(codec::aac(&audio_config().asc).unwrap(), "mp4a.40.2");
}
