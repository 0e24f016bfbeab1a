#!/usr/bin/env python3
"""Kinora's encoder beside ffmpeg, one process for all rungs: processor time, memory, bits, quality.

    transcode.py [MODE]... [--pairs N] [--seconds N] [--json FILE]

Modes: identical, quality, passthrough, chunking, workers, per-title; all without one. Runs are interleaved,
one of each at a time; a ratio is the median over pairs. Each mode has pairs and seconds of its own, so that all
of them end within 25 minutes on a quiet machine of two cores. benches/README.md says what each number means.
Needs release builds of kinora-encoder and the example `plan`, ffmpeg, and for VMAF pip (`make bench` sees to it).
"""

import argparse
import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock, Thread

import clips
import kinora
import peer
import per_title
from kinora import CACHE, Usage
from table import change, conditions, list_speedup, ratio, render, result, spread, summary, times

PROFILES = Path(__file__).parent / "profiles"
# Slots of a worker on a machine of two cores.
SLOTS = 2


def ours(profile, clip, work):
    """One worker's way: probe, plan, then the tasks of chunks and soundtracks."""
    work.mkdir(parents=True, exist_ok=True)
    _, probing = kinora.probe(clip, work)
    plan = kinora.planned(profile, work)
    return plan, probing + kinora.encode(plan, clip, work / "out", SLOTS)


def rungs_of(plan):
    return {rung["track"]: rung for rung in plan["chunks"][0]["rungs"]}


def peers_gop(plan):
    """What the peer's line calls -g: key frames as far apart as ours."""
    return plan["chunks"][0]["gop_frames"]


def pairs_of(profile, clip, work, pairs, rate_control, encoder):
    """Interleaved runs: what each took, and the files and plan of the last."""
    (work / "ours").mkdir(parents=True, exist_ok=True)
    kinora.probe(clip, work / "ours")
    plan = kinora.planned(profile, work / "ours")
    rungs = [(rung["width"], rung["height"]) for rung in rungs_of(plan).values()]
    mine, theirs = [], []
    for _ in range(pairs):
        files, usage = peer.transcode(clip, work / "peer", rungs, rate_control, peers_gop(plan), encoder)
        theirs.append(usage)
        plan, usage = ours(profile, clip, work / "ours")
        mine.append(usage)
    made = kinora.joined(plan, work / "ours" / "out")
    return mine, theirs, {rung["height"]: made[track] for track, rung in rungs_of(plan).items()}, files


def costs(name, mine, theirs, aim, memory_too=True):
    cpu = ratio([run.cpu for run in theirs], [run.cpu for run in mine])
    wall = ratio([run.wall for run in theirs], [run.wall for run in mine])
    memory = ratio([run.memory for run in theirs], [run.memory for run in mine])
    took = f"{theirs[-1].cpu:.1f} s ÷ {mine[-1].cpu:.1f} s; pairs {spread(cpu)}; wall {times(wall)}"
    lines = [result(f"{name}: CPU", times(cpu), f"≥ {aim}×", cpu["median"] >= aim, took)]
    if memory_too:
        held = max(run.memory for run in mine), min(run.memory for run in theirs)
        detail = f"{held[0]:.0f} MiB in one child, {held[1]:.0f} MiB in ffmpeg"
        lines.append(result(f"{name}: peak memory", f"{1 / memory['median']:.2f}×", "≤ 1.0×",
                            memory["median"] >= 1, detail))
    return lines


def identical(clip, work, pairs):
    """The same x264 settings on both sides, but for threads: each keeps its own."""
    profile = PROFILES / "identical.toml"
    # One run beforehand says what x264 was told, for ffmpeg to be told the same.
    plan, _ = ours(profile, clip, work / "first")
    made = kinora.joined(plan, work / "first" / "out")
    rungs = {rung["height"]: rung for rung in rungs_of(plan).values()}
    own = {height: kinora.x264_options(made[rung["track"]]) for height, rung in rungs.items()}

    def rate_control(height):
        said, rung = own[height], rungs[height]
        # As full as our chunks begin, which x264 does not write down.
        options = f"stitchable=1:force-cfr=1:vbv-init=0.8:level={rung['level']}"
        return ["-crf", said["crf"], "-maxrate", f"{said['vbv_maxrate']}k", "-bufsize", f"{said['vbv_bufsize']}k",
                "-x264-params", options]

    mine, theirs, _, files = pairs_of(profile, clip, work, pairs, rate_control, ("-preset", "veryfast"))
    threads = {"threads", "lookahead_threads", "sliced_threads"}
    for height, file in files.items():
        said = kinora.x264_options(file)
        if other := {k for k in said.keys() | own[height].keys() if said.get(k) != own[height].get(k)} - threads:
            sys.exit(f"{height}: settings are not identical: {sorted(other)}")
    return costs("identical settings", mine, theirs, 1.05)


def quality(clip, work, pairs, profile="default"):
    """The default profile beside the peer's usual line: what it costs to look the same."""
    mine, theirs, made, files = pairs_of(profile, clip, work, pairs, peer.average_rate, ("-preset", "veryfast"))
    size, seconds = peer.size(clip), peer.duration(clip)
    rows, equal, no_more = [], True, True
    judged = kinora.vmaf_of([file for height in made for file in (files[height], made[height])], clip, size)
    for height in made:
        bits = [kinora.coded_bytes(file) for file in (files[height], made[height])]
        scores = [judged[file] for file in (files[height], made[height])]
        more = change(bits[1], bits[0])
        no_more &= more <= 0
        row = [height, *(f"{8 * b / seconds / 1000:.0f}" for b in bits), f"{more:+.1f} %"]
        for model in (0, 1):
            if all(scores):
                better = scores[1][model] - scores[0][model]
                equal &= better >= -0.5
                row += [f"{scores[0][model]:.2f}", f"{scores[1][model]:.2f}", f"{better:+.2f}"]
        rows.append(row)
    head = ["rung", "ffmpeg kbit/s", "ours", "", "VMAF ffmpeg", "ours", "", "NEG ffmpeg", "ours", ""]
    print(f"\n{clip.stem}, every rung scaled to {size[0]}×{size[1]}\n\n{render(head[:len(rows[0])], rows)}")
    lines = costs("equal quality", mine, theirs, 1.3)
    lines.append(result("equal quality: bits of each rung", "no more" if no_more else "more", "no more", no_more))
    if all(scores):
        lines.append(result("equal quality: VMAF and NEG of each rung", "equal or better" if equal else "worse",
                            "≥ ffmpeg − 0.5", equal))
    return lines


def passthrough(clip, work, pairs):
    """A source that is what the top rung asks for, beside encoding it again."""
    mine, theirs, _, _ = pairs_of("default", clip, work, pairs, peer.average_rate, ("-preset", "veryfast"))
    return costs("passthrough", mine, theirs, 2.0)


def chunking(clip, work, pairs):
    """Chunks as the contract has them beside the same title as one chunk."""
    work.mkdir(parents=True, exist_ok=True)
    kinora.probe(clip, work)
    plan = kinora.planned("default", work) | {"audio": []}
    first, frames = plan["chunks"][0], sum(spec["chunk"]["frames"] for spec in plan["chunks"])
    whole = first | {"chunk": first["chunk"] | {"frames": frames}, "last": True}
    runs = {"chunks": (plan, []), "whole": (plan | {"chunks": [whole]}, [])}
    for _ in range(pairs):
        for name, (what, took) in runs.items():
            took.append(kinora.encode(what, clip, work / name))
    cpu = ratio([run.cpu for run in runs["chunks"][1]], [run.cpu for run in runs["whole"][1]])
    made = {name: kinora.joined(what, work / name) for name, (what, _) in runs.items()}
    rows, bits_hold, quality_holds = [], True, True
    judged = kinora.vmaf_of([file for files in made.values() for file in files.values()], clip, peer.size(clip))
    for track in made["whole"]:
        bits = change(*(kinora.coded_bytes(made[name][track]) for name in ("chunks", "whole")))
        bits_hold &= abs(bits) <= 5
        row = [track, f"{bits:+.2f} %"]
        scores = [judged[made[name][track]] for name in ("chunks", "whole")]
        if all(scores):
            quality_holds &= abs(scores[0][0] - scores[1][0]) <= 0.3
            row += [f"{scores[0][0]:.2f}", f"{scores[1][0]:.2f}"]
        rows.append(row)
    head = ["rung", "bits", "VMAF in chunks", "VMAF whole"][:len(rows[0])]
    print(f"\n{clip.stem}: {len(plan['chunks'])} chunks beside one\n\n{render(head, rows)}")
    lengths = ", ".join(str(spec["chunk"]["frames"]) for spec in plan["chunks"])
    same = kinora.same_parameter_sets(plan, work / "chunks")
    lines = [
        result("chunking: CPU more", f"{100 * cpu['median'] - 100:.1f} %", "≤ 3 %", cpu["median"] <= 1.03,
               f"chunks of {lengths} frames; pairs {spread(cpu)}"),
        result("chunking: bits of each rung", "within" if bits_hold else "off", "within 5 %", bits_hold),
        result("chunking: parameter sets", "equal" if same else "differ", "byte-equal", same),
    ]
    if all(scores):
        lines.insert(2, result("chunking: VMAF of each rung", "within" if quality_holds else "off", "within 0.3",
                               quality_holds))
    return lines


def workers(clip, work, pairs):
    """The same list of chunks for one worker on one core, and for two on a core each.

    The title is long beside a chunk of 16 s, or what is measured is who gets the last one; the profile
    is a quick one, since any tells how work spreads.
    """
    work.mkdir(parents=True, exist_ok=True)
    kinora.probe(clip, work)
    plan = kinora.planned("fast", work)
    alone, together = [], []
    for _ in range(pairs):
        alone.append(shared_list(plan, clip, work, [0]))
        together.append(shared_list(plan, clip, work, [0, 1]))
    wall = ratio([one[0] for one in alone], [two[0] for two in together])
    cpu = ratio([max(one[1]) for one in alone], [max(two[1]) for two in together])
    frames = [spec["chunk"]["frames"] for spec in plan["chunks"]]
    machine, schedule = ceiling(plan, clip, work), list_speedup(frames, 2)
    detail = (f"{len(frames)} chunks; pairs {spread(wall)}; two cores do {machine:.2f}× the work of one here, "
              f"and the list allows {schedule:.2f}×")
    return [
        result("two workers beside one: wall", times(wall), "≥ 1.9×", wall["median"] >= 1.9, detail),
        result("two workers beside one: CPU of the busier", times(cpu), "", None,
               "what wall would be on cores of their own"),
    ]


def ceiling(plan, clip, work):
    """How many times as much two cores get done as one, with nothing to wait for: the longest chunk on one core
    alone, then on each at once. What is missing to 2 is the machine's: shared caches, memory, clocks."""
    longest = max(plan["chunks"], key=lambda spec: spec["chunk"]["frames"])
    alone, _ = shared_list({"chunks": [longest]}, clip, work, [0])
    both = [(core, work / f"core{core}") for core in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        walls = list(pool.map(lambda run: shared_list({"chunks": [longest]}, clip, run[1], [run[0]])[0], both))
    return 2 * alone / max(walls)


def shared_list(plan, clip, work, cores):
    """Workers of one slot, each on a core, take chunks from one list; wall time and CPU of each."""
    waiting, lock, took = list(plan["chunks"]), Lock(), [Usage() for _ in cores]

    def work_on(index):
        series = kinora.Series(clip, work / f"worker{index}", cores[index])
        shutil.rmtree(series.folder, ignore_errors=True)
        while True:
            with lock:
                if not waiting:
                    break
                spec = waiting.pop(0)
            series.chunk(spec, series.folder / str(spec["chunk"]["index"]))
        took[index] += series.end()

    begin = time.monotonic()
    threads = [Thread(target=work_on, args=[index]) for index in range(len(cores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begin, [usage.cpu for usage in took]


def titles(seconds, work):
    """A quality target on easy and on hard content, long enough for samples to be taken."""
    seconds = max(seconds, 20)
    easy = per_title.compare("easy", clips.easy(seconds), "quality", work / "easy", False)
    hard = per_title.compare("hard", clips.noise(seconds), "quality", work / "hard", False)
    lines = [result("quality target, easy: bits", f"{easy['bits']:+.0f} %", "≤ −40 %", easy["bits"] <= -40)]
    if easy["vmaf"] is not None:
        lines.append(result("quality target, easy: VMAF of the top rung", f"{easy['vmaf']:.1f}", "≥ 94", easy["vmaf"] >= 94))
    lines.append(result("quality target, hard: bits", f"{hard['bits']:+.1f} %", "within 2 %", abs(hard["bits"]) <= 2))
    for name, title in (("easy", easy), ("hard", hard)):
        share = title["analysis"]
        lines.append(result(f"quality target, {name}: CPU of the analysis", f"{share:.1f} %", "≤ 15 % of the encode",
                            share <= 15))
    return lines


# Mode: what measures it; clips, pairs of each, and how many times the usual length.
MODES = {
    "identical": (identical, [(clips.bunny, 5, 1), (clips.noise, 3, 1)]),
    "quality": (quality, [(clips.bunny, 5, 1), (clips.moderate, 5, 1), (clips.noise, 1, 1)]),
    "passthrough": (passthrough, [(clips.fitting, 3, 1)]),
    "chunking": (chunking, [(clips.bunny, 2, 2)]),
    "workers": (workers, [(clips.bunny, 1, 6)]),
    "per-title": (titles, []),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("mode", nargs="*", metavar="MODE", help=", ".join(MODES))
    arguments.add_argument("--pairs", type=int, help="of every clip, instead of each mode's own number")
    arguments.add_argument("--seconds", type=int, default=20, help="of a clip (workers 6, chunking 2 times as long)")
    arguments.add_argument("--profile", default="default", help="of mode quality: a name or a TOML file")
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    if unknown := set(chosen.mode) - set(MODES):
        arguments.error(f"no such mode: {', '.join(unknown)}")
    began, results = conditions(kinora.BIN / "kinora-encoder"), []
    for mode in chosen.mode or MODES:
        measured, runs = MODES[mode]
        work = CACHE / mode
        if not runs:
            results += measured(chosen.seconds, work)
        for make, pairs, times_as_long in runs:
            clip = make(times_as_long * chosen.seconds)
            more = [chosen.profile] if measured is quality else []
            for line in measured(clip, work, chosen.pairs or pairs, *more):
                line["what"] += f" ({clip.stem})"
                results.append(line)
    print(f"\n{began}\nAt the end: {conditions(kinora.BIN / 'kinora-encoder')}\n\n{summary(results)}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"conditions": began, "results": results}, indent=1, ensure_ascii=False) + "\n")
    if any(line["holds"] is False for line in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
