//! Every description of a pipeline on a device against what GStreamer 1.22's elements have.

use std::{collections::BTreeMap, fmt::Debug, str::FromStr};

use gst::prelude::*;
use gstreamer as gst;
use kinora_media::{FrameRate, TrackId};
use kinora_pipeline::gpu::{
    Device, describe,
    stage::{Setting, Stage},
};
use kinora_plan::Rung;
use serde::Deserialize;

const FACTS: &str = include_str!("../data/gstreamer-1.22-gpu-elements.toml");
const COLOUR: &str = ",pixel-aspect-ratio=1/1,colorimetry=bt709,chroma-site=mpeg2";

type Facts = BTreeMap<String, Element>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Element {
    sink: Vec<String>,
    src: Vec<String>,
    #[serde(default)]
    formats: Vec<String>,
    #[serde(default)]
    lesser: Vec<String>,
    properties: BTreeMap<String, Property>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Property {
    Nicks(Vec<String>),
    Kind(String),
}

fn facts() -> Facts {
    toml::from_str(FACTS).unwrap()
}

impl Property {
    fn takes(&self, value: &str) -> bool {
        let Self::Kind(kind) = self else {
            let Self::Nicks(nicks) = self else { unreachable!() };
            return nicks.iter().any(|nick| nick == value);
        };
        let words: Vec<&str> = kind.split(' ').collect();
        match words[..] {
            ["bool"] => value == "true" || value == "false",
            ["string"] => true,
            ["int", least, most] => lies::<i64>(value, least, most),
            ["double", least, most] => lies::<f64>(value, least, most),
            _ => panic!("{kind} is no kind of property"),
        }
    }
}

fn lies<T: FromStr<Err: Debug> + PartialOrd>(value: &str, least: &str, most: &str) -> bool {
    let limits = least.parse::<T>().unwrap()..=most.parse::<T>().unwrap();
    value.parse().is_ok_and(|value| limits.contains(&value))
}

/// What is wrong with stages that frames or pictures enter as `entering` says (`None`: whatever the
/// first takes).
fn faults(facts: &Facts, entering: Option<&str>, stages: &[Stage]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before: Option<&Element> = None;
    let mut flowing: Option<(String, Option<String>)> = entering.map(described);
    for stage in stages {
        match stage {
            Stage::Caps(caps) => {
                let (kind, format) = described(caps);
                if let Some(element) = before {
                    if !element.src.contains(&kind) {
                        faults.push(format!("nothing before gives {kind}"));
                    }
                    misses_format(element, format.as_deref(), &mut faults);
                }
                flowing = Some((kind, format));
            }
            Stage::Element { factory, settings } => {
                let Some(element) = facts.get(factory) else {
                    faults.push(format!("there is no element {factory}"));
                    continue;
                };
                if let Some((kind, format)) = &flowing {
                    if !element.sink.contains(kind) {
                        faults.push(format!("{factory} does not take {kind}"));
                    }
                    misses_format(element, format.as_deref(), &mut faults);
                }
                for setting in settings {
                    faults.extend(wrong(factory, element, setting));
                }
                // An element that passes things on keeps what flows.
                if element.sink != element.src {
                    flowing = None;
                }
                before = Some(element);
            }
        }
    }
    faults
}

fn misses_format(element: &Element, format: Option<&str>, faults: &mut Vec<String>) {
    if let Some(format) = format
        && !element.formats.is_empty()
        && !element.formats.iter().any(|known| known == format)
    {
        faults.push(format!("{format} is none of {:?}", element.formats));
    }
}

fn wrong(factory: &str, element: &Element, setting: &Setting) -> Option<String> {
    let Setting { name, value, optional } = setting;
    let Some(property) = element.properties.get(*name) else {
        return Some(format!("{factory} has no property {name}"));
    };
    let lesser = element.lesser.iter().any(|lesser| lesser == name);
    if lesser && !optional {
        return Some(format!("lesser devices have no {name}, and {factory} insists on it"));
    }
    (!property.takes(value)).then(|| format!("{factory} takes no {name}={value}"))
}

/// Media type with memory, and the pixel format.
fn described(caps: &str) -> (String, Option<String>) {
    gst::init().unwrap();
    let caps: gst::Caps = caps.parse().unwrap();
    let (structure, features) = (caps.structure(0).unwrap(), caps.features(0).unwrap());
    let memory = features.iter().find(|feature| *feature != "memory:SystemMemory");
    let memory = memory.map(|feature| format!("({feature})")).unwrap_or_default();
    let format = structure.get::<&str>("format").ok().map(str::to_owned);
    (format!("{}{memory}", structure.name()), format)
}

fn rungs() -> Vec<Rung> {
    let rate = FrameRate::new(120, 1).unwrap();
    [(3840, 2160, 0, 300_000, 52), (1920, 1080, 23, 5000, 42), (16, 16, 51, 1, 10)]
        .map(|(width, height, crf, max_kbps, level)| Rung {
            track: TrackId::new(format!("v{height}")).unwrap(),
            width,
            height,
            rate_divisor: 1.try_into().unwrap(),
            frame_rate: rate,
            crf,
            max_kbps,
            preset: "veryfast".into(),
            level,
            tune: None,
            x264: Default::default(),
            copy: false,
        })
        .to_vec()
}

/// Every run of stages this code can describe for a device, with what enters it.
fn described_by(device: &Device) -> Vec<(String, Vec<Stage>)> {
    let system = format!("video/x-raw,format={}", device.format());
    let frames = describe::frames(device, COLOUR);
    let mut upload = describe::upload(device);
    upload.push(Stage::Caps(frames.clone()));
    let mut all = vec![(system, upload)];
    let vbv = describe::Vbv { kbps: 2000, kbit: 1200, begin_percent: 50 };
    for rung in rungs() {
        all.push((frames.clone(), describe::scale(device, &rung, COLOUR)));
        for (gop, encoder) in [1, 60, 480].into_iter().zip(device.encoders().iter().cycle()) {
            // The low-power encoder is of the same class.
            let encoder = encoder.replace("lpenc", "enc");
            all.push((frames.clone(), describe::encode(device, &encoder, &rung, vbv, gop, 0)));
        }
    }
    for (media, decoder) in device.decoders().into_iter().take(1) {
        let stages = vec![Stage::element(decoder), Stage::Caps(frames.clone())];
        all.push((media.to_owned(), stages));
    }
    all
}

#[test]
fn descriptions_name_what_gstreamer_has() {
    gst::init().unwrap();
    let facts = facts();
    for id in ["nvenc-0", "vaapi-renderD128", "fake-0"] {
        let device = Device::named(id).unwrap();
        for (entering, stages) in described_by(&device) {
            if id == "fake-0" && entering == "video/x-h264" {
                // It decodes on the processor.
                continue;
            }
            let faults = faults(&facts, Some(&entering), &stages);
            assert_eq!(faults, Vec::<String>::new(), "{id}: {entering} → {stages:#?}");
        }
    }
}

#[test]
fn frames_stay_in_the_devices_memory() {
    gst::init().unwrap();
    for (id, memory) in [("nvenc-0", "memory:CUDAMemory"), ("vaapi-renderD128", "memory:VAMemory")]
    {
        let device = Device::named(id).unwrap();
        let raw = described_by(&device).into_iter().flat_map(|(_, stages)| stages);
        let raw = raw.filter_map(|stage| match stage {
            Stage::Caps(caps) if caps.starts_with("video/x-raw") => Some(caps),
            _ => None,
        });
        let all: Vec<String> = raw.collect();
        assert!(all.len() > 4 && all.iter().all(|caps| caps.contains(memory)), "{all:#?}");
    }
}

#[test]
fn what_gstreamer_has_not_is_found() {
    gst::init().unwrap();
    let facts = facts();
    let device = Device::named("nvenc-0").unwrap();
    let frames = describe::frames(&device, "");
    let of = |stages: &[Stage]| faults(&facts, Some(&frames), stages).join("; ");
    let good = Stage::element("nvcudah264enc");
    assert_eq!(of(std::slice::from_ref(&good)), "");
    for (stages, expected) in [
        (vec![Stage::element("nvh264encoder")], "there is no element"),
        (vec![good.clone().set("crf", 23)], "has no property crf"),
        (vec![good.clone().set("preset", "p4")], "takes no preset=p4"),
        (vec![good.clone().set("gop-size", "two")], "takes no gop-size=two"),
        (vec![good.clone().set("const-quality", 52)], "takes no const-quality=52"),
        (vec![good.clone().set("b-frames", 0)], "lesser devices have no b-frames"),
        (vec![good, Stage::Caps("video/x-h265".into())], "nothing before gives video/x-h265"),
        (vec![Stage::element("x264enc")], "does not take video/x-raw(memory:CUDAMemory)"),
    ] {
        let found = of(&stages);
        assert!(found.contains(expected), "{stages:?}: {found}");
    }
}

/// The facts about elements that are on every host are those of this one's registry, read through
/// the same types: so the way facts are written down can be trusted.
#[test]
fn facts_agree_with_the_registry_where_elements_are_here() {
    gst::init().unwrap();
    for name in ["h264parse", "x264enc", "videoconvertscale", "identity"] {
        let facts = &facts()[name];
        let element = gst::ElementFactory::make(name).build().unwrap();
        for (property, expected) in &facts.properties {
            let spec =
                element.find_property(property).unwrap_or_else(|| panic!("{name}.{property}"));
            if let Property::Nicks(nicks) = expected {
                let class = gst::glib::EnumClass::with_type(spec.value_type());
                let values = class.expect("an enumeration");
                let here: Vec<&str> = values.values().iter().map(|value| value.nick()).collect();
                assert_eq!(here, *nicks, "{name}.{property}");
            }
        }
        // What our own check accepts and refuses, GStreamer does.
        for (property, expected) in &facts.properties {
            let spec = element.find_property(property).unwrap();
            for value in ["true", "7", "hq", "catrom", "qual", "x=1"] {
                let read = gst::glib::Value::deserialize_with_pspec(value, &spec).is_ok();
                assert!(read || !expected.takes(value), "{name}.{property}={value}");
            }
        }
    }
}

#[test]
fn stages_that_do_not_exist_here_are_refused_by_name() {
    gst::init().unwrap();
    for (stage, expected) in [
        (Stage::element("nosuchenc"), "element nosuchenc"),
        (Stage::element("x264enc").set("crf", 1), "property crf of x264enc"),
        (Stage::element("x264enc").set("pass", "best"), "pass=best of x264enc"),
    ] {
        let error = stage.make().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    Stage::element("x264enc").set("pass", "qual").set_if_there("crf", 1).make().unwrap();
}
