"""Nothing of a channel is sent after the answer to the host's close: its number may belong to another channel by then."""

import threading

import pytest
from paramiko import Message, common
from tower_engine.ssh.connecting.transport import CommandChannel

NUMBER = 7  # of the channel on the host


class Wire:
    """Stands for the transport: notes what is sent, and lets the host close the channel while something is being sent."""

    def __init__(self):
        self.sent = []
        self.active = True
        self.lock = threading.RLock()
        self.close_during = None
        self.channel = CommandChannel(0)
        self.channel._set_transport(self)
        self.channel._set_window(1000, 100)
        self.channel._set_remote_channel(NUMBER, 1000, 100)

    @staticmethod
    def get_log_channel():
        return "paramiko.transport"

    @staticmethod
    def _sanitize_packet_size(size):
        return size

    def _unlink_channel(self, number):
        pass

    def _send_user_message(self, message):
        kind = message.asbytes()[0]
        if kind == self.close_during:
            self.close_during = None
            closing = threading.Thread(target=self.channel._handle_close, args=(Message(),))
            closing.start()
            closing.join(5)
            assert not closing.is_alive(), "the transport's thread must never wait for a sender"
        self.sent.append(kind)


@pytest.fixture
def wire():
    return Wire()


@pytest.mark.parametrize(
    ("kind", "send"),
    [
        (common.MSG_CHANNEL_EOF, lambda channel: channel.shutdown_write()),
        (common.MSG_CHANNEL_DATA, lambda channel: channel.send_some(b"text")),
        (common.MSG_CHANNEL_REQUEST, lambda channel: channel.request("exec", "true")),
        (common.MSG_CHANNEL_WINDOW_ADJUST, lambda channel: channel._open_window(900)),
    ],
)
def test_the_close_is_answered_after_what_is_being_sent(wire, kind, send):
    wire.close_during = kind
    send(wire.channel)
    assert wire.sent[0] == kind
    assert wire.sent[-1] == common.MSG_CHANNEL_CLOSE
    assert wire.channel.closed


def test_nothing_is_sent_after_the_close_was_answered(wire):
    wire.channel._handle_close(Message())
    assert wire.sent == [common.MSG_CHANNEL_EOF, common.MSG_CHANNEL_CLOSE]
    wire.channel.shutdown_write()
    wire.channel.request("exec", "true")
    wire.channel._open_window(900)
    assert wire.channel.send_some(b"text") == 0
    assert len(wire.sent) == 2


def test_the_close_is_answered_once(wire):
    wire.close_during = common.MSG_CHANNEL_DATA
    wire.channel.send_some(b"x" * 350)
    wire.channel.close()
    assert wire.sent.count(common.MSG_CHANNEL_CLOSE) == 1


def test_what_fits_into_the_window_is_sent_in_parts(wire):
    assert wire.channel.send_some(b"x" * 2000) == 1000
    assert wire.channel.send_some(b"x") == 0
