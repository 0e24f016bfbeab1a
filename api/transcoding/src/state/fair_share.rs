//! Whose job is next: accounts share the workers, whatever the length of their queues.

use std::collections::{BTreeMap, VecDeque};

use kinora_media::AccountId;

/// Picks at most `room` jobs. Each goes to the account that has the fewest in flight, counting
/// what was just picked; within an account the given order stays.
pub(crate) fn pick<T>(
    room: usize,
    mut in_flight: BTreeMap<AccountId, u64>,
    mut waiting: BTreeMap<AccountId, VecDeque<T>>,
) -> Vec<T> {
    let mut picked = Vec::new();
    while picked.len() < room {
        let load = |account: &AccountId| in_flight.get(account).copied().unwrap_or(0);
        let next = waiting.iter().filter(|(_, jobs)| !jobs.is_empty());
        let Some(account) = next.map(|(account, _)| account).min_by_key(|a| load(a)).cloned()
        else {
            break;
        };
        picked.extend(waiting.get_mut(&account).and_then(VecDeque::pop_front));
        *in_flight.entry(account).or_default() += 1;
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_with_least_in_flight_is_served_first() {
        let account = |name: &str| AccountId::new(name).unwrap();
        let in_flight = BTreeMap::from([(account("busy"), 2)]);
        let waiting = BTreeMap::from([
            (account("busy"), VecDeque::from(["b1", "b2"])),
            (account("idle"), VecDeque::from(["i1", "i2", "i3", "i4"])),
            (account("one"), VecDeque::from(["o1"])),
        ]);
        assert_eq!(pick(4, in_flight.clone(), waiting.clone()), ["i1", "o1", "i2", "b1"]);
        assert_eq!(pick(99, in_flight, waiting).len(), 7);
    }
}
