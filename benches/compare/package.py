#!/usr/bin/env python3
"""What it costs to package a finished MP4, beside the peers: wall and CPU seconds, and memory.

    package.py [--work FOLDER] [--megabytes N] [--clip FILE] [--repeat N] [--check]

Makes an H.264 and AAC film of at least --megabytes (545) by looping an encode of ffmpeg, unless --clip
names one. All tools run one after the other, --repeat rounds of it (5); medians count.
`cp` is the limit of what copying costs. --check ends with 1 where an aim is missed.

All of it lies in memory (/dev/shm) where there is room, unless --work names a folder: on ext4 whoever makes many
files pays for those removed before, since it looks at each inode that was freed in the last minute (a third of a
millisecond a file here).

Needs `kinora` (KINORA_BIN, else target/release), ffmpeg, and for the peers: SHAKA_PACKAGER (else npm's
shaka-packager is put under target/bench), GPAC's `gpac` in the path. A peer that is not there is said to be missing.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("KINORA_BIN", ROOT / "target" / "release"))

# Ours, theirs, of what, at most.
AIMS = [
    ("kinora", "shaka", "cpu", 0.35),
    ("kinora", "cp", "wall", 1.3),
    ("kinora segments", "gpac segments", "wall", 0.5),
    ("kinora segments", "shaka segments", "wall", 0.2),
    ("kinora cbcs", "shaka cbcs", "cpu", 0.5),
]
MOST_MEGABYTES = 20
# For comparison only.
SHAKA = "shaka-packager@3.4.2"
# A key for comparison: it protects nothing.
KEY_ID, KEY = "00112233445566778899aabbccddeeff", "0123456789abcdef0123456789abcdef"


def anonymous(pid):
    """Megabytes of a process's own memory, without what it maps of files; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)


def watch(pid, ended, peak):
    """Looks at a process's memory until it ends. What `wait4` knows is no use for small ones: it counts
    what the child had of this script before it became the command."""
    while not ended.wait(0.004):
        peak[0] = max(peak[0], anonymous(pid))


def measured(command, cwd):
    """Wall seconds, CPU seconds and peak megabytes of a command."""
    peak, ended = [0.0], threading.Event()
    began = time.monotonic()
    child = subprocess.Popen([str(part) for part in command], cwd=cwd,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watcher = threading.Thread(target=watch, args=(child.pid, ended, peak))
    watcher.start()
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    ended.set()
    watcher.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command[0]}: {said.decode(errors='replace')[-2000:]}")
    return wall, used.ru_utime + used.ru_stime, peak[0]


def film(work, megabytes):
    """A film of at least so many megabytes."""
    part, whole = work / "part.mp4", work / "film.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=60",
         "-f", "lavfi", "-i", "sine=440:duration=60", "-c:v", "libx264", "-preset", "ultrafast",
         "-b:v", "1500k", "-g", "60", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "128k", part], check=True)
    loops = megabytes * 1_000_000 // part.stat().st_size
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", str(loops), "-i", part, "-c", "copy", whole],
                   check=True)
    part.unlink()
    return whole


def warm(clip):
    """Brings a file into the cache, a piece at a time: what is held here counts as its children's memory."""
    with clip.open("rb") as file:
        while file.read(1 << 20):
            pass


def shaka_packager():
    named = os.environ.get("SHAKA_PACKAGER")
    if named:
        return Path(named)
    peers = ROOT / "target" / "bench" / "peers"
    peers.mkdir(parents=True, exist_ok=True)
    binary = peers / "node_modules" / "shaka-packager" / "bin" / "packager-linux-x64"
    if not binary.exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", peers, SHAKA], check=False)
    return binary if binary.exists() else None


def contenders(clip, work):
    """Name, command, and what it needs to be there."""
    out = work / "out"
    kinora = [BIN / "kinora", "package", clip, "-o", out, "--json"]
    yield "cp", ["cp", clip, out], True
    yield "kinora", kinora, True
    yield "kinora segments", kinora + ["--segments"], True
    keys = work / "keys"
    keys.write_text(f"{KEY_ID}:{KEY}\n")
    yield "kinora cbcs", kinora + ["--encrypt", "cbcs", "--key-file", keys], True
    shaka = shaka_packager()
    single = [f"in={clip},stream={kind},output={out}/{kind}.mp4" for kind in ("video", "audio")]
    manifests = ["--hls_master_playlist_output", out / "hls.m3u8", "--mpd_output", out / "dash.mpd"]
    yield "shaka", [shaka, *single, *manifests], shaka
    encryption = ["--enable_raw_key_encryption", "--keys", f"label=:key_id={KEY_ID}:key={KEY}",
                  "--protection_scheme", "cbcs", "--clear_lead", "0"]
    yield "shaka cbcs", [shaka, *single, *manifests, *encryption], shaka
    parts = [f"in={clip},stream={kind},init_segment={out}/{kind}/init.mp4,"
             f"segment_template={out}/{kind}/$Number$.m4s" for kind in ("video", "audio")]
    yield "shaka segments", [shaka, *parts, *manifests, "--generate_static_live_mpd"], shaka
    gpac = shutil.which("gpac")
    dasher = f"{out}/dash.mpd:profile=live:segdur=6:dual:template=$RepresentationID$_$Number$"
    yield "gpac segments", [gpac, "-i", clip, "-o", dasher], gpac
    yield "ffmpeg segments", ["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", "-f", "dash", "-seg_duration", "6",
                              "-hls_playlist", "1", out / "dash.mpd"], True


def clear(out):
    """Removes what the last one wrote, a file or a folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)


def race(clip, work, repeat):
    runs = {}
    every = list(contenders(clip, work))
    for name, _, there in every:
        if not there:
            print(f"{name:<16} not installed: no comparison")
    # In turn, so that what else the machine does touches all alike.
    for _ in range(repeat):
        for name, command, there in every:
            if there:
                clear(work / "out")
                if name != "cp" and not name.startswith("kinora"):
                    (work / "out").mkdir()
                runs.setdefault(name, []).append(measured(command, work))
    clear(work / "out")
    results = {}
    for name, measures in runs.items():
        results[name] = dict(zip(("wall", "cpu", "memory"), map(statistics.median, zip(*measures))))
        print(f"{name:<16} wall {results[name]['wall']:6.2f} s   cpu {results[name]['cpu']:6.2f} s   "
              f"memory {results[name]['memory']:6.1f} MB")
    return results


def judge(results):
    """Prints each aim as a row of a table; whether all that could be measured are met."""
    rows = []
    for ours, theirs, what, most in AIMS:
        if ours in results and theirs in results:
            a, b = results[ours][what], max(results[theirs][what], 1e-9)
            rows.append((f"{ours} ÷ {theirs}, {what}", f"{a / b:.2f}× ({a:.2f} s ÷ {b:.2f} s)", f"{most}×", a / b <= most))
        else:
            print(f"{ours} ÷ {theirs}: not compared")
    for ours in ("kinora", "kinora segments"):
        memory = results[ours]["memory"]
        rows.append((f"{ours}, memory", f"{memory:.1f} MB", f"{MOST_MEGABYTES} MB", memory <= MOST_MEGABYTES))
    print("\n| what | measured | aim | |\n|---|---|---|---|")
    for what, measured_as, most, met in rows:
        print(f"| {what} | {measured_as} | ≤ {most} | {'holds' if met else 'MISSED'} |")
    return all(met for *_, met in rows)


def in_memory(megabytes):
    """A folder in memory with room for the film and what becomes of it; `None` where there is none."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 3 * megabytes * 1_000_000 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--megabytes", type=int, default=545)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kinora-package-", dir=in_memory(options.megabytes)) as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        clip = (options.clip or film(work, options.megabytes)).resolve()
        print(f"in {work}, load {os.getloadavg()[0]:.1f}: ", end="")
        warm(clip)
        print(f"{clip.stat().st_size / 1e6:.0f} MB")
        met = judge(race(clip, work.resolve(), options.repeat))
        if not options.clip:
            clip.unlink()
    sys.exit(0 if met or not options.check else 1)


if __name__ == "__main__":
    main()
