//! What services say to each other, as a document for others who want to listen: AsyncAPI 3.0, made from
//! the types that are published.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    EventData, UploadedCaptions,
    amqp::{CloudEvent, EVENT_MEDIA_TYPE, SOURCE, events_exchange},
};

/// Events of the catalogue; the others are transcoding's.
const OF_THE_CATALOGUE: [&str; 2] = ["video.uploaded", "video.deleted"];
const SCHEMAS: &str = "#/components/schemas/";

/// As [`kinora_media::Chapter`] is written.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it lends its schema to a type that knows of no schemas")]
pub(crate) struct Chapter {
    /// Where it begins in the presentation, microseconds.
    start_us: u64,
    /// Where it ends, microseconds; after it begins.
    end_us: u64,
    /// Its name.
    title: String,
    /// BCP 47 tag of the name; absent if the source does not say.
    language: Option<String>,
}

/// As [`kinora_media::Priority`] is written.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it lends its schema to a type that knows of no schemas")]
pub(crate) enum Priority {
    /// Somebody waits: goes first.
    Interactive,
    /// Takes what is left; never nothing.
    Bulk,
}

/// The document: a channel an event, whose address is the routing key on the exchange of `namespace`.
pub fn asyncapi(namespace: &str) -> Value {
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for Kind { name, summary, data } in kinds() {
        let producer = match OF_THE_CATALOGUE.contains(&&*name) {
            true => "catalogue",
            false => "transcoding",
        };
        let reference = |to: String| json!({ "$ref": to });
        channels.insert(
            name.clone(),
            json!({
                "address": format!("{producer}.{name}"),
                "description": summary,
                "messages": { &*name: reference(format!("#/components/messages/{name}")) },
                "bindings": { "amqp": {
                    "is": "routingKey",
                    "exchange": {
                        "name": events_exchange(namespace),
                        "type": "topic",
                        "durable": true,
                        "autoDelete": false,
                    },
                    "bindingVersion": "0.3.0",
                } },
            }),
        );
        let said = reference(format!("#/channels/{name}/messages/{name}"));
        let channel = reference(format!("#/channels/{name}"));
        let operation = json!({ "action": "send", "channel": channel, "messages": [said] });
        operations.insert(format!("say-{name}"), operation);
        messages.insert(name.clone(), message(&name, producer, &summary, data));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kinora events",
            "version": "1",
            "description": "What happens to videos, as CloudEvents 1.0 in JSON (structured mode): at least \
                once, in order per source and subject as long as nothing is redelivered. `sequence` \
                counts a source's events about a subject from 1. Fields are only ever added.",
        },
        "defaultContentType": EVENT_MEDIA_TYPE,
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": {
            CloudEvent::name(): CloudEvent::schema(),
            UploadedCaptions::name(): UploadedCaptions::schema(),
            Chapter::name(): Chapter::schema(),
            Priority::name(): Priority::schema(),
        } },
    })
}

/// A kind of event: its name, what it means, and what its data looks like if it has any.
struct Kind {
    name: String,
    summary: String,
    data: Option<Value>,
}

/// Every kind there is, as the derived schema has them.
fn kinds() -> Vec<Kind> {
    let schema = serde_json::to_value(EventData::schema()).expect("a schema is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
    let kind = |variant: Value| Kind {
        name: text(&variant["properties"]["type"]["enum"][0]),
        summary: text(&variant["description"]),
        data: variant["properties"].get("data").cloned(),
    };
    variants.into_iter().map(kind).collect()
}

fn message(name: &str, producer: &str, summary: &str, data: Option<Value>) -> Value {
    let mut own = json!({
        "type": "object",
        "properties": {
            "type": { "const": name },
            "source": { "const": format!("{SOURCE}{producer}") },
        },
    });
    if let Some(data) = data {
        own["properties"]["data"] = data;
        own["required"] = json!(["data", "datacontenttype"]);
    }
    let envelope = format!("{SCHEMAS}{}", CloudEvent::name());
    json!({
        "name": name,
        "summary": summary,
        "contentType": EVENT_MEDIA_TYPE,
        "payload": { "allOf": [{ "$ref": envelope }, own] },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Event;

    #[test]
    fn the_document_says_what_is_published() {
        insta::assert_json_snapshot!(asyncapi("kinora"));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = asyncapi("kinora");
        let mut names = HashSet::new();
        references(&document, &mut names);
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            let pointer = name.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}");
        }
    }

    /// What was recorded from kinorad, which a document of the types alone could get wrong.
    #[test]
    fn recorded_events_are_as_the_document_says() {
        let document = asyncapi("kinora");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/payloads");
        let mut found = 0;
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if !entry.file_name().to_str().unwrap().starts_with("event-") {
                continue;
            }
            let event: Event =
                serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
            let (written, kind) = crate::amqp::write_event(&event).unwrap();
            let written: Value = serde_json::from_slice(&written).unwrap();
            let channel = &document["channels"][&kind];
            assert_eq!(channel["address"], format!("{}.{kind}", event.producer));
            let message = &document["components"]["messages"][&kind];
            for schema in message["payload"]["allOf"].as_array().unwrap() {
                fits(&document, schema, &written, &kind);
            }
            found += 1;
        }
        assert_eq!(found, document["channels"].as_object().unwrap().len());
    }

    /// Whether all that is there is described, and all that must be is there.
    fn fits(document: &Value, schema: &Value, value: &Value, path: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let schema = document.pointer(name.strip_prefix('#').unwrap()).unwrap();
            return fits(document, schema, value, path);
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(value.get(required.as_str().unwrap()).is_some(), "{path}: {required}");
        }
        if let Some(constant) = schema.get("const") {
            assert_eq!(constant, value, "{path}");
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = value.get(name) {
                fits(document, schema, value, &format!("{path}.{name}"));
            }
        }
        // What stands beside an envelope describes no more than it adds to it, and an envelope what is
        // in it not at all.
        let properties = schema.get("properties");
        let whole = properties.is_some_and(|of| of["type"].get("const").is_none());
        for name in value.as_object().into_iter().flat_map(|fields| fields.keys()) {
            let known = schema["properties"].get(name).is_some();
            assert!(known || !whole, "{path}.{name} is not described");
        }
        for item in value.as_array().into_iter().flatten() {
            fits(document, &schema["items"], item, &format!("{path}[]"));
        }
    }

    fn references<'v>(value: &'v Value, found: &mut HashSet<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
}
