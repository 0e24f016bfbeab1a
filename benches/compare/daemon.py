"""A kinorad of one's own, and the few calls that comparisons make."""

import base64
import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

TUS = {"Tus-Resumable": "1.0.0"}


class Kinorad:
    """A server on free ports, told the environment's adapters but for those of sections in `without`."""

    def __init__(self, target, data, roles, settings, without=()):
        mine = lambda name: not any(name.startswith(f"KINORA_{section}_") for section in without)
        environment = {name: value for name, value in os.environ.items() if mine(name)}
        environment |= {"KINORA_DATA_DIR": str(data), "KINORA_SERVER_LISTEN": "127.0.0.1:0"}
        self.metrics = free_port()
        environment |= {"KINORA_ORIGIN_LISTEN": "127.0.0.1:0", "KINORA_METRICS_LISTEN": f"127.0.0.1:{self.metrics}"}
        environment |= settings
        command = [target / "kinorad", "serve", "--roles", roles]
        self.process = subprocess.Popen(command, env=environment)
        self.data, announced = data, data / "kinorad.json"
        until = time.monotonic() + 60
        while not announced.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit("kinorad did not start")
            time.sleep(0.05)
        self.gateway = json.loads(announced.read_text())["gateway"]
        self.key = (data / "admin.key").read_text().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def request(self, method, path, headers=None, body=None):
        url = path if path.startswith("http") else self.gateway + path
        headers = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method))

    def get(self, path):
        return json.load(self.request("GET", path))

    def jobs(self, video):
        """Every job of a video, page by page."""
        path = f"/api/v1/jobs?video={video}&limit=100"
        page, jobs = self.get(path), []
        while True:
            jobs += page["items"]
            if not page.get("next_cursor"):
                return jobs
            page = self.get(f"{path}&cursor={page['next_cursor']}")

    def open_jobs(self):
        """How many are not over, as `/metrics` tells it."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics").read().decode()
        return sum(int(line.split()[-1]) for line in text.splitlines() if line.startswith("kinora_jobs{"))

    def create_upload(self, name, length):
        """The addresses of a new upload and of its video."""
        metadata = f"filename {base64.b64encode(name.encode()).decode()}"
        headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata}
        created = self.request("POST", "/api/v1/uploads", headers)
        return self.gateway + created.headers["Location"], created.headers["Kinora-Video"]

    def upload(self, name, body):
        """The video of a file that is sent at once."""
        address, video = self.create_upload(name, len(body))
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        self.request("PATCH", address, headers, body)
        return video

    def rss_bytes(self):
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        """Processor time so far."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
