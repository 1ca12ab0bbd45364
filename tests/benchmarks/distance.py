"""A relay that makes a host on loopback as far away as one in another data centre."""

from __future__ import annotations

import queue
import socket
import threading
import time

_PIECE_BYTES = 256 * 1024


class Distance:
    """Passes on what client and host send, each piece later by half a round trip. A context manager.

    :param round_trip_s: added to each round trip
    :ivar port: on 127.0.0.1, leads to the host
    """

    def __init__(self, address: str, port: int, round_trip_s: float):
        self._host = (address, port)
        self._delay_s = round_trip_s / 2
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Distance:
        _start(self._accept)
        return self

    def __exit__(self, *_exc) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            host = socket.create_connection(self._host)
            for source, target in ((client, host), (host, client)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                _start(self._read, source, pieces)
                _start(self._write, pieces, target)

    def _read(self, source: socket.socket, pieces: queue.SimpleQueue) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(_PIECE_BYTES)
            except OSError:
                data = b""
            pieces.put((time.monotonic() + self._delay_s, data))

    def _write(self, pieces: queue.SimpleQueue, target: socket.socket) -> None:
        try:
            while True:
                due, data = pieces.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    return target.shutdown(socket.SHUT_WR)
                target.sendall(data)
        except OSError:
            pass  # the other side closed the connection


def _start(work, *arguments) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()
