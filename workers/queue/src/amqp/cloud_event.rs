//! Events as they cross the broker: CloudEvents 1.0 in JSON (structured mode, 3.2 of the AMQP and
//! HTTP bindings), so that others can listen, too.
//!
//! `source` is `/kinora/` and the producer, `subject` the video; `account` and `sequence` (the
//! aggregate's version) are extensions, and so is `traceparent` (distributed tracing extension 1.0).

use jiff::Timestamp;
use kinora_media::TraceContext;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{Event, EventData};

/// The media type of one event.
pub(crate) const MEDIA_TYPE: &str = "application/cloudevents+json";

const VERSION: &str = "1.0";
/// What stands before the producer's name.
pub(crate) const SOURCE: &str = "/kinora/";

/// What every event says of itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct CloudEvent {
    /// `1.0`.
    specversion: String,
    /// Unique; who has seen it ignores it.
    #[schema(format = Uuid)]
    id: String,
    /// Which service says so.
    source: String,
    /// What happened.
    #[serde(rename = "type")]
    kind: String,
    /// Which video.
    #[schema(format = Uuid)]
    subject: String,
    /// RFC 3339, to the microsecond.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// Whose video.
    account: String,
    /// Counts the source's events about the subject from 1.
    sequence: String,
    /// W3C trace context of the request that led to it, where one was told.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "kinora_media::trace::lenient"
    )]
    #[schema(value_type = Option<String>)]
    traceparent: Option<TraceContext>,
    /// `application/json`, where there is data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// The event as bytes, and its type.
pub(crate) fn write(event: &Event) -> serde_json::Result<(Vec<u8>, String)> {
    let time = Timestamp::from_microsecond(event.occurred_at_us);
    let mut said = serde_json::to_value(&event.data)?;
    let kind = said["type"].as_str().unwrap_or_default().to_owned();
    let data = said.get_mut("data").map(Value::take);
    let written = CloudEvent {
        specversion: VERSION.to_owned(),
        id: event.id.to_string(),
        source: format!("{SOURCE}{}", event.producer),
        kind: kind.clone(),
        subject: event.video.to_string(),
        time: time.map_err(serde::ser::Error::custom)?,
        account: event.account.to_string(),
        sequence: event.aggregate_version.to_string(),
        traceparent: event.trace,
        datacontenttype: data.is_some().then(|| "application/json".to_owned()),
        data,
    };
    Ok((serde_json::to_vec(&written)?, kind))
}

/// The event of bytes that [`write`] made, in this version or its neighbours.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Event> {
    let said: CloudEvent = serde_json::from_slice(bytes)?;
    let bad = |what: &str| serde_json::Error::custom(format!("{what} is not one of ours"));
    if said.specversion != VERSION {
        return Err(bad("specversion"));
    }
    let mut data = json!({ "type": said.kind });
    if let Some(content) = said.data {
        data["data"] = content;
    }
    Ok(Event {
        id: said.id.parse().map_err(|_| bad("id"))?,
        producer: said.source.strip_prefix(SOURCE).ok_or_else(|| bad("source"))?.to_owned(),
        account: said.account.parse().map_err(|_| bad("account"))?,
        video: said.subject.parse().map_err(|_| bad("subject"))?,
        aggregate_version: said.sequence.parse().map_err(|_| bad("sequence"))?,
        occurred_at_us: said.time.as_microsecond(),
        trace: said.traceparent,
        data: serde_json::from_value::<EventData>(data)?,
    })
}

#[cfg(test)]
mod tests {
    use kinora_media::{AccountId, VideoId};
    use uuid::Uuid;

    use super::*;

    fn event(data: EventData) -> Event {
        Event {
            id: Uuid::nil(),
            producer: "catalogue".into(),
            account: AccountId::new("ada").unwrap(),
            video: VideoId(Uuid::nil()),
            aggregate_version: 7,
            occurred_at_us: 1_800_000_000_123_456,
            trace: Some(TraceContext::begin(Uuid::max())),
            data,
        }
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        let failed = EventData::Failed { code: "empty_file".into(), reason: "It is empty.".into() };
        for data in [EventData::Deleted, failed] {
            let event = event(data);
            let (bytes, kind) = write(&event).unwrap();
            assert!(kind.starts_with("video."));
            assert_eq!(read(&bytes).unwrap(), event);
        }
    }

    #[test]
    fn it_has_the_attributes_of_the_specification() {
        let (bytes, _) = write(&event(EventData::Playable { version: 2, pictures: true })).unwrap();
        let expected = json!({
            "specversion": "1.0",
            "id": Uuid::nil(),
            "source": "/kinora/catalogue",
            "type": "video.playable",
            "subject": Uuid::nil(),
            "time": "2027-01-15T08:00:00.123456Z",
            "account": "ada",
            "sequence": "7",
            "traceparent": format!("00-{}-{}-00", "f".repeat(32), "f".repeat(16)),
            "datacontenttype": "application/json",
            "data": { "version": 2, "pictures": true },
        });
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected);
    }

    #[test]
    fn one_without_a_trace_or_with_another_kind_of_it_is_read() {
        let (bytes, _) = write(&event(EventData::Deleted)).unwrap();
        let mut said: Value = serde_json::from_slice(&bytes).unwrap();
        for kind in [Value::Null, "02".into()] {
            said["traceparent"] = kind;
            assert_eq!(read(&serde_json::to_vec(&said).unwrap()).unwrap().trace, None);
        }
        said.as_object_mut().unwrap().remove("traceparent");
        assert_eq!(read(&serde_json::to_vec(&said).unwrap()).unwrap().trace, None);
    }

    #[test]
    fn what_is_not_ours_is_an_error() {
        let (bytes, _) = write(&event(EventData::Deleted)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("\"1.0\"", "\"0.3\""),
            ("/kinora/catalogue", "/elsewhere"),
            ("video.deleted", "video.eaten"),
            ("\"7\"", "\"seven\""),
        ] {
            assert!(read(text.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }
}
