//! Whose job is next: what somebody waits for before what may take its time, and within each,
//! accounts share the workers, whatever the length of their queues.

use std::collections::{BTreeMap, VecDeque};

use kinora_media::AccountId;
use kinora_plan::device::EncoderFamily;

/// Jobs that are due, by account, in the order each account's should go.
pub(crate) type Due<T> = BTreeMap<AccountId, VecDeque<T>>;

/// How many jobs may go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Room {
    /// To whatever worker.
    pub jobs: usize,
    /// To those that have a graphics processor of a family.
    pub on_devices: BTreeMap<EncoderFamily, usize>,
    /// An account may have so many in flight; `None` for any number.
    pub of_account: Option<u64>,
}

impl Room {
    /// For jobs that are for a graphics processor, or for none.
    pub(crate) fn on(&self, device: Option<EncoderFamily>) -> usize {
        device.map_or(self.jobs, |family| self.on_devices.get(&family).copied().unwrap_or(0))
    }

    fn take(&mut self, device: Option<EncoderFamily>) {
        let room = match device {
            None => &mut self.jobs,
            Some(family) => self.on_devices.entry(family).or_default(),
        };
        *room = room.saturating_sub(1);
    }

    fn is_left(&self, in_flight: &BTreeMap<AccountId, u64>, account: &AccountId) -> bool {
        let load = in_flight.get(account).copied().unwrap_or(0);
        self.of_account.is_none_or(|most| load < most)
    }
}

/// Jobs to pick from.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    /// Bulk jobs that have waited too long while none of their kind was worked on.
    pub overdue: Vec<(AccountId, T)>,
    /// What somebody waits for.
    pub interactive: Due<T>,
    /// What may take its time.
    pub bulk: Due<T>,
}

/// Picks jobs while there is `room`: interactive ones, then bulk ones. What is overdue goes before
/// all: so however many people upload, bulk work goes on, one job at a time. `device` says which
/// graphics processors a job is for.
pub(crate) fn pick<T>(
    mut room: Room,
    mut in_flight: BTreeMap<AccountId, u64>,
    waiting: Waiting<T>,
    device: fn(&T) -> Option<EncoderFamily>,
) -> Vec<T> {
    let mut picked = Vec::new();
    for (account, job) in waiting.overdue {
        if room.on(device(&job)) > 0 && room.is_left(&in_flight, &account) {
            room.take(device(&job));
            *in_flight.entry(account).or_default() += 1;
            picked.push(job);
        }
    }
    for waiting in [waiting.interactive, waiting.bulk] {
        share(&mut room, &mut in_flight, waiting, device, &mut picked);
    }
    picked
}

/// Each goes to the account that has the fewest in flight, counting what was just picked.
fn share<T>(
    room: &mut Room,
    in_flight: &mut BTreeMap<AccountId, u64>,
    mut waiting: Due<T>,
    device: fn(&T) -> Option<EncoderFamily>,
    picked: &mut Vec<T>,
) {
    loop {
        for jobs in waiting.values_mut() {
            while jobs.front().is_some_and(|job| room.on(device(job)) == 0) {
                jobs.pop_front();
            }
        }
        let load = |account: &AccountId| in_flight.get(account).copied().unwrap_or(0);
        let next = waiting
            .iter()
            .filter(|(account, jobs)| !jobs.is_empty() && room.is_left(in_flight, account));
        let next = next.map(|(account, _)| account).min_by_key(|a| load(a)).cloned();
        let Some(account) = next else { break };
        let Some(job) = waiting.get_mut(&account).and_then(VecDeque::pop_front) else { break };
        room.take(device(&job));
        *in_flight.entry(account).or_default() += 1;
        picked.push(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names = Due<&'static str>;

    fn account(name: &str) -> AccountId {
        AccountId::new(name).unwrap()
    }

    fn room(jobs: usize) -> Room {
        Room { jobs, ..Room::default() }
    }

    fn waiting(
        overdue: Option<(&str, &'static str)>,
        interactive: Names,
        bulk: Names,
    ) -> Waiting<&'static str> {
        let overdue = overdue.into_iter().map(|(name, job)| (account(name), job)).collect();
        Waiting { overdue, interactive, bulk }
    }

    /// Jobs whose name begins so are for a device.
    fn device(job: &&str) -> Option<EncoderFamily> {
        job.starts_with("gpu").then_some(EncoderFamily::Nvenc)
    }

    fn picked(
        room: Room,
        in_flight: &BTreeMap<AccountId, u64>,
        waiting: Waiting<&'static str>,
    ) -> Vec<&'static str> {
        pick(room, in_flight.clone(), waiting, device)
    }

    fn jobs(names: &[&'static str]) -> VecDeque<&'static str> {
        names.iter().copied().collect()
    }

    #[test]
    fn no_account_has_more_in_flight_than_it_may() {
        let in_flight = BTreeMap::from([(account("full"), 3), (account("near"), 2)]);
        let bulk = BTreeMap::from([
            (account("full"), jobs(&["f1", "f2"])),
            (account("near"), jobs(&["n1", "n2"])),
            (account("none"), jobs(&["o1", "o2", "o3", "o4"])),
        ]);
        let room = Room { of_account: Some(3), ..room(99) };
        let all = waiting(Some(("full", "f0")), Due::new(), bulk.clone());
        assert_eq!(picked(room.clone(), &in_flight, all), ["o1", "o2", "n1", "o3"]);
        let all = waiting(Some(("near", "n0")), Due::new(), bulk);
        assert_eq!(picked(room, &in_flight, all), ["n0", "o1", "o2", "o3"]);
    }

    #[test]
    fn the_account_with_least_in_flight_is_served_first() {
        let in_flight = BTreeMap::from([(account("busy"), 2)]);
        let interactive = BTreeMap::from([
            (account("busy"), jobs(&["b1", "b2"])),
            (account("idle"), jobs(&["i1", "i2", "i3", "i4"])),
            (account("one"), jobs(&["o1"])),
        ]);
        let all = || waiting(None, interactive.clone(), Due::new());
        assert_eq!(picked(room(4), &in_flight, all()), ["i1", "o1", "i2", "b1"]);
        assert_eq!(picked(room(99), &in_flight, all()).len(), 7);
    }

    #[test]
    fn interactive_goes_before_bulk_of_whatever_account() {
        let busy = BTreeMap::from([(account("people"), 9)]);
        let interactive = BTreeMap::from([(account("people"), jobs(&["p1", "p2"]))]);
        let bulk = BTreeMap::from([(account("archive"), jobs(&["a1", "a2"]))]);
        let all = |overdue| waiting(overdue, interactive.clone(), bulk.clone());
        assert_eq!(picked(room(3), &busy, all(None)), ["p1", "p2", "a1"]);
        let overdue = Some(("archive", "a0"));
        assert_eq!(picked(room(2), &busy, all(overdue)), ["a0", "p1"]);
        assert!(picked(room(0), &busy, all(overdue)).is_empty());
    }

    #[test]
    fn a_full_lane_of_a_device_holds_nothing_else_up_and_takes_no_room_from_it() {
        let interactive = BTreeMap::from([
            (account("film"), jobs(&["gpu1", "gpu2", "sound", "gpu3"])),
            (account("radio"), jobs(&["r1"])),
        ]);
        let all = |overdue| waiting(overdue, interactive.clone(), Due::new());
        let with = |jobs, devices| Room {
            on_devices: BTreeMap::from([(EncoderFamily::Nvenc, devices)]),
            ..room(jobs)
        };
        let none = BTreeMap::new();
        assert_eq!(picked(room(2), &none, all(None)), ["sound", "r1"]);
        assert_eq!(picked(with(0, 2), &none, all(None)), ["gpu1", "gpu2"]);
        assert_eq!(picked(with(9, 1), &none, all(None)), ["gpu1", "r1", "sound"]);
        let overdue = Some(("film", "gpu0"));
        assert_eq!(picked(with(1, 1), &none, all(overdue)), ["gpu0", "r1"]);
    }
}
