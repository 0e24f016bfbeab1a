#!/usr/bin/env python3
"""The distributed engine's own rates, on a real RabbitMQ, Postgres and S3 server on loopback.

    benches/compare/cluster.py [publish] [drain] [workers] [uploads] [--check]

publish   confirmed publishes a second to a quorum queue
drain     jobs through the orchestrator by workers that encode nothing; one of the two is killed
          half way, and in the end every job is done and every video ready
workers   chunks a second of two workers over those of one, each with four slots in which a chunk
          takes half a second of waiting: what the engine between them costs
uploads   fifty uploads at once by tus: the most memory the server has, on files and on S3

Runs itself again under `with-servers --cluster` where no servers are in the environment. --check
ends with 1 where an aim is missed.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from daemon import Kinorad
from uploads import measure as measure_uploads

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
PUBLISHES_A_SECOND = 300
# As many seconds of film as chunks of the last and longest kind need.
CHUNK_SECONDS = 16
SLOTS = 16
SERVICES = "gateway,catalogue-command,catalogue-query,transcoding"
MIB = 1 << 20
# The client of the broker tells of lanes that are not there yet, which are then made.
LOG = "error,lapin=off"
RSS_MIB = 256
TWO_WORKERS = 1.9
WORKER_SLOTS, WORKER_CHUNK_MS, WORKER_CHUNKS = 4, 500, 120


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modes", nargs="*", default=[], help="publish, drain, workers, uploads; all of them by default")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs to drain")
    parser.add_argument("--videos", type=int, default=20, help="videos they belong to")
    parser.add_argument("--slots", type=int, default=2 * SLOTS, help="slots of both workers together")
    parser.add_argument("--chunk-ms", type=int, default=0, help="how long a worker takes for a chunk")
    parser.add_argument("--pairs", type=int, default=2, help="how often one worker, then two")
    parser.add_argument("--uploads", type=int, default=50, help="uploads at once")
    parser.add_argument("--upload-mib", type=int, default=200, help="MiB of each, on files (1024 for all of it: disk!); 0 for none")
    parser.add_argument("--s3-mib", type=int, default=40, help="MiB of each, on S3, whose test server keeps them in memory; 0 for none")
    parser.add_argument("--debug", action="store_true", help="take the debug build that is there: to see that it works, not how fast")
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    options = parser.parse_args()
    global TARGET
    if options.debug:
        TARGET = TARGET.parent / "debug"
    if "KINORA_QUEUE_URL" not in os.environ:
        build = ["cargo", "build", "--release", "--quiet", "--workspace", "--bins"]
        build += ["--example", "publish_rate", "--example", "stub_worker"]
        if not options.debug:
            subprocess.run(build, cwd=ROOT, check=True)
        command = [TARGET / "with-servers", "--cluster", sys.executable, __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command).returncode)
    modes = {"publish": publish, "drain": drain, "workers": workers, "uploads": uploads}
    print("| what | measured | aim | |\n|---|---|---|---|", flush=True)
    met = [modes[mode](options) for mode in options.modes or modes]
    sys.exit(0 if all(met) or not options.check else 1)


def line(what, measured, aim, holds):
    print(f"| {what} | {measured} | {aim} | {'holds' if holds else 'MISSED'} |", flush=True)
    return holds


def publish(_):
    """With sixteen publishers at once: one after the other measures a round trip."""
    command = [TARGET / "examples/publish_rate", os.environ["KINORA_QUEUE_URL"]]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # "16 publishers:     1234 publishes/s", a line each.
    rates = {int(words[0]): int(words[2]) for words in map(str.split, said.splitlines())}
    all_rates = ", ".join(f"{rate} by {publishers}" for publishers, rate in rates.items())
    aim = f"≥ {PUBLISHES_A_SECOND} by 16"
    return line("confirmed publishes a second", all_rates, aim, rates[16] >= PUBLISHES_A_SECOND)


def drain(options):
    with engine(2 * options.slots) as (server, start_worker):
        seconds = options.jobs // options.videos * CHUNK_SECONDS
        videos = send_films(server, options.videos)
        hired = [start_worker(seconds, options.slots // 2, options.chunk_ms) for _ in range(2)]

        def replace_one():
            hired[0].kill()
            start_worker(seconds, options.slots // 2, options.chunk_ms)

        begun, cpu = time.monotonic(), server.cpu_seconds()
        states, killed = until_drained(server, videos, options.jobs // 2, replace_one)
        took, cpu = time.monotonic() - begun, server.cpu_seconds() - cpu
        jobs = [job for video in videos for job in server.jobs(video)]
    chunks = [job["state"] for job in jobs if job["class"] == "encode_chunk"]
    done, ready = chunks.count("done"), states.count("ready")
    lost = len(chunks) - done
    line("chunk results a second through the orchestrator", f"{done / took:.0f}, {1000 * cpu / max(done, 1):.1f} ms of its processor time each", "none is set", True)
    what = f"drain of {len(jobs)} jobs of {len(videos)} videos, one of two workers killed"
    holds = lost == 0 and ready == len(videos) and len(jobs) >= options.jobs and killed
    return line(what, f"{took:.0f} s, {lost} chunks lost, {ready} videos ready", "nothing lost", holds)


def workers(options):
    rates = {count: [] for count in (1, 2)}
    for count in list(rates) * options.pairs:
        with engine(4 * WORKER_SLOTS) as (server, start_worker):
            seconds = WORKER_CHUNKS * CHUNK_SECONDS
            videos = send_films(server, 2)
            begun = time.monotonic()
            for _ in range(count):
                start_worker(seconds, WORKER_SLOTS, WORKER_CHUNK_MS)
            until_drained(server, videos)
            took = time.monotonic() - begun
            done = sum(job["state"] == "done" for video in videos for job in server.jobs(video))
            rates[count].append(done / took)
    one, two = statistics.median(rates[1]), statistics.median(rates[2])
    measured = f"{two / one:.2f}× ({two:.1f} and {one:.1f} a second, {options.pairs} pairs)"
    what = f"chunks a second of two workers over those of one, {WORKER_CHUNK_MS} ms of waiting a chunk"
    return line(what, measured, f"≥ {TWO_WORKERS}×", two / one >= TWO_WORKERS)


@contextlib.contextmanager
def engine(max_in_flight):
    """Services on the real servers, and what starts a worker that encodes nothing."""
    hired = []

    def start_worker(*words):
        command = [TARGET / "examples/stub_worker", os.environ["KINORA_QUEUE_URL"], *words]
        hired.append(subprocess.Popen([str(word) for word in command]))
        return hired[-1]

    with tempfile.TemporaryDirectory(prefix="kinora-cluster-") as folder:
        settings = {
            "KINORA_PLAYBACK_KEY_FILE": key_file(folder),
            "KINORA_ORIGIN_PUBLIC_URL": "http://127.0.0.1:1",
            "KINORA_TRANSCODING_MAX_IN_FLIGHT": str(max_in_flight),
            "KINORA_LOG_FILTER": LOG,
        }
        with Kinorad(TARGET, Path(folder) / "data", SERVICES, settings) as server:
            try:
                yield server, start_worker
            finally:
                for worker in hired:
                    worker.kill()
                    worker.wait()


def send_films(server, count):
    return [server.upload(f"film-{n}.mp4", b"a stub looks at none of it") for n in range(count)]


def until_drained(server, videos, half=0, at_half=lambda: None):
    """Waits for the end of all videos; their states, and whether `at_half` was called: once, when no
    more than `half` jobs are open of the more that were."""
    called, most, last, before = False, 0, time.monotonic(), -1
    while True:
        states = [server.get(f"/api/v1/videos/{video}")["state"] for video in videos]
        if all(state in ("ready", "failed") for state in states):
            return states, called
        left = server.open_jobs()
        most = max(most, left)
        if not called and most > half >= left:
            at_half()
            called = True
        if left != before:
            last, before = time.monotonic(), left
        elif time.monotonic() - last > 120:
            print(f"nothing has moved for two minutes: {left} jobs are open, videos are {states}")
            return states, called
        time.sleep(1)


def uploads(options):
    aim, met = f"< {RSS_MIB} MiB", True
    for name, mib in (("files", options.upload_mib), ("S3", options.s3_mib)):
        if mib == 0:
            continue
        with tempfile.TemporaryDirectory(prefix="kinora-uploads-", dir=TARGET.parent) as folder:
            settings = {"KINORA_PLAYBACK_KEY_FILE": key_file(folder), "KINORA_LOG_FILTER": LOG}
            settings |= {"KINORA_ORIGIN_PUBLIC_URL": "http://127.0.0.1:1", "KINORA_UPLOAD_RESERVE_BYTES": "0"}
            roles, without = (("all", ["STORE", "QUEUE", "DATABASE"]) if name == "files" else (SERVICES, []))
            with Kinorad(TARGET, Path(folder) / "data", roles, settings, without) as server:
                most, took, whole = measure_uploads(server, options.uploads, mib * MIB)
            rate = options.uploads * mib / took
            what = f"server RSS under {options.uploads} uploads of {mib} MiB at once, on {name}"
            measured = f"{most / MIB:.0f} MiB, {rate:.0f} MiB/s, {whole} arrived whole"
            met &= line(what, measured, aim, most < RSS_MIB * MIB and whole == options.uploads)
    return met


def key_file(folder):
    path = Path(folder) / "playback.key"
    path.write_text("of no concern to anybody but this comparison")
    return str(path)


if __name__ == "__main__":
    main()
