"""Many uploads at once, and what the server's memory is meanwhile."""

import http.client
import threading
import time
from urllib.parse import urlsplit

from daemon import TUS

PIECE = bytes(1 << 18)


def measure(server, count, length):
    """The most resident memory in bytes, seconds from first byte to last answer, how many arrived whole."""
    uploads = [server.create_upload(f"upload-{n}.mp4", length) for n in range(count)]
    most, over, answers = [server.rss_bytes()], threading.Event(), []

    def watch():
        while not over.wait(0.02):
            most[0] = max(most[0], server.rss_bytes())

    def send(address):
        answers.append(patch(server, address, length))

    watcher = threading.Thread(target=watch)
    senders = [threading.Thread(target=send, args=(address,)) for address, _ in uploads]
    begun = time.monotonic()
    for thread in (watcher, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    took = time.monotonic() - begun
    over.set()
    watcher.join()
    return most[0], took, answers.count((204, str(length)))


def patch(server, address, length):
    """Sends zeros in one PATCH; the status, and the offset the server tells."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
    headers = {
        **TUS,
        "Authorization": f"Bearer {server.key}",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(length),
    }

    def zeros():
        left = length
        while left > 0:
            piece = PIECE[: min(left, len(PIECE))]
            left -= len(piece)
            yield piece

    connection.request("PATCH", parts.path, zeros(), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers["Upload-Offset"]
