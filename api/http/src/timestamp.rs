//! Wall time on the wire.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, SchemaFormat,
        schema::{Schema, Type},
    },
};

/// Microseconds since 1970 UTC, written as RFC 3339 in UTC with microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // No clock of ours ever stood outside the years -9999 to 9999.
        let time = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
        serializer.serialize_str(&format!("{time:.6}"))
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC"))
            .into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_utc_with_microseconds() {
        let text = |us| serde_json::to_string(&Timestamp(us)).unwrap();
        assert_eq!(text(0), "\"1970-01-01T00:00:00.000000Z\"");
        assert_eq!(text(1_800_000_000_000_001), "\"2027-01-15T08:00:00.000001Z\"");
        assert_eq!(text(i64::MAX), "\"1970-01-01T00:00:00.000000Z\"");
    }
}
