//! Streams of captions inside another stream: which stream, and which of its channels.

/// Channels of CEA-608: CC1 and CC2 on the first field, CC3 and CC4 on the second.
pub const CHANNELS: usize = 4;

/// What a channel (0 to 3) is called: `CC1`.
pub fn channel_name(channel: usize) -> String {
    format!("CC{}", channel + 1)
}

/// The id of a channel of captions inside a stream: `abc/001#CC1`.
pub fn stream_id(stream: &str, channel: usize) -> String {
    format!("{stream}#{}", channel_name(channel))
}

/// The stream of an id, and the channel inside it; `None` where the stream itself is meant.
pub fn split(id: &str) -> (&str, Option<usize>) {
    let channel = |(stream, name): (_, &str)| {
        let number = name.strip_prefix("CC")?.parse::<usize>().ok()?.checked_sub(1)?;
        (number < CHANNELS).then_some((stream, Some(number)))
    };
    id.rsplit_once('#').and_then(channel).unwrap_or((id, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_apart_as_they_were_put_together() {
        for channel in 0..CHANNELS {
            assert_eq!(split(&stream_id("a/b:#1", channel)), ("a/b:#1", Some(channel)));
        }
        for id in ["a/001", "a#CC0", "a#CC5", "a#CC", "a#1", "#"] {
            assert_eq!(split(id), (id, None));
        }
    }
}
