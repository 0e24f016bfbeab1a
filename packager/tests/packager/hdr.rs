//! The range of brightness, where only parameter sets tell it.

use kinora_packager::{
    codec::{self, VideoRange},
    read,
};

use crate::crypt::clips::made;

#[test]
fn parameter_sets_tell_the_range_where_no_colr_does() {
    let cases = [
        (
            "-c:v libx264 -preset ultrafast -x264-params \
             colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
            VideoRange::Hlg,
        ),
        (
            "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params \
             log-level=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
            VideoRange::Pq,
        ),
        (
            "-frames:v 2 -c:v libaom-av1 -cpu-used 8 -color_primaries bt2020 -color_trc smpte2084 \
             -colorspace bt2020nc",
            VideoRange::Pq,
        ),
        ("-c:v libx264 -preset ultrafast", VideoRange::Sdr),
    ];
    for (coding, expected) in cases {
        let mut bytes = made(&coding.split_whitespace().collect::<Vec<_>>());
        if let Some(colr) = bytes.windows(8).position(|window| window == b"colrnclx") {
            bytes[colr..colr + 4].copy_from_slice(b"free");
        }
        let file = read::open(&bytes).unwrap();
        let tracks = file.tracks().unwrap();
        let entry = &tracks[0].entries[0];
        assert_eq!(entry.video_box(b"colr"), Ok(None));
        assert_eq!(codec::of_video(entry).unwrap().range, expected, "{coding}");
    }
}
