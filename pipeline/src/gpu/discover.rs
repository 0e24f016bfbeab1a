//! Which devices this host may have: by the elements that registered and the nodes that are there.

use std::{fs, path::Path};

use gst::prelude::*;
use gstreamer as gst;

use super::{Device, Faults};
use crate::PipelineError;

/// More devices of a kind than a host has.
const MOST: u16 = 16;
/// The first render node (drm(7)).
const FIRST_RENDER_NODE: u16 = 128;

/// A device that is there, in some sense.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) device: Device,
    /// Why nothing can be tried on it.
    pub(super) problem: Option<String>,
}

/// Every device, best first. GStreamer is initialised.
pub(super) fn devices() -> Result<Vec<Found>, PipelineError> {
    let mut found: Vec<Found> = (0..MOST).filter_map(nvenc).collect();
    found.extend((0..MOST).filter_map(|number| vaapi(FIRST_RENDER_NODE + number)));
    if Faults::from_environment()?.is_some()
        && let Some(device) = Device::named("fake-0")
    {
        found.push(Found { device: device.with_faults()?, problem: None });
    }
    Ok(found)
}

fn nvenc(number: u16) -> Option<Found> {
    let device = Device::named(&format!("nvenc-{number}"))?;
    if device.encoder().is_ok() {
        return Some(Found { device, problem: None });
    }
    let problem = "GStreamer's nvcodec plugin registered no encoder for it: it needs the driver's \
                   libcuda and libnvidia-encode, and access to /dev/nvidia*";
    exists(&format!("/dev/nvidia{number}"))
        .then(|| Found { device, problem: Some(problem.to_owned()) })
}

fn vaapi(number: u16) -> Option<Found> {
    let node = format!("/dev/dri/renderD{number}");
    let device = Device::named(&format!("vaapi-renderD{number}"))?;
    if !exists(&node) {
        return None;
    }
    // Elements of the first device have plain names: whose they are only they know.
    let own =
        device.encoder().ok().is_some_and(|encoder| path_of(&encoder).as_deref() == Some(&node));
    if own {
        return Some(Found { device, problem: None });
    }
    let problem = match fs::File::options().read(true).write(true).open(&node) {
        Ok(_) => "GStreamer's va plugin registered no H.264 encoder for it: its VA-API driver is \
                  missing, or does not encode"
            .to_owned(),
        Err(error) => format!("{node} cannot be opened: {error}"),
    };
    Some(Found { device, problem: Some(problem) })
}

/// The device node that an element of the `va` plugin stands for.
fn path_of(factory: &str) -> Option<String> {
    let element = gst::ElementFactory::make(factory).build().ok()?;
    element.find_property("device-path")?;
    element.property_value("device-path").get::<Option<String>>().ok().flatten()
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
