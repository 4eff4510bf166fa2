"""A bounded load on one page of this machine, from a process of its own so that it does not share our interpreter.

`python -m tests.bench.load PORT PATH`: the cookie comes on the first line of the input, then on each line a number of
seconds; answers each with the requests per second. A few connections stay open, each with one request at a time.
"""

import selectors
import socket
import subprocess
import sys
import time

CONNECTIONS = 4
LONGEST_RUN = 10.0


class Measure:
    """The generator as a child process."""

    def __init__(self, port: int, path: str, cookie: str):
        self.command = [sys.executable, "-m", "tests.bench.load", str(port), path]
        self.cookie = cookie

    def __enter__(self) -> "Measure":
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._tell(self.cookie)
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=5)
        self.process.stdout.close()

    def run(self, seconds: float) -> float:
        self._tell(str(seconds))
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("The load generator stopped: see above.")
        return float(answer)

    def _tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


class Connection:
    """One request after the other; insists on a whole answer 200."""

    def __init__(self, port: int, request: bytes):
        self.port = port
        self.request = request
        self.socket: socket.socket | None = None
        self.received = b""

    def send(self) -> None:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.socket.sendall(self.request)

    def receive(self) -> bool:
        """Whether the answer is complete."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError(f"cut off after {self.received[:200]!r}")
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(head.decode(errors="replace"))
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        if len(body) < length:
            return False
        if b"connection: close" in head.lower():
            self.close()
        return True

    def close(self) -> None:
        if self.socket:
            self.socket.close()
            self.socket = None


def rate(port: int, request: bytes, seconds: float) -> float:
    """Requests per second over a bounded time."""
    connections = [Connection(port, request) for _ in range(CONNECTIONS)]
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.send()
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        deadline = started + min(seconds, LONGEST_RUN)
        done = 0
        while time.perf_counter() < deadline:
            for key, _ in selector.select(timeout=1):
                connection, before = key.data, key.fileobj
                if connection.receive():
                    done += 1
                    if connection.socket is None:
                        selector.unregister(before)
                    connection.send()
                    if connection.socket is not before:
                        selector.register(connection.socket, selectors.EVENT_READ, connection)
        elapsed = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return done / elapsed


def main() -> None:
    port, path = int(sys.argv[1]), sys.argv[2]
    cookie = sys.stdin.readline().strip()
    headers = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/html", "Accept-Language: fr"]
    if cookie:
        headers.append(f"Cookie: {cookie}")
    request = ("\r\n".join(headers) + "\r\n\r\n").encode()
    for line in sys.stdin:
        print(rate(port, request, float(line)), flush=True)


if __name__ == "__main__":
    main()
