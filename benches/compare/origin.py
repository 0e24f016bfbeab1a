#!/usr/bin/env python3
"""Cache hits of our origin beside nginx: server CPU for each request, in interleaved rounds.

    benches/compare/origin.py [--rounds N] [--check]

Needs nginx (apt: nginx-light) and builds our example server and client in release mode. Each
server has one core, the client another; the client throws answers away in the kernel, so that it
hides nothing. Prints nginx's CPU over ours: above 1 is better than nginx. Both send what they have
in memory by sendfile, with the same congestion control, and neither writes an access log.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Segment number: (bytes, requests a round, aim of the fast path, aim through hyper).
SIZES = {
    0: ("2 KB", 40_000, 1.9, 1.3),
    1: ("20 KB", 40_000, 1.5, 1.15),
    2: ("64 KB", 20_000, 1.4, 1.1),
    3: ("200 KB", 8_000, 1.15, 1.0),
    4: ("2 MB", 1_000, 1.1, 1.05),
}
CONNECTIONS = 32
NGINX = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_requests 100000000; keepalive_timeout 75;
    open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    default_type video/mp4;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/www; etag on;
        add_header Cache-Control "max-age=31536000, immutable";
        add_header Access-Control-Allow-Origin "*"; }}
}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    rounds, missed = arguments.rounds, []
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    build = ["cargo", "build", "--release", "--quiet", "--workspace"]
    build += ["--example", "serve", "--example", "drain"]
    subprocess.run(build, cwd=ROOT, check=True)
    serve, drain = (target / "release/examples" / name for name in ("serve", "drain"))
    server_core, client_core = sorted(os.sched_getaffinity(0))[:2]
    folder = Path(tempfile.mkdtemp(prefix="kinora-origin-"))
    # nginx gives its worker to another user where it is started by root.
    folder.chmod(0o755)
    pinned = lambda core: {"preexec_fn": lambda: os.sched_setaffinity(0, {core})}
    ours = subprocess.Popen(
        [serve, folder], stdout=subprocess.PIPE, text=True, **pinned(server_core)
    )
    root = ours.stdout.readline().strip()
    address, _, prefix = root.removeprefix("http://").partition("/")
    port = int(address.split(":")[1]) + 1
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    nginx = subprocess.Popen(
        ["nginx", "-c", folder / "nginx.conf", "-p", folder], **pinned(server_core)
    )
    try:
        time.sleep(1)
        contenders = {
            "nginx": (worker_of(nginx.pid), f"127.0.0.1:{port}", "/", []),
            "ours": (ours.pid, address, f"/{prefix}v360/", []),
            "hyper": (ours.pid, address, f"/{prefix}v360/", ["Connection: te"]),
        }

        def cpu_us(name, segment, requests):
            """Microseconds of server CPU for each request."""
            pid, address, prefix, field = contenders[name]
            arguments = [address, f"{prefix}{segment}.m4s", CONNECTIONS, requests, *field]
            before = spent_ns(pid)
            command = [str(word) for word in [drain, *arguments]]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **pinned(client_core))
            return (spent_ns(pid) - before) / 1000 / requests

        print(f"{'body':>7} {'nginx':>9} {'ours':>9} {'hyper':>9} {'ratio':>14} {'hyper alone':>14}")
        for segment, (size, requests, aim, hyper_aim) in SIZES.items():
            for name in contenders:
                cpu_us(name, segment, CONNECTIONS * 4)
            spent = {name: [] for name in contenders}
            for nth in range(rounds):
                names = list(contenders)
                for name in names[nth % 3 :] + names[: nth % 3]:
                    spent[name].append(cpu_us(name, segment, requests))
            us = {name: statistics.median(values) for name, values in spent.items()}
            ratio, alone = us["nginx"] / us["ours"], us["nginx"] / us["hyper"]
            print(
                f"{size:>7} {us['nginx']:7.1f}us {us['ours']:7.1f}us {us['hyper']:7.1f}us"
                f" {ratio:6.2f} (≥ {aim:4.2f}) {alone:6.2f} (≥ {hyper_aim:4.2f})",
                flush=True,
            )
            missed += [size] * (ratio < aim) + [f"{size} through hyper"] * (alone < hyper_aim)
    finally:
        for server in (ours, nginx):
            server.send_signal(signal.SIGTERM)
            server.wait()
        shutil.rmtree(folder)
    if arguments.check and missed:
        sys.exit(f"short of its aim: {', '.join(missed)}")


def worker_of(master):
    """The one worker of nginx."""
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def spent_ns(pid):
    """Time on a processor of all threads of a process, as the scheduler counts it."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


main()
