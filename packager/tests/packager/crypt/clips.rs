//! Clips that ffmpeg makes.

use std::process::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clip {
    /// Three slices a picture, weights, B pictures; and AAC.
    Avc,
    /// Interlaced, without arithmetic coding, parameter sets among the samples.
    AvcInterlaced,
    /// Two slices a picture, weights, substreams.
    Hevc,
}

impl Clip {
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::Avc, Self::AvcInterlaced, Self::Hevc]
    }

    fn coding(self) -> Vec<&'static str> {
        let arguments = match self {
            Self::Avc => {
                "-f lavfi -i sine=440:duration=4 -c:a aac -c:v libx264 -preset medium -bf 3 -g 60 \
                 -sc_threshold 0 -x264-params slices=3:weightp=2:weightb=1:ref=4"
            }
            Self::AvcInterlaced => {
                "-c:v libx264 -preset medium -g 60 -sc_threshold 0 -flags +ildct+ilme \
                 -x264-params cabac=0:tff=1:bframes=2:interlaced=1 -tag:v avc3"
            }
            Self::Hevc => {
                "-c:v libx265 -preset medium -tag:v hvc1 -x265-params \
                 keyint=60:scenecut=0:open-gop=0:slices=2:weightb=1:wpp=1:log-level=0"
            }
        };
        arguments.split_whitespace().collect()
    }

    /// The file.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
            .arg("testsrc2=size=320x180:rate=30:duration=4")
            .args(self.coding())
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(path).unwrap()
    }
}
