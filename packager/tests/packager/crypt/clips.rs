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
    /// Four tiles a picture, hidden pictures.
    Av1,
    /// Superframes.
    Vp9,
}

impl Clip {
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::Avc, Self::AvcInterlaced, Self::Hevc, Self::Av1, Self::Vp9]
    }

    fn coding(self) -> Vec<&'static str> {
        let arguments = match self {
            Self::Avc => {
                "-f lavfi -i sine=440:duration=2 -c:a aac -c:v libx264 -preset medium -bf 3 -g 30 \
                 -sc_threshold 0 -x264-params slices=3:weightp=2:weightb=1:ref=4"
            }
            Self::AvcInterlaced => {
                "-c:v libx264 -preset medium -g 30 -sc_threshold 0 -flags +ildct+ilme \
                 -x264-params cabac=0:tff=1:bframes=2:interlaced=1 -tag:v avc3"
            }
            Self::Hevc => {
                "-c:v libx265 -preset medium -tag:v hvc1 -x265-params \
                 keyint=30:scenecut=0:open-gop=0:slices=2:weightb=1:wpp=1:log-level=0"
            }
            Self::Av1 => "-c:v libaom-av1 -cpu-used 8 -b:v 400k -g 30 -tiles 2x2 -lag-in-frames 19",
            Self::Vp9 => {
                "-f lavfi -i sine=440:duration=2 -c:a libopus -c:v libvpx-vp9 -deadline good \
                 -cpu-used 6 -b:v 400k -g 30 -auto-alt-ref 1 -lag-in-frames 16 -tile-columns 1"
            }
        };
        arguments.split_whitespace().collect()
    }

    /// The file.
    pub(crate) fn bytes(self) -> Vec<u8> {
        made(&self.coding())
    }
}

/// Two seconds of picture, coded so.
pub(crate) fn made(coding: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("testsrc2=size=320x180:rate=30:duration=2")
        .args(coding)
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(path).unwrap()
}
