"""Connections are shared where they may be, never where they may not, and closed when nobody uses them."""

import importlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tower_engine.errors import ChannelRefused, ConnectionRefused, ConnectTimeout
from tower_engine.secret import Secret
from tower_engine.ssh import pool as pool_module
from tower_engine.ssh.files import FileSession
from tower_engine.ssh.pool import ConnectionPool, PoolLimits
from tower_engine.ssh.running.command_result import Outcome
from tower_engine.ssh.running.run_script import Clocks
from tower_engine.ssh.running.stopping import StopSignal
from tower_engine.ssh.target import ConnectSettings, Credential

hosts = importlib.import_module("sshd_hosts")


def logins(host) -> int:
    return host.log.count("Accepted publickey")


def make_lab(lab, **limits):
    lab.pool = ConnectionPool(PoolLimits(**limits))
    return lab


def test_a_connection_is_used_again(lab, own_host):
    host = own_host()
    for _ in range(5):
        assert lab.run(host, "true").exit_code == 0
    assert logins(host) == 1


def test_commands_at_once_share_a_connection(lab, own_host):
    host = own_host()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: lab.run(host, f"sleep 0.3; echo {n}"), range(8)))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(8)]
    assert logins(host) == 1


def test_limits_of_channels_and_connections(lab, own_host):
    lab, host = make_lab(lab, channels_per_connection=2, connections_per_target=2), own_host()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: lab.run(host, "sleep 0.5").exit_code, range(8)))
    assert results == [0] * 8
    assert logins(host) == 2 and time.monotonic() - began >= 1


def test_host_that_allows_fewer_sessions_than_we_would_use(lab, own_host):
    host = own_host(options={"MaxSessions": 2})
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda n: lab.run(host, "sleep 0.5").exit_code, range(6)))
    assert results == [0] * 6
    assert logins(host) == 3


def test_host_that_allows_one_session_a_connection(lab, own_host):
    lab = make_lab(lab)
    host = own_host(options={"MaxSessions": 1})
    with ThreadPoolExecutor(40) as threads:
        results = list(threads.map(lambda n: lab.run(host, f"sleep 0.05; echo {n}"), range(40)))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(40)]
    assert logins(host) == 4


def test_the_number_of_sessions_that_a_host_allows_is_learnt(lab, own_host):
    host = own_host(options={"MaxSessions": 2})
    for _ in range(3):
        with ThreadPoolExecutor(6) as threads:
            assert [r.exit_code for r in threads.map(lambda _n: lab.run(host, "sleep 0.2"), range(6))] == [
                0
            ] * 6
    assert logins(host) == 3
    assert [slot.session_limit for slot in lab.pool._slots.values()] == [2]


def test_a_session_is_waited_for_as_long_as_the_command_may_take(lab, own_host, monkeypatch):
    monkeypatch.setattr(pool_module, "QUEUE_LIMIT_S", 0.1)
    lab = make_lab(lab, connections_per_target=1, channels_per_connection=1)
    host = own_host()
    target = lab.target(host, settings=ConnectSettings(connect_timeout_s=0.3, auth_timeout_s=0.3))
    lab.run(target, "true")
    with ThreadPoolExecutor(1) as threads:
        begun = threading.Event()
        first = threads.submit(lab.run, target, "echo in; sleep 2", on_output=lambda *_a: begun.set())
        assert begun.wait(5)
        with pytest.raises(ConnectTimeout, match="in use"):
            lab.run(target, "true", Clocks(step_timeout_s=0.2))
        assert lab.run(target, "echo then", Clocks(step_timeout_s=30)).stdout == "then\n"
        assert first.result().exit_code == 0


def test_waiting_for_a_session_can_be_stopped(lab, own_host):
    lab = make_lab(lab, connections_per_target=1)
    host = own_host(options={"MaxSessions": 1})
    stop, begun = StopSignal(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        threads.submit(lab.run, host, "echo in; sleep 3", on_output=lambda *_a: begun.set())
        assert begun.wait(5)
        second = threads.submit(lab.run, host, "true", stop=stop)
        stop.request()
        assert second.result(2).outcome is Outcome.STOPPED


def test_host_that_allows_no_session_at_all(lab, own_host):
    with pytest.raises(ChannelRefused, match="MaxSessions"):
        lab.run(own_host(options={"MaxSessions": 0}), "true")


def test_those_who_work_with_files_do_not_wait_for_each_others_sessions(lab, own_host):
    host = own_host(options={"MaxSessions": 1})
    ready = threading.Barrier(4)

    def work(_n):
        with FileSession(lab.pool, lab.target(host)) as session:
            session.stat("/etc/passwd")
            ready.wait(20)
            return session._access.run_script("echo beside").stdout

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4), timeout=30)) == ["beside\n"] * 4


def test_never_shared_between_credentials(lab, own_host, tmp_path):
    host = own_host()
    other_key = hosts.make_key(tmp_path / "other")
    host.authorize((tmp_path / "other.pub").read_text())
    target = lab.target(host)
    other = replace(target, credential=Credential(private_key=Secret(other_key)))
    wrong = replace(target, credential=replace(target.credential, password=Secret("unused")))
    for item in (target, other, wrong, replace(target, host_key=None, skip_host_key=True)):
        assert lab.run(item, "true").exit_code == 0
    assert logins(host) == 4
    assert target.key != other.key != wrong.key


def test_clocks_do_not_tell_connections_apart(lab, own_host):
    host = own_host()
    for seconds in (5, 6):
        lab.run(lab.target(host, settings=ConnectSettings(connect_timeout_s=seconds)), "true")
    assert logins(host) == 1


def test_idle_connections_are_closed(lab, own_host):
    lab, host = make_lab(lab, idle_timeout_s=0.3), own_host()
    lab.run(host, "true")
    deadline = time.monotonic() + 5
    while host.session_pids() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not host.session_pids()
    for thread in threading.enumerate():
        if thread.name == "tower-ssh-idle":
            thread.join(2)
            assert not thread.is_alive()
    assert lab.run(host, "echo again").stdout == "again\n"


def test_busy_connections_are_not_closed(lab, own_host):
    lab, host = make_lab(lab, idle_timeout_s=0.2), own_host()
    assert lab.run(host, "sleep 1.5; echo end").stdout == "end\n"


def test_dead_connection_is_replaced_after_a_restart(lab, own_host):
    host = own_host()
    assert lab.run(host, "true").exit_code == 0
    host.restart()
    assert lab.run(host, "echo again").stdout == "again\n"


def test_frozen_connection_is_replaced(lab, own_host, monkeypatch):
    monkeypatch.setattr(pool_module, "REUSE_CHECK_S", 0.5)
    host = own_host()
    lab.run(host, "true")
    for pid in host.session_pids():
        os.kill(pid, 19)
    began = time.monotonic()
    assert lab.run(host, "echo again").stdout == "again\n"
    assert time.monotonic() - began < 3


def test_replaced_once_only(lab, own_host, monkeypatch):
    monkeypatch.setattr(pool_module, "REUSE_CHECK_S", 0.5)
    host = own_host()
    target = lab.target(host, settings=ConnectSettings(connect_timeout_s=1))
    lab.run(target, "true")
    host.freeze()
    began = time.monotonic()
    with pytest.raises(ConnectTimeout):
        lab.run(target, "true")
    assert time.monotonic() - began < 4


def test_failure_reaches_all_who_wait(lab, host):
    target = lab.target(host, port=hosts.free_port())

    def attempt(_n):
        with pytest.raises(ConnectionRefused):
            lab.run(target, "true")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(attempt, range(8)))


def test_many_hosts_at_once(lab, own_host):
    started = [own_host() for _ in range(5)]
    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(lambda n: lab.run(started[n % 5], f"echo {n}"), range(40)))
    wrong = [result for n, result in enumerate(results) if result.stdout != f"{n}\n"]
    assert not wrong


def test_closed_pool_refuses(lab, host):
    lab.run(host, "true")
    lab.pool.close()
    with pytest.raises(Exception, match="shutting down"):
        lab.run(host, "true")


def test_a_forked_child_leaves_the_parents_connections_alone(lab, own_host):
    host = own_host()
    lab.run(host, "true")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, lab.run(host, "echo child").stdout.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        assert answer.read() == b"child\n"
    os.waitpid(child, 0)
    assert lab.run(host, "echo parent").stdout == "parent\n"
    assert logins(host) == 2


# -- jump hosts


def test_chain_of_jump_hosts(lab, own_host):
    first, second, last = own_host(), own_host(), own_host()
    target = lab.target(last, jump=lab.target(second, jump=lab.target(first)))
    assert lab.run(target, "echo through").stdout == "through\n"
    assert lab.run(target, "head -c 3000000 /dev/zero | wc -c").stdout.strip() == "3000000"
    assert (logins(first), logins(second), logins(last)) == (1, 1, 1)
    assert lab.run(target.jump, "echo jump").stdout == "jump\n"
    assert logins(second) == 1


def test_jump_host_is_in_use_as_long_as_what_goes_through_it(lab, own_host):
    lab = make_lab(lab, idle_timeout_s=0.3)
    first, last = own_host(), own_host()
    target = lab.target(last, jump=lab.target(first))
    assert lab.run(target, "sleep 1.2; echo end").stdout == "end\n"
    deadline = time.monotonic() + 5
    while (first.session_pids() or last.session_pids()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not first.session_pids() and not last.session_pids()


def test_idle_hosts_behind_a_full_jump_host_make_room(lab, own_host):
    lab = make_lab(lab, channels_per_connection=1, connections_per_target=1)
    first = own_host()
    for host in (own_host(), own_host(), own_host()):
        assert lab.run(lab.target(host, jump=lab.target(first)), "echo in").stdout == "in\n"
    assert logins(first) == 1


def test_errors_behind_a_jump_host(lab, own_host):
    first, last = own_host(), own_host()
    with pytest.raises(Exception, match="cannot connect to"):
        lab.run(lab.target(last, port=hosts.free_port(), jump=lab.target(first)), "true")
    with pytest.raises(ConnectionRefused, match="Gate"):
        gate = lab.target(first, port=hosts.free_port(), name="Gate")
        lab.run(lab.target(last, jump=gate), "true")
    closed = own_host(options={"AllowTcpForwarding": "no"})
    with pytest.raises(Exception, match="does not allow connections"):
        lab.run(lab.target(last, jump=lab.target(closed)), "true")


def test_jump_host_dies_under_a_command(lab, own_host):
    first, last = own_host(), own_host()
    seen = threading.Event()
    threading.Thread(target=lambda: seen.wait(10) and first.kill_sessions()).start()
    target = lab.target(last, jump=lab.target(first))
    result = lab.run(target, "echo x; sleep 60", Clocks(), on_output=lambda *_a: seen.set())
    assert result.outcome is Outcome.LOST and result.stdout == "x\n"
    assert lab.run(target, "echo again").stdout == "again\n"
