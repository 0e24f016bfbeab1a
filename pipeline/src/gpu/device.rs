//! A device and the elements that drive it.

use std::path::PathBuf;

use gstreamer as gst;
use kinora_plan::device::{EncoderChoice, EncoderFamily};

use super::fake::Faults;
use crate::PipelineError;

/// Where NVIDIA's driver lists its devices.
const NVIDIA_NODES: [&str; 5] = [
    "/dev/nvidiactl",
    "/dev/nvidia-uvm",
    "/dev/nvidia-uvm-tools",
    "/dev/nvidia-modeset",
    "/dev/nvidia-caps",
];
/// What its libraries read of it, and what Mesa's and Intel's read of theirs.
const NVIDIA_FACTS: [&str; 3] = ["/proc/driver/nvidia", "/proc/devices", "/sys/module/nvidia"];
const DRM_FACTS: [&str; 4] =
    ["/sys/dev/char", "/sys/devices", "/sys/bus/pci/devices", "/etc/drirc"];
/// The number of VA-API's first render node; later devices carry theirs in their elements' names.
const RENDER_NODES: &str = "/dev/dri";

/// A device: its name says which elements drive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    id: String,
    family: EncoderFamily,
    /// `0` of `nvenc-0`, `renderD128` of `vaapi-renderD128`.
    unit: String,
    faults: Faults,
}

impl Device {
    /// The device of that name; `None` if it is no name of one.
    pub fn named(id: &str) -> Option<Self> {
        let (family, unit) = id.split_once('-')?;
        let family = EncoderFamily::DEVICES.into_iter().find(|known| known.as_str() == family)?;
        let number = |text: &str| text.parse::<u16>().is_ok_and(|n| n.to_string() == text);
        let fits = match family {
            EncoderFamily::Vaapi => unit.strip_prefix("renderD").is_some_and(number),
            _ => number(unit),
        };
        fits.then(|| Self {
            id: id.to_owned(),
            family,
            unit: unit.to_owned(),
            faults: Faults::default(),
        })
    }

    /// The device a chunk is to be encoded on; `None` where that is the processor.
    ///
    /// # Errors
    /// [`PipelineError::Spec`] if none is named, or one of another family, or the fake one where
    /// no test asked for it.
    pub fn of(choice: &EncoderChoice) -> Result<Option<Self>, PipelineError> {
        if choice.is_software() {
            return Ok(None);
        }
        let named = choice.device.as_deref().and_then(Self::named);
        let device = named.filter(|device| device.family == choice.family);
        let device = device.ok_or_else(|| {
            PipelineError::Spec(format!("no device of the family {}", choice.family.as_str()))
        })?;
        device.with_faults().map(Some)
    }

    /// The same, failing as the environment says if it is the fake.
    pub(super) fn with_faults(self) -> Result<Self, PipelineError> {
        if self.family != EncoderFamily::Fake {
            return Ok(self);
        }
        let faults = Faults::from_environment()?;
        let faults = faults.ok_or_else(|| PipelineError::Spec("there is no fake device".into()))?;
        Ok(Self { faults, ..self })
    }

    /// Its name: `nvenc-0`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it speaks.
    pub fn family(&self) -> EncoderFamily {
        self.family
    }

    /// The same at work on a chunk of so many frames.
    #[must_use]
    pub(crate) fn at_chunk(self, index: u32, frames: u64) -> Self {
        Self { faults: self.faults.at_chunk(index, frames), ..self }
    }

    /// The same in a proof.
    #[must_use]
    pub(super) fn in_proof(self) -> Self {
        Self { faults: self.faults.in_proof(), ..self }
    }

    /// The element that encodes on it on this host.
    pub(crate) fn encoder(&self) -> Result<String, PipelineError> {
        let there = |name: &String| gst::ElementFactory::find(name).is_some();
        self.encoders().into_iter().find(there).ok_or_else(|| {
            PipelineError::device(format!("GStreamer has no encoder for {}", self.id))
        })
    }

    /// How it is to fail.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The feature of caps whose frames lie in its memory; `None` for system memory.
    pub fn memory(&self) -> Option<&'static str> {
        match self.family {
            EncoderFamily::Nvenc => Some("memory:CUDAMemory"),
            EncoderFamily::Vaapi => Some("memory:VAMemory"),
            EncoderFamily::Software | EncoderFamily::Fake => None,
        }
    }

    /// The pixel format its scaler and encoder share.
    pub fn format(&self) -> &'static str {
        match self.family {
            EncoderFamily::Nvenc | EncoderFamily::Vaapi => "NV12",
            EncoderFamily::Software | EncoderFamily::Fake => "I420",
        }
    }

    /// Elements that may encode H.264 on it, best first.
    pub fn encoders(&self) -> Vec<String> {
        match (self.family, self.unit.as_str()) {
            (EncoderFamily::Nvenc, "0") => vec!["nvcudah264enc".into()],
            (EncoderFamily::Nvenc, unit) => vec![format!("nvcudah264device{unit}enc")],
            (EncoderFamily::Vaapi, _) => vec![self.va("h264enc"), self.va("h264lpenc")],
            (EncoderFamily::Software | EncoderFamily::Fake, _) => vec!["x264enc".into()],
        }
    }

    /// Media types and the elements that may decode them on it.
    pub fn decoders(&self) -> Vec<(&'static str, String)> {
        let codecs = [
            ("video/x-h264", "h264"),
            ("video/x-h265", "h265"),
            ("video/x-vp9", "vp9"),
            ("video/x-vp8", "vp8"),
            ("video/x-av1", "av1"),
        ];
        let named = codecs.into_iter().filter_map(|(media, codec)| {
            let element = match (self.family, self.unit.as_str()) {
                (EncoderFamily::Nvenc, "0") => format!("nv{codec}dec"),
                (EncoderFamily::Nvenc, unit) => format!("nv{codec}device{unit}dec"),
                (EncoderFamily::Vaapi, _) => self.va(&format!("{codec}dec")),
                (EncoderFamily::Software | EncoderFamily::Fake, _) if codec == "h264" => {
                    "avdec_h264".into()
                }
                (EncoderFamily::Software | EncoderFamily::Fake, _) => return None,
            };
            Some((media, element))
        });
        named.collect()
    }

    /// The element that decodes this media type on it in work: only what a proof covers.
    pub(crate) fn decoder(&self, media_type: &str) -> Option<gst::ElementFactory> {
        let proven = (media_type == "video/x-h264").then(|| self.decoders().swap_remove(0).1);
        gst::ElementFactory::find(&proven?)
    }

    /// The element that scales in its memory.
    pub fn scaler(&self) -> String {
        match self.family {
            EncoderFamily::Nvenc => "cudaconvertscale".into(),
            EncoderFamily::Vaapi => self.va("postproc"),
            EncoderFamily::Software | EncoderFamily::Fake => "videoconvertscale".into(),
        }
    }

    /// Its number, where elements of all devices are one.
    pub(super) fn cuda_device(&self) -> Option<&str> {
        (self.family == EncoderFamily::Nvenc).then_some(self.unit.as_str())
    }

    /// Device nodes that a sandboxed child must reach.
    pub fn nodes(&self) -> Vec<PathBuf> {
        match self.family {
            EncoderFamily::Nvenc => {
                let all = NVIDIA_NODES.iter().map(PathBuf::from);
                all.chain([format!("/dev/nvidia{}", self.unit).into()]).collect()
            }
            EncoderFamily::Vaapi => vec![PathBuf::from(RENDER_NODES).join(&self.unit)],
            EncoderFamily::Software | EncoderFamily::Fake => vec![],
        }
    }

    /// What its driver reads besides.
    pub fn facts(&self) -> Vec<PathBuf> {
        let facts: &[&str] = match self.family {
            EncoderFamily::Nvenc => &NVIDIA_FACTS,
            EncoderFamily::Vaapi => &DRM_FACTS,
            EncoderFamily::Software | EncoderFamily::Fake => &[],
        };
        facts.iter().map(PathBuf::from).collect()
    }

    /// An element of the `va` plugin: those of the first device have plain names, those of others
    /// carry their render node's (`varenderD129h264enc`).
    fn va(&self, what: &str) -> String {
        let own = format!("va{}{what}", self.unit);
        if gst::ElementFactory::find(&own).is_some() { own } else { format!("va{what}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_devices_name_devices() {
        gst::init().unwrap();
        for id in ["nvenc-0", "nvenc-12", "vaapi-renderD128", "fake-0"] {
            assert_eq!(Device::named(id).unwrap().id(), id);
        }
        for id in ["", "nvenc", "nvenc-", "nvenc-00", "nvenc-x", "vaapi-0", "vaapi-renderD", "cpu"]
        {
            assert_eq!(Device::named(id), None, "{id}");
        }
        let second = Device::named("nvenc-1").unwrap();
        assert_eq!(second.encoders(), ["nvcudah264device1enc"]);
        assert_eq!(second.decoders()[0].1, "nvh264device1dec");
        assert!(second.nodes().contains(&"/dev/nvidia1".into()));
    }

    #[test]
    fn a_chunk_needs_a_device_of_its_family() {
        let choice = |family, device: Option<&str>| EncoderChoice {
            family,
            device: device.map(str::to_owned),
        };
        assert_eq!(Device::of(&EncoderChoice::default()).unwrap(), None);
        assert!(Device::of(&choice(EncoderFamily::Nvenc, Some("nvenc-0"))).unwrap().is_some());
        for (family, device) in [
            (EncoderFamily::Nvenc, None),
            (EncoderFamily::Nvenc, Some("vaapi-renderD128")),
            // No test asked for it.
            (EncoderFamily::Fake, Some("fake-0")),
        ] {
            assert!(Device::of(&choice(family, device)).is_err(), "{family:?} {device:?}");
        }
    }
}
