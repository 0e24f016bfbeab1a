//! What a host can encode with, as `kinora-encoder doctor --json` says it.

use serde::{Deserialize, Serialize};

use crate::device::{EncoderDevice, EncoderFamily};

/// What a host can encode with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// GStreamer's version: `1.22.0`.
    pub gstreamer: String,
    /// The processor first, then what was found of graphics processors.
    pub devices: Vec<DeviceReport>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// `cpu`, `nvenc-0`, `vaapi-renderD128`.
    pub id: String,
    /// What it speaks.
    pub family: EncoderFamily,
    /// How many encoders ran on it at once in the proof; 0 if it proved nothing.
    pub sessions: u32,
    /// Elements that encode.
    pub encoders: Vec<CoderReport>,
    /// Elements that decode.
    pub decoders: Vec<CoderReport>,
    /// Why it cannot be used, as a sentence; `None` if it can.
    pub problem: Option<String>,
}

/// One element of GStreamer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoderReport {
    /// `nvcudah264enc`.
    pub element: String,
    /// Media type: `video/x-h264`.
    pub codec: String,
    /// What is known of it.
    pub state: CoderState,
}

/// What is known of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoderState {
    /// It did its work in the proof.
    Proven,
    /// It was tried and did not.
    Failed,
    /// It is there and was not tried.
    Untried,
    /// It is not there.
    Missing,
}

impl CoderState {
    /// Its word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Failed => "failed",
            Self::Untried => "not tried",
            Self::Missing => "missing",
        }
    }
}

impl DoctorReport {
    /// The graphics processors that work.
    pub fn usable(&self) -> impl Iterator<Item = EncoderDevice> + '_ {
        let works = |device: &&DeviceReport| {
            device.family != EncoderFamily::Software && device.problem.is_none()
        };
        self.devices.iter().filter(works).map(|device| EncoderDevice {
            id: device.id.clone(),
            family: device.family,
            sessions: device.sessions,
        })
    }

    /// Whether everything works that has an encoder at all.
    pub fn is_well(&self) -> bool {
        self.devices.iter().all(|device| device.problem.is_none() || device.encoders.is_empty())
    }
}
