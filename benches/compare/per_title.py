#!/usr/bin/env python3
"""What a quality target saves: bits and VMAF of every rung with and without it, the share of the
encode that the analysis takes, and how the metric follows VMAF.

    per_title.py [--profile NAME] [--work FOLDER] [--clip NAME=FILE]... [--seconds N] [--all-rungs]
    per_title.py --metric --clip NAME=FILE [--clip NAME=FILE]...

VMAF is that of the top rung, with --all-rungs of each, scaled up to the top rung's size. --metric
encodes the first chunk of each clip at five CRFs and sets the analysis' score beside VMAF.

Needs release builds of kinora-encoder and the example `plan`, ffmpeg, and for VMAF pip (`make bench`
sees to it). CPU seconds are of the child processes.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import clips
import kinora
from table import change, render


def compare(name, clip, profile, work, all_rungs):
    """Prints what a title saved; gives percent of bits of all rungs, VMAF of the top one, and how many percent
    of the fixed encode's CPU the analysis took."""
    work.mkdir(parents=True, exist_ok=True)
    kinora.probe(clip, work)
    fixed = without_sound(kinora.planned(f"{profile}=off", work))
    draft = kinora.planned(f"{profile}=on", work)
    if draft["analysis"] is None:
        sys.exit(f"{clip} is too short for samples")
    scratch = work / "samples"
    scratch.mkdir(exist_ok=True)
    analysis, analysing = kinora.encoder("analyse", draft["analysis"] | {"output_dir": str(scratch)}, clip, work)
    (work / "analysis.json").write_text(json.dumps(analysis))
    chosen = without_sound(kinora.planned(f"{profile}=on", work, work / "analysis.json"))
    fixed_sizes, fixed_files, fixed_cpu = encode(fixed, clip, work / "fixed")
    if chosen["chunks"] == fixed["chunks"]:
        print(f"\n{name}: the plan is the profile's own, so are all bytes of it")
        sizes, files, chosen_cpu = fixed_sizes, fixed_files, fixed_cpu
    else:
        sizes, files, chosen_cpu = encode(chosen, clip, work / "chosen")
    decision = chosen["plan"]["quality"]["decision"]
    rungs = {rung["track"]: rung for rung in fixed["chunks"][0]["rungs"]}
    top = next(iter(rungs.values()))
    seconds = chosen["plan"]["duration_us"] / 1e6
    rows, best = [], None
    for track in rungs:
        judged = all_rungs or track == top["track"]
        score = lambda file: kinora.vmaf(file, clip, (top["width"], top["height"])) if judged else None
        row = [track, f"{fixed_sizes[track] * 8 / seconds / 1000:.0f}", shown(score(fixed_files[track]))]
        if track in sizes:
            found = score(files[track])
            best = found if track == top["track"] else best
            row += [f"{sizes[track] * 8 / seconds / 1000:.0f}", shown(found)]
            row.append(f"{change(sizes[track], fixed_sizes[track]):+.1f} %")
        else:
            row += ["left out", "", "-100 %"]
        rows.append(row)
    bits = change(sum(sizes.values()), sum(fixed_sizes.values()))
    print(f"\n{name}: {seconds:.0f} s, {decision['samples']} samples, CRF +{decision['crf_raise']}, "
          f"score {decision['fixed_score'] / 1000:.1f} -> {decision['planned_score'] / 1000:.1f}\n")
    print(render(["rung", "fixed kbit/s", "VMAF", "chosen kbit/s", "VMAF", "bits"], rows))
    print(f"\nall rungs: {bits:+.1f} % bits; by samples alone {-chosen['savings']['saved_percent']} %")
    print(f"CPU: analysis {analysing.cpu:.1f} s = {100 * analysing.cpu / fixed_cpu:.1f} % of the fixed "
          f"encode's {fixed_cpu:.1f} s; chosen encode {chosen_cpu:.1f} s")
    return {"bits": bits, "vmaf": best and best[0], "analysis": 100 * analysing.cpu / fixed_cpu}


def without_sound(plan):
    return plan | {"audio": []}


def encode(plan, clip, folder):
    """Encodes every chunk; bytes and joined file of each rung, and CPU seconds."""
    usage = kinora.encode(plan, clip, folder)
    files = kinora.joined(plan, folder)
    return {track: kinora.coded_bytes(file) for track, file in files.items()}, files, usage.cpu


def shown(score):
    return "-" if score is None else f"{score[0]:.2f}"


def metric(clips, profile, work):
    """The analysis' score of two pictures beside the mean VMAF of their chunk, at five CRFs."""
    pairs = []
    print("| clip | CRF | score | VMAF |\n|---|---|---|---|")
    for name, clip in clips.items():
        folder = work / f"metric-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        report, _ = kinora.probe(clip, folder)
        spec = kinora.planned(f"{profile}=off", folder)["chunks"][0]
        top, raises = spec["rungs"][0], [3, 6, 9, 12]
        analysis, _ = kinora.encoder("analyse", {
            "source_size": spec["source_size"], "video": report["video"], "rungs": [top],
            "gop_frames": spec["gop_frames"], "crf_raises": raises, "wanted": 1, "output_dir": str(folder),
            "samples": [{"first_frame": 0, "frames": spec["chunk"]["frames"]}],
        }, clip, folder)
        rungs = [top | {"track": f"crf{raised}", "crf": top["crf"] + raised} for raised in [0, *raises]]
        _, files, _ = encode({"chunks": [spec | {"rungs": rungs}]}, clip, folder / "encoded")
        candidates = analysis["samples"][0]["candidates"] if analysis["samples"] else []
        for point in candidates:
            file = files[f"crf{point['crf_raise']}"]
            found = kinora.vmaf(file, clip, (top["width"], top["height"]))
            if found is None:
                sys.exit("there is no libvmaf")
            pairs.append((point["score"] / 1000, found[0]))
            print(f"| {name} | {top['crf'] + point['crf_raise']} | {pairs[-1][0]:.1f} | {shown(found)} |")
    scores, vmafs = zip(*pairs)
    print(f"Pearson {pearson(scores, vmafs):.2f}, Spearman {pearson(ranks(scores), ranks(vmafs)):.2f}")


def ranks(values):
    order = sorted(values)
    return [order.index(value) for value in values]


def pearson(xs, ys):
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    both = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    return both / (sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys)) ** 0.5


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--profile", default="quality")
    arguments.add_argument("--work", type=Path, default=kinora.CACHE / "per-title")
    arguments.add_argument("--seconds", type=int, default=40)
    arguments.add_argument("--clip", action="append", default=[], metavar="NAME=FILE")
    arguments.add_argument("--all-rungs", action="store_true")
    arguments.add_argument("--metric", action="store_true")
    chosen = arguments.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    named = dict(clip.split("=", 1) for clip in chosen.clip)
    if chosen.metric:
        return metric({name: Path(clip) for name, clip in named.items()}, chosen.profile, chosen.work)
    named = named or {"easy": clips.easy(chosen.seconds), "hard": clips.noise(chosen.seconds)}
    for name, clip in named.items():
        compare(name, Path(clip), chosen.profile, chosen.work / name, chosen.all_rungs)


if __name__ == "__main__":
    main()
