//! Runs a target and holds what it took against its input.

use std::time::Duration;

use cpu_time::ThreadTime;

use crate::Target;

/// Bytes of memory that any input may take, beside what its length allows: reports, buffers.
const FREE_BYTES: u64 = 1 << 20;
/// Processor time that any input may take. A machine that pages or switches is no finding.
const FREE_TIME: Duration = Duration::from_millis(20);
/// Slow runs are repeated, so that the neighbours of a shared machine are no finding either.
const TRIES: u32 = 4;

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// The most bytes it held at once.
    pub peak_bytes: u64,
    /// Processor time of the thread.
    pub time: Duration,
}

/// Runs `target` on `data`.
///
/// # Panics
/// When the target does, or takes more than `data` allows: that is the finding.
pub fn run(target: &Target, data: &[u8]) -> Cost {
    let mut cost = measured(target, data);
    let length = data.len() as u64;
    let memory = FREE_BYTES + length * target.bytes_a_byte;
    assert!(cost.peak_bytes <= memory, "{length} bytes took {cost:?}: more than {memory} at once");
    // The limits are for what the engine runs, which is optimised.
    let slower = if cfg!(fuzzing) { 1 } else { 20 };
    let time = FREE_TIME + Duration::from_nanos(length * target.nanos_a_byte * slower);
    for _ in 1..TRIES {
        if cost.time <= time {
            return cost;
        }
        cost.time = cost.time.min(measured(target, data).time);
    }
    assert!(cost.time <= time, "{length} bytes took {cost:?}: longer than {time:?}");
    cost
}

/// Runs `target` on inputs four times as long each: time grows with the length, not with its square.
///
/// # Panics
/// When it does not, or the target panics.
pub fn grows_with_its_length(target: &Target, input: impl Fn(usize) -> Vec<u8>) {
    let shortest = |length| {
        let input = input(length);
        (0..TRIES).map(|_| measured(target, &input).time).min().unwrap_or_default()
    };
    let [short, long] = [8 << 10, 32 << 10].map(shortest);
    assert!(long < FREE_TIME / 2 + 8 * short, "8 KiB took {short:?}, 32 KiB {long:?}");
}

/// Runs it, whatever it takes.
fn measured(target: &Target, data: &[u8]) -> Cost {
    let began = ThreadTime::now();
    let used = allocation_counter::measure(|| (target.run)(data));
    Cost { peak_bytes: used.bytes_max, time: began.elapsed() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::CAPTIONS;

    fn allocates(data: &[u8]) {
        drop(std::hint::black_box(vec![0_u8; data.len() * 1000]));
    }

    fn looks_back(data: &[u8]) {
        for end in 0..4 * data.len() {
            std::hint::black_box(data[..end / 4].contains(&1));
        }
    }

    #[test]
    #[should_panic(expected = "more than")]
    fn memory_beyond_the_input_is_found() {
        run(&Target { run: allocates, ..CAPTIONS }, &[0; 1 << 16]);
    }

    #[test]
    #[should_panic(expected = "longer than")]
    fn time_beyond_the_input_is_found() {
        run(&Target { run: looks_back, nanos_a_byte: 1, ..CAPTIONS }, &[0; 1 << 15]);
    }

    #[test]
    #[should_panic(expected = "32 KiB")]
    fn time_beyond_proportion_is_found() {
        grows_with_its_length(&Target { run: looks_back, ..CAPTIONS }, |length| vec![0; length]);
    }
}
