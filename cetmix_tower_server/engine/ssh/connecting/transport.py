"""paramiko's transport and channel, extended by what running commands needs.

Additions: exit signals (paramiko ignores them), one wake-up event a channel for both streams and for
everything else that happens to it, writes that never wait, an exec request that waits for no reply,
errors of an opening kept with the channel, a quiet log. Tried with paramiko 5.1.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable

import paramiko
from paramiko import common
from paramiko.message import Message
from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

from ..running.command_result import Stream

#: Seconds an idle connection's thread sleeps at most. Closing wakes it, so nothing waits for this.
IDLE_WAKEUP_S = 5.0
#: What the host may send before we take it: bounds the memory of a channel.
WINDOW_BYTES = 2 * 1024 * 1024
_REMEMBERED_CHANNELS = 1024
_LINE_LIMIT = 65536
#: What is offered by default: the fastest first.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_PARAMIKO_LOG = logging.getLogger("paramiko.transport")


class CommandChannel(paramiko.Channel):
    """A session channel whose arriving data lie in one queue, in order of arrival.

    ``wake`` is set by everything that matters: data, window, exit, end.
    """

    def __init__(self, chanid: int):
        super().__init__(chanid)
        self.wake = threading.Event()
        self.opened = threading.Event()
        self.open_error: str | None = None
        self.sessions_before = (0, 0)  # what the transport's ``sessions`` said when this one was refused
        self.exit_signal: str | None = None
        self.request_refused = False
        self._arrived: deque[tuple[Stream, bytes]] = deque()
        # each is written by one thread only: the transport's, the reader's
        self._fed = self._taken = 0
        self._wanted = 1
        self._pid = os.getpid()
        self._on_gone: Callable[[], None] = lambda: None
        # both under the lock
        self._on_their_way = 0  # messages that are being sent
        self._close_after_them: list[Message] = []

    # -- called by the transport's thread

    def _feed(self, m):
        data = m.get_binary()
        self._arrived.append((Stream.STDOUT, data))
        self._fed += len(data)
        if self._fed - self._taken >= self._wanted:
            self.wake.set()

    def _feed_extended(self, m):
        code = m.get_int()
        data = m.get_binary()
        if code == 1:  # SSH_EXTENDED_DATA_STDERR, the only one there is
            self._arrived.append((Stream.STDERR, data))
            self._fed += len(data)
            self.wake.set()

    def _handle_request(self, m):
        position = m.packet.tell()
        if m.get_text() == "exit-signal":
            m.get_boolean()
            self.exit_signal = m.get_text()
            self.status_event.set()
        else:
            m.packet.seek(position)
            super()._handle_request(m)
        self.wake.set()

    def _request_failed(self, m):
        self.request_refused = True
        super()._request_failed(m)
        self.wake.set()

    def _window_adjust(self, m):
        super()._window_adjust(m)
        self.wake.set()

    def _set_closed(self):
        super()._set_closed()
        self.opened.set()
        self.wake.set()

    def _handle_close(self, m):
        """Answer the host's close, after the messages that other threads are sending for this channel.

        The answer frees the channel's number on the host. A message that arrived after it would end the whole connection
        ("referred to nonexistent channel"), or reach the next channel with this number.
        """
        with self.lock:
            answer = [message for message in self._close_internal() if message]
            if self._on_their_way:
                self._close_after_them, answer = answer, []
            self.transport._unlink_channel(self.chanid)
        self._send_all(answer)
        self._on_gone()

    def _log(self, level, msg, *args):
        """Say nothing: the result says what happened."""

    # -- called by the thread that runs the command

    def when_gone(self, tell: Callable[[], None]) -> None:
        """Call ``tell``, in the transport's thread, when the host has closed its side, too."""
        self._on_gone = tell

    @property
    def ended(self) -> bool:
        """The host closed the channel, or the connection is gone."""
        return self.closed

    @property
    def has_exit(self) -> bool:
        return self.exit_status != -1 or self.exit_signal is not None

    def request(self, kind: str, argument: str | None = None) -> None:
        """Send "exec" or "subsystem" without waiting for the reply: what follows arrives in order."""
        m = self._message(common.cMSG_CHANNEL_REQUEST)
        m.add_string(kind)
        m.add_boolean(True)
        m.add_string(argument)
        self._send_in_order(lambda: None if self.closed else m)

    def send_some(self, data: memoryview | bytes) -> int:
        """Send what the host's window takes, without waiting; return how many bytes that were."""
        sent = 0

        def next_part() -> Message | None:
            nonlocal sent
            if self.closed or self.eof_sent or not self.out_window_size:
                return None
            size = self._wait_for_send_window(len(data) - sent)
            m = self._message(common.cMSG_CHANNEL_DATA)
            m.add_string(bytes(data[sent : sent + size]))
            sent += size
            return m

        while sent < len(data) and self._send_in_order(next_part):
            pass
        return sent

    def shutdown_write(self) -> None:
        """Tell the host that no more data follow."""
        self._send_in_order(self._send_eof)

    def _message(self, kind: bytes) -> Message:
        m = Message()
        m.add_byte(kind)
        m.add_int(self.remote_chanid)
        return m

    def _send_in_order(self, make: Callable[[], Message | None]) -> bool:
        """Send a message of this channel before its close, see :meth:`_handle_close`.

        paramiko sends without the channel's lock, because a sender may have to wait for new keys. So the lock covers only
        the decision to send; a close that comes meanwhile is left to the last sender.

        :param make: called under the lock; None: nothing is to be sent
        :return: whether something was sent
        """
        with self.lock:
            message = make()
            if message is None:
                return False
            self._on_their_way += 1
        try:
            self.transport._send_user_message(message)
        finally:
            with self.lock:
                self._on_their_way -= 1
                late: list[Message] = []
                if not self._on_their_way:
                    late, self._close_after_them = self._close_after_them, late
            self._send_all(late)
        return True

    def _send_all(self, messages: list[Message]) -> None:
        for message in messages:
            self.transport._send_user_message(message)

    def want(self, size: int) -> None:
        """Let data alone wake us only when so many bytes have arrived: each waking costs as much as a packet.

        :param size: far less than the window, or the host would wait for us and we for it
        """
        self._wanted = size
        if self._fed - self._taken >= size:
            self.wake.set()

    def take(self) -> list[tuple[Stream, bytes]]:
        """Return what arrived since the last call, neighbours of one stream joined; open the window."""
        taken: list[tuple[Stream, list[bytes]]] = []
        size = 0
        while self._arrived:
            stream, data = self._arrived.popleft()
            size += len(data)
            if taken and taken[-1][0] is stream:
                taken[-1][1].append(data)
            else:
                taken.append((stream, [data]))
        if size:
            self._taken += size
            self._open_window(size)
        return [(stream, parts[0] if len(parts) == 1 else b"".join(parts)) for stream, parts in taken]

    def _open_window(self, size: int) -> None:
        granted = self._check_add_window(size)
        if granted:
            m = self._message(common.cMSG_CHANNEL_WINDOW_ADJUST)
            m.add_int(granted)
            self._send_in_order(lambda: None if self.closed else m)

    def __del__(self):
        if self._pid == os.getpid():  # a forked child must not talk on the parent's connection
            super().__del__()


class LeanPacketizer(Packetizer):
    """Without paramiko's timer thread: the caller of the handshake holds the clock."""

    def start_handshake(self, timeout):
        pass

    def readline(self, timeout):
        """Return a line; before its version a server may say anything, in any encoding (RFC 4253, 4.2)."""
        line, end, rest = self._Packetizer__remainder.partition(b"\n")
        while not end:
            if len(line) > _LINE_LIMIT:
                raise SSHException("a line without an end")
            line, end, rest = (line + self._read_timeout(timeout)).partition(b"\n")
        self._Packetizer__remainder = rest
        return line.removesuffix(b"\r").decode("utf-8", "replace")


def _dispatch(name: str):
    """Let the transport call a channel's own method instead of the base class's function."""
    return lambda channel, message: getattr(channel, name)(message)


class CommandTransport(paramiko.Transport):
    """A client's transport on a socket that is already connected."""

    _active_check_timeout = IDLE_WAKEUP_S
    _channel_handler_table = {
        common.MSG_CHANNEL_SUCCESS: _dispatch("_request_success"),
        common.MSG_CHANNEL_FAILURE: _dispatch("_request_failed"),
        common.MSG_CHANNEL_DATA: _dispatch("_feed"),
        common.MSG_CHANNEL_EXTENDED_DATA: _dispatch("_feed_extended"),
        common.MSG_CHANNEL_WINDOW_ADJUST: _dispatch("_window_adjust"),
        common.MSG_CHANNEL_REQUEST: _dispatch("_handle_request"),
        common.MSG_CHANNEL_EOF: _dispatch("_handle_eof"),
        common.MSG_CHANNEL_CLOSE: _dispatch("_handle_close"),
    }

    def __init__(self, sock):
        super().__init__(sock, packetizer_class=LeanPacketizer)
        self.last_session_gone = -math.inf  # when the host closed one that was open, on the monotonic clock
        self._sessions: dict[int, CommandChannel] = {}  # the map of channels forgets what nobody holds
        self.banner_timeout = self.handshake_timeout = self.channel_timeout = (
            3600  # our own clocks are shorter
        )

    def begin_session(self) -> CommandChannel:
        """Ask for a session channel and return it; its ``opened`` event tells when it is decided."""
        with self.lock:
            chanid = self._next_channel()
            channel = CommandChannel(chanid)
            self._channels.put(chanid, channel)
            self.channels_seen[chanid] = True
            self.channels_seen.pop(chanid - _REMEMBERED_CHANNELS, None)  # paramiko keeps them for ever
            channel._set_transport(self)
            channel._set_window(WINDOW_BYTES, self.default_max_packet_size)
        m = Message()
        m.add_byte(common.cMSG_CHANNEL_OPEN)
        m.add_string("session")
        m.add_int(chanid)
        m.add_int(WINDOW_BYTES)
        m.add_int(self.default_max_packet_size)
        self._send_user_message(m)
        return channel

    def sessions(self) -> tuple[int, int]:
        """Return how many sessions the host has of this connection, and how many of these we have closed already.

        sshd counts a session until both sides have closed it, and so do we.
        """
        sessions = list(self._sessions.values())
        return len(sessions), sum(session.closed for session in sessions)

    def ask_for_life(self) -> None:
        """Send OpenSSH's keepalive request; any answer, even a refusal, is a sign of life."""
        m = Message()
        m.add_byte(common.cMSG_GLOBAL_REQUEST)
        m.add_string("keepalive@openssh.com")
        m.add_boolean(True)
        self._send_user_message(m)

    def _parse_channel_open_success(self, m):
        position = m.packet.tell()
        channel = self._channels.get(m.get_int())
        m.packet.seek(position)
        super()._parse_channel_open_success(m)
        if isinstance(channel, CommandChannel):
            self._sessions[channel.chanid] = channel
            channel.opened.set()

    def _parse_channel_open_failure(self, m):
        position = m.packet.tell()
        chanid = m.get_int()
        channel = self._channels.get(chanid)
        if isinstance(channel, CommandChannel):
            m.get_int()
            channel.open_error = m.get_text() or "refused"
            channel.sessions_before = self.sessions()
            self._channels.delete(chanid)
            channel.opened.set()
            return
        m.packet.seek(position)
        super()._parse_channel_open_failure(m)

    def _unlink_channel(self, chanid):
        super()._unlink_channel(chanid)
        if self._sessions.pop(chanid, None):
            self.last_session_gone = time.monotonic()

    def _log(self, level, msg, *args):
        """Errors of a connection reach the caller as exceptions: in the log they are detail only."""
        if _PARAMIKO_LOG.isEnabledFor(logging.DEBUG):
            super()._log(logging.DEBUG, msg, *args)
