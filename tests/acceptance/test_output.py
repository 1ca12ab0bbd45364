"""Whatever a command prints, Tower's memory stays bounded, head and tail are kept and the console can read it."""

import threading
import time

import pytest

MB = 1024 * 1024


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def server_id(client, one_host):
    return one_host.register(client)


class Memory(threading.Thread):
    """Looks at the server's memory ten times a second and remembers the most."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self._server = server
        self._over = threading.Event()
        self.before = self.most = server.memory()

    def run(self):
        while not self._over.wait(0.1):
            self.most = max(self.most, self._server.memory())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self.join()

    @property
    def growth(self):
        return self.most - self.before


def run(client, server_id, code, timeout_s=240):
    log_id = client.call("cx.tower.server", "run_code", [server_id], code)["id"]
    return log_id, client.wait_for(log_id, timeout_s)


def read_all(client, log_id):
    """Read the live output to its end and return it as {offset: text} of blocks."""
    blocks, offset = {}, 0
    while True:
        output = client.call("cx.tower.command.log", "read_output", [log_id], offset=offset)
        for chunk in output["chunks"]:
            blocks[chunk["offset"]] = "".join(text for _stream, text in chunk["segments"])
        offset = output["end"]
        if not output["more"]:
            return blocks


def test_a_hundred_megabytes_on_both_streams(server, client, server_id):
    run(client, server_id, "seq 300000")  # warm up: what the first large output needs once
    code = "head -c 100000000 /dev/zero | tr '\\0' 'a' & head -c 100000000 /dev/zero | tr '\\0' 'b' >&2 & wait; echo END"
    with Memory(server) as memory:
        log_id, ended = run(client, server_id, code)
    assert ended["state"] == "done"
    assert memory.growth < 100 * MB, f"memory grew by {memory.growth / MB:.0f} MB"
    assert ended["skipped"] > 150 * MB
    assert ended["response"].startswith("aaaa") and ended["response"].endswith("END\n")
    assert len(ended["response"]) < 2 * MB
    blocks = read_all(client, log_id)
    assert set(blocks[max(blocks)]) <= set("abEND\n")
    assert sum(map(len, blocks.values())) < 16 * MB


def test_a_million_lines(server, client, server_id):
    with Memory(server) as memory:
        log_id, ended = run(client, server_id, "seq 1000000")
    assert ended["state"] == "done"
    assert memory.growth < 100 * MB
    text = "".join(text for _offset, text in sorted(read_all(client, log_id).items()))
    assert text.split() == [str(number) for number in range(1, 1000001)]


def test_binary_garbage_and_one_line_of_ten_megabytes(server, client, server_id):
    with Memory(server) as memory:
        _log, garbage = run(client, server_id, "head -c 3000000 /dev/urandom; printf 'x\\000y'")
        log_id, line = run(client, server_id, "head -c 10000000 /dev/zero | tr '\\0' 'z'; echo; echo end")
    assert (garbage["state"], line["state"]) == ("done", "done")
    assert garbage["response"].endswith("x␀y") or garbage["response"].endswith("x\ufffdy")
    assert line["response"].endswith("z\nend\n")
    assert memory.growth < 100 * MB
    assert client.get(f"/cetmix_tower/log/{log_id}/output.txt").endswith(b"z\nend\n")


def test_characters_cut_at_chunk_borders(client, server_id):
    code = "i=0; while [ $i -lt 300 ]; do printf 'a\\303'; sleep 0.001; printf '\\274€'; i=$((i+1)); done"
    log_id, ended = run(client, server_id, code)
    assert ended["response"] == "aü€" * 300
    assert "".join(text for _offset, text in sorted(read_all(client, log_id).items())) == "aü€" * 300


def test_output_arrives_while_the_command_runs(client, server_id):
    code = "for i in 1 2 3 4; do echo line $i; sleep 0.7; done"
    log_id = client.call("cx.tower.server", "run_code", [server_id], code)["id"]
    seen, offset, began = [], 0, time.monotonic()
    while time.monotonic() - began < 20:
        output = client.call("cx.tower.command.log", "read_output", [log_id], offset=offset)
        if output["end"] > offset:
            seen.append((output["end"], output["state"]))
            offset = output["end"]
        if output["finished"]:
            break
        time.sleep(0.05)
    assert len(seen) >= 3, f"the output came in {len(seen)} pieces: {seen}"
    assert seen[0][1] == "running"
