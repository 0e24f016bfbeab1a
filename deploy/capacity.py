#!/usr/bin/env python3
"""How much an installation encodes, and what stops it from encoding more.

    deploy/capacity.py [--hosts N]… [--slots N] [--chunk-seconds S] [--speed X] [--rate NAME=R]…

A small simulation: slots take chunks off a queue and work on them; every result then passes one
station after the other, each of which serves one at a time at the rate that was measured for it.
Prints what comes out for 1, 100 and 10 000 hosts, and the station that is busiest. deploy/capacity.md
says where the rates come from.
"""

import argparse
import heapq
import random

# A second, each of them: measured, or what the hardware named in capacity.md gives.
RATES = {
    "orchestrator": 61.0,
    "broker": 7000.0,
    "store": 3500.0,
}
# Messages to the broker a chunk: the job, the result, both acknowledged; objects to the store: a rung each.
COSTS = {"orchestrator": 1, "broker": 2, "store": 5}


def simulate(slots, service, rates, results=20_000, seed=1):
    """Results a second, and how busy each station is, of so many slots that take `service` seconds a chunk."""
    chance = random.Random(seed)
    takes = {name: COSTS[name] / rate for name, rate in rates.items()}
    free = dict.fromkeys(takes, 0.0)
    busy = dict.fromkeys(takes, 0.0)
    # When each slot is done with its chunk; chunks of one length differ by what is in them.
    length = lambda: service * chance.uniform(0.7, 1.3)
    slots_done = [(chance.uniform(0, service), slot) for slot in range(slots)]
    heapq.heapify(slots_done)
    warm_up, begun, now = max(slots, results // 4), 0.0, 0.0
    for nth in range(warm_up + results):
        now, slot = heapq.heappop(slots_done)
        for name, seconds in takes.items():
            now = max(now, free[name]) + seconds
            free[name] = now
            if nth >= warm_up:
                busy[name] += seconds
        if nth == warm_up - 1:
            begun = now
        # The next chunk is on the lane already, as twice the slots are in flight.
        heapq.heappush(slots_done, (now + length(), slot))
    span = now - begun
    return results / span, {name: seconds / span for name, seconds in busy.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, action="append", help="worker hosts (1, 100 and 10 000)")
    parser.add_argument("--slots", type=int, default=2, help="slots of a host")
    parser.add_argument("--chunk-seconds", type=float, default=16, help="seconds of film in a chunk")
    parser.add_argument("--speed", type=float, default=0.5, help="seconds of film a slot encodes in a second")
    parser.add_argument("--rate", action="append", default=[], metavar="NAME=R", help="of a station, a second")
    options = parser.parse_args()
    rates = dict(RATES)
    for given in options.rate:
        name, _, rate = given.partition("=")
        if name not in rates:
            parser.error(f"there is no station '{name}': use {', '.join(rates)}")
        rates[name] = float(rate)
    service = options.chunk_seconds / options.speed
    print("| hosts | slots | chunks a second | hours of film an hour | first bottleneck |\n|---|---|---|---|---|")
    for hosts in options.hosts or [1, 100, 10_000]:
        slots = hosts * options.slots
        rate, busy = simulate(slots, service, rates)
        name, share = max(busy.items(), key=lambda station: station[1])
        # Below that slots wait for nothing that counts.
        bottleneck = name if share > 0.95 else f"workers (the {name} is {100 * share:.0f} % busy)"
        print(f"| {hosts:,} | {slots:,} | {rate:.2f} | {rate * options.chunk_seconds:.0f} | {bottleneck} |")


if __name__ == "__main__":
    main()
