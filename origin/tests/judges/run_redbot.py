"""REDbot (PyPI: redbot) on every kind of file of an origin.

    run_redbot.py ROOT ENCRYPTED LIVE

`run.sh` beside calls it: they are where examples/serve.rs serves a video, an encrypted one, and a live stream.

Prints what REDbot warns of and exits 1 if there is anything that is not expected below.
"""

import multiprocessing
import sys
from configparser import ConfigParser

import thor
from httplint.note import levels
from redbot.resource import HttpResource

FILES = {
    "hls.m3u8": "200",
    "dash.mpd": "200",
    "v360.m3u8": "200",
    "v360/iframes.m3u8": "404",
    "v360/init.mp4": "200",
    "v360/0.m4s": "200",
    "v360/4.m4s": "200",
    "t-en.m3u8": "200",
    "t-en/0.vtt": "200",
    "poster.jpg": "200",
    "poster-small.jpg": "200",
    "storyboard.vtt": "200",
    "storyboard/0.jpg": "200",
    "chapters.vtt": "200",
    "v360/99.m4s": "404",
    "../../../healthz": "404",
}
ENCRYPTED = {
    "hls.m3u8": "200",
    "v360.m3u8": "200",
    "v360/init.mp4": "200",
    "v360/0.m4s": "200",
    "v360/4.m4s": "200",
    "keys/" + 16 * "07": "200",
    "license": "405",
}
LIVE = {
    "hls.m3u8": "200",
    "v360.m3u8": "200",
    "v360.m3u8?_HLS_msn=1&_HLS_part=0": "200",
    "v360/init.mp4": "200",
    "v360/0.m4s": "200",
    "v360/0.1.m4s": "200",
}


def judge(url, expected):
    """What REDbot finds, in a process of its own: its loop is one of a process."""
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    resource = HttpResource(config["redbot"])
    resource.set_request(url)
    resource.on("check_done", thor.stop)
    resource.check()
    thor.run()
    notes = list(resource.response.notes)
    for other in resource.subreqs.values():
        notes += list(other.response.notes)
    bad = {f"{n.level.value}: {n.summary}" for n in notes if n.level in (levels.WARN, levels.BAD)}
    # That there is nothing is what was expected.
    bad -= {"warning: The resource could not be found."} if expected == "404" else set()
    if url.endswith((".m4s", ".mp4")):
        # It looks for MP4 by an ftyp box with a brand of "mp4…": a media segment has no such box,
        # and CMAF has other brands.
        bad -= {"warning: The content doesn't match the declared Content-Type."}
    if "/live/" in url:
        # Playlists change within a second, and another stream of the same name may begin in it: dates
        # validate nothing there, entity tags do.
        bad -= {"warning: An If-Modified-Since conditional request returned the full content unchanged."}
    status = str(resource.response.status_code)
    if status != expected:
        bad.add(f"status {status}, not {expected}")
    return len(notes), sorted(bad)


def main():
    found = 0
    for root, files in zip(sys.argv[1:4], (FILES, ENCRYPTED, LIVE), strict=True):
        for file, status in files.items():
            with multiprocessing.Pool(1) as pool:
                count, bad = pool.apply(judge, (root.rstrip("/") + "/" + file, status))
            found += len(bad)
            print(f"{file}: {count} notes", *bad, sep="\n    ")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
