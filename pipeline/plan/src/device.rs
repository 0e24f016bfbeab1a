//! What encodes a title's picture: the processor, or a graphics processor that was proven to work.
//!
//! Parameter sets differ between encoders, so a title keeps one family from its first chunk on.
//! The one exception is a switch to software at the start of a chunk, after which nothing of the
//! title meets a device again.

use serde::{Deserialize, Serialize};

use crate::{Warning, profile::VideoProfile};

/// Encoders whose parameter sets are alike.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum EncoderFamily {
    /// x264 on the processor.
    #[default]
    Software,
    /// NVIDIA's NVENC, frames in CUDA memory.
    Nvenc,
    /// VA-API (Intel, AMD), frames in VA surfaces.
    Vaapi,
    /// A device of tests that fails when it is told to.
    Fake,
}

impl EncoderFamily {
    /// Those of graphics processors.
    pub const DEVICES: [Self; 3] = [Self::Nvenc, Self::Vaapi, Self::Fake];

    /// Itself, if it is a graphics processor's.
    pub fn device(self) -> Option<Self> {
        (self != Self::Software).then_some(self)
    }

    /// Its word on command lines and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::Nvenc => "nvenc",
            Self::Vaapi => "vaapi",
            Self::Fake => "fake",
        }
    }
}

/// A device that encodes on a worker's host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderDevice {
    /// `nvenc-0`, `vaapi-renderD128`: as `kinora-encoder doctor` prints it.
    pub id: String,
    /// What it speaks.
    pub family: EncoderFamily,
    /// Encoders that may run on it at once.
    pub sessions: u32,
}

/// What encodes a title, or a chunk of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderChoice {
    /// Of every chunk.
    pub family: EncoderFamily,
    /// The device, where one was asked for by name or a worker has chosen one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl EncoderChoice {
    /// Whether the processor encodes.
    pub fn is_software(&self) -> bool {
        self.family == EncoderFamily::Software
    }
}

/// Chooses for a title of so many rungs, all of which a device must encode at once. With a warning
/// where the profile asks for a device that is not there.
pub(crate) fn choose(
    profile: &VideoProfile,
    devices: &[EncoderDevice],
    rungs: usize,
) -> (EncoderChoice, Option<Warning>) {
    let enough = |device: &&EncoderDevice| {
        device.family != EncoderFamily::Software
            && usize::try_from(device.sessions).is_ok_and(|sessions| sessions >= rungs)
    };
    let able = devices.iter().filter(enough);
    match profile.device.as_str() {
        "cpu" => (EncoderChoice::default(), None),
        "auto" | "gpu" => {
            let best = able.min_by_key(|device| device.family);
            let warning = best.is_none() && profile.device == "gpu";
            let choice = best.map(|device| EncoderChoice { family: device.family, device: None });
            (choice.unwrap_or_default(), warning.then(|| missing("No graphics processor")))
        }
        named => match { able }.find(|device| device.id == named) {
            Some(device) => {
                let choice = EncoderChoice { family: device.family, device: Some(named.into()) };
                (choice, None)
            }
            None => {
                let warning = missing(&format!("No graphics processor named '{named}'"));
                (EncoderChoice::default(), Some(warning))
            }
        },
    }
}

fn missing(what: &str) -> Warning {
    Warning {
        code: "no_gpu".into(),
        message: format!(
            "{what} was proven to encode this many renditions at once; the picture is encoded on \
             the CPU."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    fn chosen(device: &str, rungs: usize) -> (EncoderFamily, Option<String>, bool) {
        let mut profile = Profile::default().video;
        profile.device = device.into();
        let device = |id: &str, family, sessions| EncoderDevice { id: id.into(), family, sessions };
        let devices = [
            device("vaapi-renderD128", EncoderFamily::Vaapi, 8),
            device("nvenc-0", EncoderFamily::Nvenc, 3),
        ];
        let (choice, warning) = choose(&profile, &devices, rungs);
        (choice.family, choice.device, warning.is_some())
    }

    #[test]
    fn a_device_is_chosen_that_can_encode_every_rung_at_once() {
        use EncoderFamily::{Nvenc, Software, Vaapi};
        assert_eq!(chosen("auto", 3), (Nvenc, None, false));
        assert_eq!(chosen("gpu", 4), (Vaapi, None, false));
        assert_eq!(chosen("auto", 9), (Software, None, false));
        assert_eq!(chosen("gpu", 9), (Software, None, true));
        assert_eq!(chosen("cpu", 1), (Software, None, false));
        assert_eq!(chosen("nvenc-0", 3), (Nvenc, Some("nvenc-0".into()), false));
        assert_eq!(chosen("nvenc-0", 4), (Software, None, true));
        assert_eq!(chosen("nvenc-1", 1), (Software, None, true));
    }
}
