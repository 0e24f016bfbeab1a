//! Whose job is next: what somebody waits for before what may take its time, and within each,
//! accounts share the workers, whatever the length of their queues.

use std::collections::{BTreeMap, VecDeque};

use kinora_media::AccountId;

/// Jobs that are due, by account, in the order each account's should go.
pub(crate) type Due<T> = BTreeMap<AccountId, VecDeque<T>>;

/// How many jobs may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// In all.
    pub jobs: usize,
    /// An account may have so many in flight; `None` for any number.
    pub of_account: Option<u64>,
}

impl Room {
    fn is_left(self, in_flight: &BTreeMap<AccountId, u64>, account: &AccountId) -> bool {
        let load = in_flight.get(account).copied().unwrap_or(0);
        self.of_account.is_none_or(|most| load < most)
    }
}

/// Picks at most as many jobs as there is `room` for: interactive ones, then bulk ones. `overdue`, a bulk job that has
/// waited too long while none of its kind was worked on, goes before all: so however many people
/// upload, bulk work goes on, one job at a time.
pub(crate) fn pick<T>(
    room: Room,
    mut in_flight: BTreeMap<AccountId, u64>,
    interactive: Due<T>,
    bulk: Due<T>,
    overdue: Option<(AccountId, T)>,
) -> Vec<T> {
    let mut picked = Vec::new();
    let fits = |account: &AccountId| room.jobs > 0 && room.is_left(&in_flight, account);
    if let Some((account, job)) = overdue.filter(|(account, _)| fits(account)) {
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
    room: Room,
    in_flight: &mut BTreeMap<AccountId, u64>,
    mut waiting: Due<T>,
    picked: &mut Vec<T>,
) {
    while picked.len() < room.jobs {
        let load = |account: &AccountId| in_flight.get(account).copied().unwrap_or(0);
        let next = waiting
            .iter()
            .filter(|(account, jobs)| !jobs.is_empty() && room.is_left(in_flight, account));
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

    fn room(jobs: usize) -> Room {
        Room { jobs, of_account: None }
    }

    #[test]
    fn no_account_has_more_in_flight_than_it_may() {
        let in_flight = BTreeMap::from([(account("full"), 3), (account("near"), 2)]);
        let jobs = |names: &[&'static str]| names.iter().copied().collect::<VecDeque<_>>();
        let waiting = BTreeMap::from([
            (account("full"), jobs(&["f1", "f2"])),
            (account("near"), jobs(&["n1", "n2"])),
            (account("none"), jobs(&["o1", "o2", "o3", "o4"])),
        ]);
        let room = Room { jobs: 99, of_account: Some(3) };
        let overdue = Some((account("full"), "f0"));
        let picked = pick(room, in_flight.clone(), BTreeMap::new(), waiting.clone(), overdue);
        assert_eq!(picked, ["o1", "o2", "n1", "o3"]);
        let overdue = Some((account("near"), "n0"));
        let picked = pick(room, in_flight, BTreeMap::new(), waiting, overdue);
        assert_eq!(picked, ["n0", "o1", "o2", "o3"]);
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
        let first = pick(room(4), in_flight.clone(), waiting.clone(), none(), None);
        assert_eq!(first, ["i1", "o1", "i2", "b1"]);
        assert_eq!(pick(room(99), in_flight, waiting, none(), None).len(), 7);
    }

    #[test]
    fn interactive_goes_before_bulk_of_whatever_account() {
        let busy = BTreeMap::from([(account("people"), 9)]);
        let interactive = BTreeMap::from([(account("people"), VecDeque::from(["p1", "p2"]))]);
        let bulk = BTreeMap::from([(account("archive"), VecDeque::from(["a1", "a2"]))]);
        let picked = pick(room(3), busy.clone(), interactive.clone(), bulk.clone(), None);
        assert_eq!(picked, ["p1", "p2", "a1"]);
        let overdue = Some((account("archive"), "a0"));
        assert_eq!(
            pick(room(2), busy.clone(), interactive.clone(), bulk.clone(), overdue),
            ["a0", "p1"]
        );
        let overdue = Some((account("archive"), "a0"));
        assert!(pick(room(0), busy, interactive, bulk, overdue).is_empty());
    }
}
