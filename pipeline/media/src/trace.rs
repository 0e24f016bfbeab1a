//! Trace context: which request it all follows from, in the logs of every process.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Bytes of version 00: `00-`, 32, `-`, 16, `-`, 2.
const LENGTH: usize = 55;
/// Bit 0 of the flags (3.2.2.5.1).
const SAMPLED: u8 = 1;

/// A `traceparent` (W3C Trace Context level 1, 3.2): the trace, and what in it asked for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: u128,
    parent: u64,
    sampled: bool,
}

/// What is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct TraceError;

impl TraceContext {
    /// The header's name, and that of the extension of CloudEvents.
    pub const NAME: &str = "traceparent";

    /// A trace that begins here, named by a random UUID. It is not said to be sampled: that is for who
    /// collects traces.
    pub fn begin(trace: Uuid) -> Self {
        Self { trace: trace.as_u128(), parent: low(trace), sampled: false }
    }

    /// The same trace, with `span` as what asks.
    #[must_use]
    pub fn within(self, span: Uuid) -> Self {
        Self { parent: low(span), ..self }
    }

    /// The trace's id as logs have it: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// The half of a UUID that is random in all versions of ours. Its variant's bits keep it from being
/// zero, which 3.2.2.4 forbids.
fn low(id: Uuid) -> u64 {
    id.as_u64_pair().1 | 1 << 63
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.sampled { SAMPLED } else { 0 };
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.parent)
    }
}

impl FromStr for TraceContext {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        let version = digits(text, 0, 2)?;
        // Later versions may add to what this one has (3.2.4).
        let ends = match (version, text.as_bytes().get(LENGTH)) {
            (0xff, _) => false,
            (0, rest) => rest.is_none(),
            (_, rest) => rest.is_none_or(|rest| *rest == b'-'),
        };
        let dashes = [2, 35, 52].iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
        let (trace, parent) = (digits(text, 3, 35)?, digits(text, 36, 52)?);
        let flags = digits(text, 53, LENGTH)?;
        if !ends || !dashes || trace == 0 || parent == 0 {
            return Err(TraceError);
        }
        let parent = u64::try_from(parent).map_err(|_| TraceError)?;
        Ok(Self { trace, parent, sampled: flags & u128::from(SAMPLED) != 0 })
    }
}

/// Hexadecimal digits in lower case (3.2.2).
fn digits(text: &str, from: usize, to: usize) -> Result<u128, TraceError> {
    let part = text.get(from..to).ok_or(TraceError)?;
    if !part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(TraceError);
    }
    u128::from_str_radix(part, 16).map_err(|_| TraceError)
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads an optional one, for `deserialize_with` beside `default`: one that cannot be read is none. No
/// message is worth losing for it.
///
/// # Errors
/// What is there is not even a text.
pub fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TraceContext>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_specifications_example_comes_back_as_it_was() {
        let context: TraceContext = GIVEN.parse().unwrap();
        assert_eq!(context.to_string(), GIVEN);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(serde_json::to_value(context).unwrap(), GIVEN);
        let within = context.within(Uuid::from_u128(7));
        assert_eq!(within.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-8000000000000007-01");
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_this_one() {
        for later in [GIVEN.replacen("00", "01", 1), GIVEN.replacen("00", "cc", 1) + "-more"] {
            assert_eq!(later.parse::<TraceContext>().unwrap().to_string(), GIVEN);
        }
        // Flags that this version does not know are not passed on (3.2.2.5.2).
        let flags = GIVEN.replace("-01", "-ff").parse::<TraceContext>().unwrap();
        assert_eq!(flags.to_string(), GIVEN);
    }

    #[test]
    fn what_is_none_is_refused() {
        let bad = [
            String::new(),
            "00".into(),
            GIVEN.to_uppercase(),
            GIVEN[..54].into(),
            GIVEN.to_owned() + "-",
            GIVEN.to_owned() + "0",
            GIVEN.replacen("00", "01", 1) + "0",
            GIVEN.replacen("00", "ff", 1),
            GIVEN.replacen('-', "_", 1),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GIVEN.replace("4bf9", "4bé"),
        ];
        for text in bad {
            assert_eq!(text.parse::<TraceContext>(), Err(TraceError), "{text}");
        }
    }

    #[test]
    fn what_begins_here_is_one_that_others_read() {
        let begun = TraceContext::begin(Uuid::from_u128(1 << 100));
        assert_eq!(begun.to_string().parse(), Ok(begun));
        assert!(begun.to_string().ends_with("-00"));
    }
}
