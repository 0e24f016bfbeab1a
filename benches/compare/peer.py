"""ffmpeg as the peer: one process, one decoder, a split filter, the same ladder."""

import json

from kinora import measure

# Height to kbit/s.
LADDER = {1080: 5000, 720: 2800, 480: 1400, 360: 800, 240: 400}


def transcode(clip, output, rungs, rate_control, gop, encoder=("-preset", "veryfast"), core=None):
    """Encodes every rung and the soundtrack; files by height, and what it took.

    `rungs` are (width, height); `rate_control(height)` gives a rung's options. Threads are
    whatever ffmpeg and x264 choose.
    """
    output.mkdir(parents=True, exist_ok=True)
    outputs = "".join(f"[s{height}]" for _, height in rungs)
    graph = [f"[0:v]split={len(rungs)}{outputs}"]
    source = size(clip)
    for width, height in rungs:
        resize = "null" if (width, height) == source else f"scale={width}:{height}:flags=bicubic"
        graph.append(f"[s{height}]{resize}[v{height}]")
    command = ["ffmpeg", "-hide_banner", "-v", "error", "-nostdin", "-y", "-i", clip,
               "-filter_complex", ";".join(graph)]
    files = {height: output / f"{height}.mp4" for _, height in rungs}
    for height, file in files.items():
        command += ["-map", f"[v{height}]", "-c:v", "libx264", *encoder, "-g", gop, "-keyint_min", gop,
                    "-sc_threshold", "0", "-flags", "+cgop", "-profile:v", "high", *rate_control(height), file]
    if has_sound(clip):
        command += ["-map", "0:a", "-c:a", "aac", "-b:a", "128k", output / "sound.mp4"]
    _, usage = measure(command, core)
    return files, usage


def average_rate(height):
    """The peer's usual way: an average, which is also the most."""
    kbps = LADDER[height]
    return ["-b:v", f"{kbps}k", "-maxrate", f"{kbps}k", "-bufsize", f"{2 * kbps}k"]


def size(clip):
    stream = next(stream for stream in streams(clip) if stream["codec_type"] == "video")
    return stream["width"], stream["height"]


def has_sound(clip):
    return any(stream["codec_type"] == "audio" for stream in streams(clip))


def streams(clip):
    out, _ = measure(["ffprobe", "-v", "error", "-show_streams", "-of", "json", clip])
    return json.loads(out)["streams"]


def duration(clip):
    """Seconds of its picture."""
    stream = next(stream for stream in streams(clip) if stream["codec_type"] == "video")
    return float(stream["duration"])
