#!/usr/bin/env python3
"""What a quality target saves: bits and VMAF of every rung with and without it, the share of the
encode that the analysis takes, and how the metric follows VMAF.

    per_title.py [--profile NAME] [--work FOLDER] [--clip NAME=FILE]... [--seconds N] [--all-rungs]
    per_title.py --metric --clip NAME=FILE [--clip NAME=FILE]...

VMAF is that of the top rung, with --all-rungs of each, scaled up to the top rung's size. --metric
encodes the first chunk of each clip at five CRFs and sets the analysis' score beside VMAF.

Needs kinora-encoder and the example `plan` (cargo build -p kinora-pipeline -p kinora-plan --examples),
ffmpeg, and for VMAF the binary of the PyPI wheel imageio-ffmpeg (KINORA_VMAF_FFMPEG, or the wheel in
this Python). CPU seconds are of the child processes.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("KINORA_BIN", ROOT / "target" / "debug"))


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, **options):
    """Runs a command; what it printed and the CPU seconds it took."""
    before = cpu()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout, cpu() - before


def encoder(task, spec, clip, work):
    """One task of the child; its outcome and CPU seconds."""
    path = work / f"{task}.json"
    path.write_text(json.dumps(spec | {"task": task}))
    out, seconds = run([BIN / "kinora-encoder", task, "--spec", path, "--file", clip])
    last = json.loads(out.strip().splitlines()[-1])
    assert last["type"] == "done", last
    last.pop("type"), last.pop("outcome")
    return last, seconds


def planned(profile, work, *more):
    out, _ = run([BIN / "examples" / "plan", profile, work / "report.json", *more])
    return json.loads(out)


def encode(plan, clip, folder):
    """Encodes every chunk; bytes and joined file of each rung, and CPU seconds."""
    shutil.rmtree(folder, ignore_errors=True)
    seconds, sizes, files = 0.0, {}, {}
    for spec in plan["chunks"]:
        output = folder / str(spec["chunk"]["index"])
        output.mkdir(parents=True)
        _, took = encoder("chunk", spec | {"output_dir": str(output)}, clip, folder)
        seconds += took
        for rung in spec["rungs"]:
            track = rung["track"]
            joined = folder / f"{track}.mp4"
            with joined.open("ab") as file:
                if track not in files:
                    file.write((output / track / "init.mp4").read_bytes())
                    files[track], sizes[track] = joined, 0
                chunk = (output / track / "chunk.m4s").read_bytes()
                file.write(chunk)
                sizes[track] += len(chunk)
    return sizes, files, seconds


def vmaf_ffmpeg():
    if named := os.environ.get("KINORA_VMAF_FFMPEG"):
        return named
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except ImportError:
        return None


def vmaf(file, clip, size):
    """Mean VMAF of a rung scaled up to the top rung's size, every fifth frame."""
    ffmpeg = vmaf_ffmpeg()
    if ffmpeg is None:
        return None
    # Said of both alike: else a source without tags is converted to what ffmpeg takes it for.
    colour = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    scale = f"{colour},scale={size[0]}:{size[1]}:flags=bicubic,setpts=PTS-STARTPTS,format=yuv420p"
    graph = f"[0:v]{scale}[a];[1:v]{scale}[b];[a][b]libvmaf=n_threads=1:n_subsample=5:shortest=1"
    command = [ffmpeg, "-hide_banner", "-i", str(file), "-i", str(clip), "-lavfi", graph]
    done = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True)
    score = [line for line in done.stderr.splitlines() if "VMAF score:" in line]
    return float(score[-1].rsplit(":", 1)[1]) if score else None


def lavfi(graph, seconds, path, *more):
    if not path.exists():
        run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", graph, "-t", seconds, "-c:v", "libx264",
             "-preset", "veryfast", "-crf", "14", "-maxrate", "40M", "-bufsize", "40M", "-pix_fmt", "yuv420p", "-g", "90", *more, path])
    return path


def clips(work, seconds):
    """An easy and a hard picture that anybody can make again."""
    easy = ("gradients=s=1920x1080:r=30:n=4:c0=0x203050:c1=0x6080a0:c2=0x90b0c0:c3=0x405060:speed=0.004,"
            "drawbox=x=200+mod(t*60\\,1200):y=300:w=400:h=400:color=0xd0c090:t=fill,"
            "drawbox=x=1200-mod(t*40\\,800):y=200:w=200:h=600:color=0x305020:t=fill,gblur=sigma=1.2")
    hard = "mandelbrot=s=1920x1080:r=30:end_scale=0.02,noise=alls=24:allf=t"
    return {
        "easy": lavfi(easy, seconds, work / "easy.mp4"),
        "hard": lavfi(hard, seconds, work / "hard.mp4"),
    }


def probe(clip, work):
    spec = {"source_size": clip.stat().st_size, "max_side": 8192, "max_duration_ns": 86_400 * 10**9}
    report, _ = encoder("probe", spec, clip, work)
    (work / "report.json").write_text(json.dumps(report))
    return report


def compare(name, clip, profile, work, all_rungs):
    work.mkdir(parents=True, exist_ok=True)
    probe(clip, work)
    fixed = planned(f"{profile}=off", work)
    draft = planned(f"{profile}=on", work)
    if draft["analysis"] is None:
        sys.exit(f"{clip} is too short for samples")
    scratch = work / "samples"
    scratch.mkdir(exist_ok=True)
    analysis, analysis_cpu = encoder("analyse", draft["analysis"] | {"output_dir": str(scratch)}, clip, work)
    (work / "analysis.json").write_text(json.dumps(analysis))
    chosen = planned(f"{profile}=on", work, work / "analysis.json")
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
    print(f"\n{name}: {seconds:.0f} s, {decision['samples']} samples, CRF +{decision['crf_raise']}, "
          f"score {decision['fixed_score'] / 1000:.1f} -> {decision['planned_score'] / 1000:.1f}")
    print("| rung | fixed kbit/s | VMAF | chosen kbit/s | VMAF | bits |")
    print("|---|---|---|---|---|---|")
    for track in rungs:
        judged = all_rungs or track == top["track"]
        score = lambda file: shown(vmaf(file, clip, (top["width"], top["height"])) if judged else None)
        row = [f"{fixed_sizes[track] * 8 / seconds / 1000:.0f}", score(fixed_files[track])]
        if track in sizes:
            row.append(f"{sizes[track] * 8 / seconds / 1000:.0f}")
            row.append(score(files[track]))
            row.append(f"{100 * sizes[track] / fixed_sizes[track] - 100:+.1f} %")
        else:
            row += ["left out", "", "-100 %"]
        print(f"| {track} | " + " | ".join(row) + " |")
    total, before = sum(sizes.values()), sum(fixed_sizes.values())
    print(f"all rungs: {100 * total / before - 100:+.1f} % bits; by samples alone "
          f"{-chosen['savings']['saved_percent']} %")
    print(f"CPU: analysis {analysis_cpu:.1f} s = {100 * analysis_cpu / fixed_cpu:.1f} % of the fixed "
          f"encode's {fixed_cpu:.1f} s; chosen encode {chosen_cpu:.1f} s")


def shown(score):
    return "-" if score is None else f"{score:.2f}"


def metric(clips, profile, work):
    """The analysis' score of two pictures beside the mean VMAF of their chunk, at five CRFs."""
    pairs = []
    print("| clip | CRF | score | VMAF |\n|---|---|---|---|")
    for name, clip in clips.items():
        folder = work / f"metric-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        report = probe(clip, folder)
        spec = planned(f"{profile}=off", folder)["chunks"][0]
        top, raises = spec["rungs"][0], [3, 6, 9, 12]
        analysis, _ = encoder("analyse", {
            "source_size": spec["source_size"], "video": report["video"], "rungs": [top],
            "gop_frames": spec["gop_frames"], "crf_raises": raises, "wanted": 1, "output_dir": str(folder),
            "samples": [{"first_frame": 0, "frames": spec["chunk"]["frames"]}],
        }, clip, folder)
        rungs = [top | {"track": f"crf{raised}", "crf": top["crf"] + raised} for raised in [0, *raises]]
        _, files, _ = encode({"chunks": [spec | {"rungs": rungs}]}, clip, folder / "encoded")
        candidates = analysis["samples"][0]["candidates"] if analysis["samples"] else []
        for point in candidates:
            file = files[f"crf{point['crf_raise']}"]
            pair = point["score"] / 1000, vmaf(file, clip, (top["width"], top["height"]))
            pairs.append(pair)
            print(f"| {name} | {top['crf'] + point['crf_raise']} | {pair[0]:.1f} | {shown(pair[1])} |")
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
    arguments.add_argument("--work", type=Path, default=ROOT / "target" / "bench-quality")
    arguments.add_argument("--seconds", type=int, default=40)
    arguments.add_argument("--clip", action="append", default=[], metavar="NAME=FILE")
    arguments.add_argument("--all-rungs", action="store_true")
    arguments.add_argument("--metric", action="store_true")
    chosen = arguments.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    named = dict(clip.split("=", 1) for clip in chosen.clip)
    if chosen.metric:
        return metric({name: Path(clip) for name, clip in named.items()}, chosen.profile, chosen.work)
    for name, clip in (named or clips(chosen.work, chosen.seconds)).items():
        compare(name, Path(clip), chosen.profile, chosen.work / name, chosen.all_rungs)


if __name__ == "__main__":
    main()
