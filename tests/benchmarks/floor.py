"""The floor: paramiko's Transport driven directly, with nothing around it.

TCP_NODELAY is set, keys are parsed once, the host key is compared directly. No log, no masking, no time limits.
"""

from __future__ import annotations

import io
import socket
from concurrent.futures import ThreadPoolExecutor

import paramiko

THREADS = 32


class LeanConnection:
    """One connection. ``key`` is parsed already."""

    def __init__(self, address: str, port: int, user: str, key: paramiko.PKey, host_key: str):
        sock = socket.create_connection((address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = paramiko.Transport(sock)
        self.transport.start_client(timeout=30)
        if self.transport.get_remote_server_key().get_base64() != host_key.split()[1]:
            raise RuntimeError("another host key")
        self.transport.auth_publickey(user, key)

    def run(self, command: str) -> int:
        """Run a command, read its output and return its exit status."""
        channel = self.transport.open_session()
        channel.exec_command(command)
        while channel.recv(65536):
            pass
        status = channel.recv_exit_status()
        channel.close()
        return status

    def close(self) -> None:
        self.transport.close()


def parse_key(text: str) -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text))


class LeanHosts:
    """Many hosts in a bare pool of threads.

    :param addresses: (address, port) of each
    """

    def __init__(self, addresses: list[tuple[str, int]], user: str, private_key: str, host_key: str):
        self._addresses = addresses
        self._login = (user, parse_key(private_key), host_key)
        self._connections: list[LeanConnection] = []

    def run_cold(self, command: str) -> None:
        """Connect to every host and run the command there; the connections stay."""

        def one(where: tuple[str, int]) -> LeanConnection:
            connection = LeanConnection(*where, *self._login)
            if connection.run(command):
                raise RuntimeError("the command failed")
            return connection

        with ThreadPoolExecutor(THREADS) as threads:
            self._connections = list(threads.map(one, self._addresses))

    def run_warm(self, command: str) -> None:
        """Run the command on every host over the connections that are there."""
        with ThreadPoolExecutor(THREADS) as threads:
            if any(threads.map(lambda connection: connection.run(command), self._connections)):
                raise RuntimeError("the command failed")

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections = []
