"""A pooler in transaction mode, in so far as it takes one to be told from a server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_STARTUP: Final = struct.Struct("!I")
_SSL, _GSS = 80877103, 80877104


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _message(sock: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(sock, 5)
    return head[:1], head + _exactly(sock, struct.unpack("!I", head[1:])[0] - 4)


class _Pooler:
    """All clients share one session of the server, a transaction each at a time."""

    def __init__(self, path: str, *, shared: bool) -> None:
        self._path = path
        self._shared = shared
        self._session: socket.socket | None = None
        self._greeting = b""
        self._turn = threading.Lock()
        self._open: list[socket.socket] = []

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._client, args=(client,), daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            each.close()

    def _server(self, startup: bytes) -> tuple[socket.socket, bytes]:
        if self._shared and self._session is not None:
            return self._session, self._greeting
        server = socket.socket(socket.AF_UNIX)
        self._open.append(server)
        server.connect(self._path)
        server.sendall(startup)
        greeting = b""
        while True:
            kind, message = _message(server)
            # The key to cancel with is the pooler's own.
            greeting += b"K" + struct.pack("!III", 12, 4711, 1) if kind == b"K" else message
            if kind == b"Z":
                break
        if self._shared:
            self._session, self._greeting = server, greeting
        return server, greeting

    def _client(self, client: socket.socket) -> None:
        try:
            size = _exactly(client, 4)
            startup = size + _exactly(client, _STARTUP.unpack(size)[0] - 4)
            while _STARTUP.unpack(startup[4:8])[0] in (_SSL, _GSS):
                client.sendall(b"N")
                size = _exactly(client, 4)
                startup = size + _exactly(client, _STARTUP.unpack(size)[0] - 4)
            with self._turn:
                server, greeting = self._server(startup)
            client.sendall(greeting)
            while True:
                with self._first(client) as message, self._turn:
                    self._transaction(client, server, message)
        except (ConnectionError, OSError):
            client.close()

    @contextmanager
    def _first(self, client: socket.socket) -> Iterator[bytes]:
        kind, message = _message(client)
        if kind == b"X":
            raise ConnectionError
        yield message

    def _transaction(self, client: socket.socket, server: socket.socket, message: bytes) -> None:
        while True:
            server.sendall(message)
            if message[:1] in (b"Q", b"S"):
                state = b""
                while not state:
                    kind, answer = _message(server)
                    client.sendall(answer)
                    state = answer[5:6] if kind == b"Z" else b""
                if state == b"I":
                    return
            message = _message(client)[1]


@contextmanager
def pooler(socket_path: str, *, shared: bool) -> Iterator[int]:
    """The port, on this machine, of a pooler before the server's socket; `shared` is transaction mode."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = _Pooler(socket_path, shared=shared)
    threading.Thread(target=made.serve, args=(listener,), daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        made.close()
