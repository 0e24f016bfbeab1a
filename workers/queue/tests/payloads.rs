//! Payloads recorded from an earlier version are read, and what this version writes of them an
//! earlier one finds: deploys go host by host, and may be taken back.
//!
//! The files are what kinorad put into its queue on 27 November 2026. They are never changed; a
//! later version's are added beside them.

#![allow(clippy::unwrap_used)]

use kinora_plan::job::{JobClass, JobMessage, JobReport};
use kinora_queue::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Objects whose keys are data: the options of an encoder, and one or the other of two things.
const KEYED: [&str; 2] = ["x264", "coded"];

fn recorded() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/payloads");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    files.map(read).collect()
}

/// Reads a payload as its consumer does, and writes it as its producer does.
fn through(name: &str, payload: &Value) -> Value {
    match name.split('-').next() {
        Some("job") => again::<JobMessage>(name, payload),
        Some("report") => again::<JobReport>(name, payload),
        Some("event") => again::<Event>(name, payload),
        _ => panic!("{name}: what is it?"),
    }
}

fn again<T: DeserializeOwned + Serialize>(name: &str, payload: &Value) -> Value {
    let read: T = serde_json::from_value(payload.clone())
        .unwrap_or_else(|error| panic!("{name} is not read any more: {error}"));
    serde_json::to_value(read).unwrap()
}

/// A field that was recorded and that is not written any more, or otherwise.
fn lost(before: &Value, now: &Value, path: &str) -> Option<String> {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => before.iter().find_map(|(key, value)| {
            let path = format!("{path}.{key}");
            match now.get(key) {
                Some(now) => lost(value, now, &path),
                // Nothing and null read the same.
                None if value.is_null() => None,
                None => Some(path),
            }
        }),
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            let pairs = before.iter().zip(now).enumerate();
            pairs
                .into_iter()
                .find_map(|(i, (before, now))| lost(before, now, &format!("{path}[{i}]")))
        }
        _ => (before != now).then(|| format!("{path}: {before} became {now}")),
    }
}

/// As a later version may write it: with a field more in every object.
fn with_later_fields(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(object) => {
            let fields =
                object.iter().map(|(key, value)| (key.clone(), with_later_fields(value, key)));
            let mut fields: Map<String, Value> = fields.collect();
            if !KEYED.contains(&name) {
                fields.insert("later".into(), serde_json::json!({ "than": ["this"] }));
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(|item| with_later_fields(item, name)).collect(),
        other => other.clone(),
    }
}

#[test]
fn what_was_recorded_is_read_and_written_so_that_its_version_finds_every_field() {
    for (name, payload) in recorded() {
        let now = through(&name, &payload);
        assert_eq!(lost(&payload, &now, ""), None, "{name}");
    }
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    for (name, payload) in recorded() {
        let later = with_later_fields(&payload, "");
        assert_ne!(later, payload);
        assert_eq!(through(&name, &later), through(&name, &payload), "{name}");
    }
}

#[test]
fn every_class_of_job_was_recorded() {
    let recorded = recorded();
    for class in JobClass::ALL {
        let name = format!("job-{}", class.as_str());
        assert!(recorded.iter().any(|(recorded, _)| *recorded == name), "{name} is missing");
    }
}
