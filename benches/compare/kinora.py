"""What the comparisons share: measured processes, the encoder child, joined renditions, VMAF."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("KINORA_BIN", ROOT / "target" / "release"))
CACHE = ROOT / "target" / "bench"

# Said of both inputs alike: else a source without tags is converted to what ffmpeg takes it for.
COLOUR = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


@dataclass
class Usage:
    """What processes took: CPU and wall seconds, and the most memory any one of them held, MiB."""

    cpu: float = 0.0
    wall: float = 0.0
    memory: float = 0.0

    def __add__(self, other):
        """Both, one after the other."""
        return Usage(self.cpu + other.cpu, self.wall + other.wall, max(self.memory, other.memory))


def measure(command, core=None):
    """Runs a command, on one core if one is named; what it printed, and what it and its children took."""
    command = [str(part) for part in command]
    if core is not None:
        command = ["taskset", "-c", str(core), *command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        # Not `wait`: the kernel's account of this very child is wanted.
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        usage = Usage(used.ru_utime + used.ru_stime, time.monotonic() - begin, used.ru_maxrss / 1024)
        texts = [read(file) for file in (out, err)]
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)}: {texts[0][-2000:]}{texts[1][-2000:]}")
    return texts[0], usage


def read(file):
    file.seek(0)
    return file.read().decode(errors="replace")


def encoder(task, spec, clip, work, core=None):
    """One task of the child; its outcome and what it took."""
    with tempfile.NamedTemporaryFile("w", dir=work, prefix=f"{task}-", suffix=".json") as file:
        json.dump(spec | {"task": task}, file)
        file.flush()
        out, usage = measure([BIN / "kinora-encoder", task, "--spec", file.name, "--file", clip], core)
    last = json.loads(out.strip().splitlines()[-1])
    if last.pop("type") != "done":
        sys.exit(f"{task} of {clip}: {last}")
    last.pop("outcome")
    return last, usage


def probe(clip, work, core=None):
    """Probes a clip into `report.json`; the report and what it took."""
    spec = {"source_size": clip.stat().st_size, "max_side": 8192, "max_duration_ns": 86_400 * 10**9}
    report, usage = encoder("probe", spec, clip, work, core)
    (work / "report.json").write_text(json.dumps(report))
    return report, usage


def planned(profile, work, *more):
    """The plan and specs of the clip probed in `work`; a profile is a name or a TOML file."""
    out, _ = measure([BIN / "examples" / "plan", profile, work / "report.json", *more])
    return json.loads(out)


class Series:
    """Chunks that one child encodes one after another, as a worker's slot has them encoded."""

    # How a worker has the child's allocator keep what was freed (workers/src/child/command.rs).
    HEAP = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_MMAP_THRESHOLD_": "33554432"}

    def __init__(self, clip, folder, core=None):
        self.clip, self.folder, self.core, self.child = clip, folder, core, None

    def chunk(self, spec, output):
        """Encodes a chunk into the folder `output`."""
        results = self.folder / "results"
        results.mkdir(parents=True, exist_ok=True)
        task = json.dumps(spec | {"task": "chunk", "output_dir": str(results)})
        if self.child is None:
            self.start(task)
        else:
            self.child.stdin.write(task + "\n")
            self.child.stdin.flush()
        last = {"type": "progress"}
        while last["type"] == "progress":
            line = self.child.stdout.readline()
            last = json.loads(line) if line else {"type": "nothing"}
        if last["type"] != "done":
            sys.exit(f"chunk of {self.clip}: {last} {read(self.errors)[-2000:]}")
        # Emptied, not replaced: the child was granted this very folder.
        output.mkdir(parents=True)
        for result in results.iterdir():
            result.rename(output / result.name)

    def start(self, task):
        path = self.folder / "spec.json"
        path.write_text(task)
        command = [BIN / "kinora-encoder", "chunk", "--series", "--spec", path, "--file", self.clip]
        command = [str(part) for part in command]
        if self.core is not None:
            command = ["taskset", "-c", str(self.core), *command]
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                      text=True, env=os.environ | self.HEAP)

    def end(self):
        """Ends the child; the CPU it took, and its memory."""
        if self.child is None:
            return Usage()
        self.child.stdin.close()
        _, status, used = os.wait4(self.child.pid, 0)
        self.child.stdout.close()
        self.child.returncode = os.waitstatus_to_exitcode(status)
        if self.child.returncode != 0:
            sys.exit(f"chunks of {self.clip}: {read(self.errors)[-2000:]}")
        return Usage(used.ru_utime + used.ru_stime, 0.0, used.ru_maxrss / 1024)


def encode(plan, clip, folder, slots=1):
    """Encodes every chunk and soundtrack, `slots` at a time, as a worker does; what that took."""
    shutil.rmtree(folder, ignore_errors=True)
    tasks = [("chunk", spec, folder / str(spec["chunk"]["index"])) for spec in plan["chunks"]]
    # Dispatched behind the first chunk.
    tasks[1:1] = [("audio", spec, folder / f"a{i}") for i, spec in enumerate(plan.get("audio", []))]
    lock = Lock()

    def slot(number):
        total, series = Usage(), Series(clip, folder / f"slot{number}")
        while True:
            with lock:
                if not tasks:
                    break
                name, spec, output = tasks.pop(0)
            # Copied pictures come from a child of their own, and no slot has two children.
            if name == "chunk" and "layout" not in spec:
                series.chunk(spec, output)
                continue
            total += series.end()
            series = Series(clip, folder / f"slot{number}")
            output.mkdir(parents=True)
            total += encoder(name, spec | {"output_dir": str(output)}, clip, output)[1]
        return total + series.end()

    begin = time.monotonic()
    with ThreadPoolExecutor(slots) as pool:
        total = sum(pool.map(slot, range(slots)), Usage())
    return Usage(total.cpu, time.monotonic() - begin, total.memory)


def joined(plan, folder):
    """Each rung's chunks put end to end behind their first init segment: track to file."""
    files = {}
    for spec in plan["chunks"]:
        for track in (rung["track"] for rung in spec["rungs"]):
            chunk = folder / str(spec["chunk"]["index"]) / track
            first = track not in files
            files.setdefault(track, folder / f"{track}.mp4")
            with files[track].open("wb" if first else "ab") as file:
                if first:
                    file.write((chunk / "init.mp4").read_bytes())
                file.write((chunk / "chunk.m4s").read_bytes())
    return files


def same_parameter_sets(plan, folder):
    """Whether every chunk's init segment, and so its parameter sets, is byte for byte the first's."""
    inits = {}
    for spec in plan["chunks"]:
        for track in (rung["track"] for rung in spec["rungs"]):
            path = folder / str(spec["chunk"]["index"]) / track / "init.mp4"
            inits.setdefault(track, set()).add(path.read_bytes())
    return all(len(different) == 1 for different in inits.values())


def coded_bytes(file):
    """Bytes of a file's coded pictures, without its container."""
    out, _ = measure(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=size",
                      "-of", "csv=p=0", file])
    return sum(int(line.strip(",")) for line in out.split())


def x264_options(file):
    """The options x264 wrote into the stream: name to value."""
    with Path(file).open("rb") as stream:
        found = re.search(rb"x264 - core .*? options: ([^\0\x80]+)", stream.read(1 << 20))
    return dict(word.split("=", 1) for word in found[1].decode().split() if "=" in word)


def vmaf(file, clip, size, every=5):
    """Mean VMAF and VMAF-NEG of a rung scaled to `size`, of every fifth picture; None without libvmaf."""
    ffmpeg = vmaf_ffmpeg()
    if ffmpeg is None:
        return None
    scale = f"{COLOUR},scale={size[0]}:{size[1]}:flags=bicubic,settb=AVTB,setpts=N,format=yuv420p"
    with tempfile.NamedTemporaryFile(suffix=".json") as log:
        judge = (f"libvmaf=n_threads=1:n_subsample={every}:shortest=1:log_fmt=json:log_path={log.name}:"
                 r"model=version=vmaf_v0.6.1\\:name=vmaf|version=vmaf_v0.6.1neg\\:name=neg")
        graph = f"[0:v]{scale}[a];[1:v]{scale}[b];[a][b]{judge}"
        measure([ffmpeg, "-hide_banner", "-i", file, "-i", clip, "-lavfi", graph, "-f", "null", "-"])
        pooled = json.load(log)["pooled_metrics"]
    return pooled["vmaf"]["mean"], pooled["neg"]["mean"]


def vmaf_of(files, clip, size):
    """The same of several files, two at a time: scores by file."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(files, pool.map(lambda file: vmaf(file, clip, size), files)))


def vmaf_ffmpeg():
    """An ffmpeg with libvmaf: named by KINORA_VMAF_FFMPEG, or of the wheel imageio-ffmpeg."""
    if named := os.environ.get("KINORA_VMAF_FFMPEG"):
        return named
    binary = from_wheel("imageio-ffmpeg", "imageio_ffmpeg/binaries/ffmpeg-")
    if binary is not None:
        binary.chmod(0o755)
    return binary


def from_wheel(package, member):
    """A file of a PyPI wheel, fetched once into the cache; None where it cannot be had."""
    folder = CACHE / "wheels" / package
    if not any(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), package]
        if subprocess.run(command).returncode != 0:
            return None
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.startswith(member))
        if not (folder / name).exists():
            wheel.extract(name, folder)
    return folder / name
