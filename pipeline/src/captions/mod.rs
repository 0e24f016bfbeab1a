//! Closed captions inside pictures, and in tracks of their own: CEA-608 as line 21 carried it.
//!
//! `pairs` finds the bytes that parsers hung on a picture, `order` brings them from decoding into
//! display order, `line21` makes commands of a field's bytes, and for each of the four channels
//! `channel` does with its `screen` what a television would.

mod channel;
mod line21;
mod order;
mod pairs;
mod screen;

pub(crate) use self::{channel::Caption, pairs::Pairs};
use self::{channel::Channel, line21::Line21, order::InOrder};

/// A decoder that hears nothing for so long, not even padding, clears its screen: nanoseconds.
const SILENCE_NS: i64 = 16_000_000_000;

/// The captions of one stream, as its packets pass by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Captions {
    waiting: InOrder<Pairs>,
    fields: [Line21; 2],
    channels: [Channel; 4],
    heard_ns: Option<i64>,
    digital: bool,
}

/// What one channel showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) captions: Vec<Caption>,
    /// More came than is kept.
    pub(crate) truncated: bool,
}

impl Captions {
    /// What came with a packet that is shown at `time_ns`.
    pub(crate) fn see(&mut self, time_ns: i64, pairs: Pairs) {
        self.digital |= pairs.digital;
        if let Some((time_ns, pairs)) = self.waiting.push(time_ns, pairs) {
            self.decode(time_ns, &pairs);
        }
    }

    /// What follows is from another place in the film.
    pub(crate) fn restart(&mut self) {
        self.drain();
        self.fields = Default::default();
        self.heard_ns = None;
    }

    /// Whether there were captions of CEA-708.
    pub(crate) fn digital(&self) -> bool {
        self.digital
    }

    /// What CC1 to CC4 showed, and when.
    pub(crate) fn finish(mut self) -> [Shown; 4] {
        self.drain();
        self.channels.map(Channel::finish)
    }

    fn drain(&mut self) {
        while let Some((time_ns, pairs)) = self.waiting.pop() {
            self.decode(time_ns, &pairs);
        }
        // What nobody took away stands on.
        self.clear(self.heard_ns.unwrap_or_default().saturating_add(SILENCE_NS));
    }

    fn decode(&mut self, time_ns: i64, pairs: &Pairs) {
        if let Some(heard) = self.heard_ns.replace(time_ns)
            && time_ns.saturating_sub(heard) > SILENCE_NS
        {
            self.clear(heard.saturating_add(SILENCE_NS));
        }
        for (field, bytes) in &pairs.pairs {
            let number = usize::from(*field == pairs::Field::Second);
            if let Some(command) = self.fields[number].decode(*bytes) {
                let second = command.channel().id() == 2;
                let channel = &mut self.channels[2 * number + usize::from(second)];
                channel.obey(time_ns, command);
            }
        }
    }

    fn clear(&mut self, time_ns: i64) {
        self.channels.iter_mut().for_each(|channel| channel.clear(time_ns));
    }
}

#[cfg(test)]
mod tests;
