"""The HTTP side: GraphQL, the file stream, uploads and downloads, on loopback."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import threading
from collections.abc import Callable
from typing import Any, Self

from wandb_double.operations import Operations
from wandb_double.store import Store

KEY = "k" * 40
_READING = {
    "GetDefaultEntity", "GetProjects", "GetViewer", "HistoryPage", "ProjectInternalId", "Run", "RunFiles",
    "RunHistoryKeys", "RunParquetHistory", "RunState", "Runs", "ServerFeaturesQuery", "SpecificReport",
    "View", "Viewer",
}  # fmt: skip


class WandbDouble:
    """Listens from `with` to its end; `stop` and `start` on the same port play a server that dies and comes back.

    Attributes:
        store: what it was sent.
        requests: names of the GraphQL operations, `file_stream` and `upload`, in order of arrival.
        problems: requests it could not answer; a test that ends with one has met an unknown part of the protocol.
        dies_when: asked before every request; once true, the server goes away without an answer.
    """

    def __init__(self) -> None:
        self.store = Store()
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.problems: list[str] = []
        self.dies_when: Callable[[str], bool] = lambda request: False
        self.lock = threading.RLock()
        self.operations = Operations(self.store, lambda: self.url)
        self._port = 0
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        """What makes a W&B client talk to this server."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY}

    def uploads(self) -> list[str]:
        """The requests that change something."""
        return [each for each in self.requests if each not in _READING]

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"double": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    @property
    def alive(self) -> bool:
        return self._server is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(http.server.ThreadingHTTPServer):
    """Keeps all connections that a client opens at once; those beyond a short queue are tried again after seconds."""

    request_queue_size = 128


class _Handler(http.server.BaseHTTPRequestHandler):
    double: WandbDouble

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/graphql":
            self._graphql(json.loads(body), body)
        elif match := re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
            if self._noted("file_stream", body):
                with self.double.lock:
                    self.double.store.runs[match[1]].stream(json.loads(body))
                self._reply({"exitcode": None, "limits": {}})
        else:
            self._reply({})  # telemetry

    def do_PUT(self) -> None:
        body = self._body()
        if not self._noted("upload", body):
            return
        kind, _, place = self.path.removeprefix("/").partition("/")
        store = self.double.store
        with self.double.lock:
            if kind == "runs":
                run, _, name = place.partition("/")
                store.runs[run].files[name] = body
            else:
                artifact, _, name = place.partition("/")
                store.artifacts[artifact]["files"][name] = body
        self._reply({})

    def do_GET(self) -> None:
        kind, _, place = self.path.removeprefix("/").partition("/")
        run, _, name = place.partition("/")
        if kind != "runs":
            self._reply({})
        elif (content := self.double.store.runs[run].files.get(name)) is None:
            self._send(404, b"")
        else:
            self._send(200, content)

    def _graphql(self, request: dict[str, Any], body: bytes) -> None:
        name = request.get("operationName") or re.findall(r"(?:query|mutation)\s+(\w+)", request["query"])[0]
        if not self._noted(name, body):
            return
        try:
            with self.double.lock:
                data = self.double.operations.answer(name, request.get("variables") or {}, request["query"])
        except Exception as error:
            self.double.problems.append(f"{type(error).__name__}: {error}")
            self._reply({"errors": [{"message": str(error)}]})
            return
        self._reply({"data": data})

    def _noted(self, request: str, body: bytes) -> bool:
        """Whether the server is still there to answer."""
        with self.double.lock:
            if not self.double.alive or self.double.dies_when(request):
                self.close_connection = True
                threading.Thread(target=self.double.stop, daemon=True).start()
                return False
            self.double.requests.append(request)
            self.double.bodies.append(body)
        return True

    def _body(self) -> bytes:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def _reply(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), "application/json")

    def _send(self, code: int, content: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """The requests are remembered; nothing is printed."""
