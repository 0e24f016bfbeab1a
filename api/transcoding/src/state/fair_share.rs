//! Whose job is next: what somebody waits for before what may take its time, and within each,
//! accounts share the workers, whatever the length of their queues.

use std::collections::{BTreeMap, VecDeque};

use kinora_media::AccountId;

/// Jobs that are due, by account, in the order each account's should go.
pub(crate) type Due<T> = BTreeMap<AccountId, VecDeque<T>>;

/// Picks at most `room` jobs: interactive ones, then bulk ones. `overdue`, a bulk job that has
/// waited too long while none of its kind was worked on, goes before all: so however many people
/// upload, bulk work goes on, one job at a time.
pub(crate) fn pick<T>(
    room: usize,
    mut in_flight: BTreeMap<AccountId, u64>,
    interactive: Due<T>,
    bulk: Due<T>,
    overdue: Option<(AccountId, T)>,
) -> Vec<T> {
    let mut picked = Vec::new();
    if let Some((account, job)) = overdue.filter(|_| room > 0) {
        *in_flight.entry(account).or_default() += 1;
        picked.push(job);
    }
    for waiting in [interactive, bulk] {
        share(room, &mut in_flight, waiting, &mut picked);
    }
    picked
}

/// Each goes to the account that has the fewest in flight, counting what was just picked.
fn share<T>(
    room: usize,
    in_flight: &mut BTreeMap<AccountId, u64>,
    mut waiting: Due<T>,
    picked: &mut Vec<T>,
) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountId {
        AccountId::new(name).unwrap()
    }

    #[test]
    fn the_account_with_least_in_flight_is_served_first() {
        let in_flight = BTreeMap::from([(account("busy"), 2)]);
        let waiting = BTreeMap::from([
            (account("busy"), VecDeque::from(["b1", "b2"])),
            (account("idle"), VecDeque::from(["i1", "i2", "i3", "i4"])),
            (account("one"), VecDeque::from(["o1"])),
        ]);
        let none = BTreeMap::new;
        let first = pick(4, in_flight.clone(), waiting.clone(), none(), None);
        assert_eq!(first, ["i1", "o1", "i2", "b1"]);
        assert_eq!(pick(99, in_flight, waiting, none(), None).len(), 7);
    }

    #[test]
    fn interactive_goes_before_bulk_of_whatever_account() {
        let busy = BTreeMap::from([(account("people"), 9)]);
        let interactive = BTreeMap::from([(account("people"), VecDeque::from(["p1", "p2"]))]);
        let bulk = BTreeMap::from([(account("archive"), VecDeque::from(["a1", "a2"]))]);
        let picked = pick(3, busy.clone(), interactive.clone(), bulk.clone(), None);
        assert_eq!(picked, ["p1", "p2", "a1"]);
        let overdue = Some((account("archive"), "a0"));
        assert_eq!(pick(2, busy.clone(), interactive.clone(), bulk.clone(), overdue), ["a0", "p1"]);
        let overdue = Some((account("archive"), "a0"));
        assert!(pick(0, busy, interactive, bulk, overdue).is_empty());
    }
}
