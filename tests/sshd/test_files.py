"""Files over SFTP on a real host, without sudo."""

import io
import os

from tower_engine.ssh.files import Content, PushSpec


def test_a_round(files, folder):
    data = os.urandom(3_000_000)
    files.push(PushSpec(f"{folder}/a b", Content.from_bytes(data)))
    out = io.BytesIO()
    pulled = files.pull(f"{folder}/a b", out)
    assert out.getvalue() == data
    assert files.stat(f"{folder}/a b", digest=True) == pulled
    assert files.tail(f"{folder}/a b", 1000) == data[-1000:]
    assert files.delete(f"{folder}/a b") and not files.delete(f"{folder}/a b")
    assert os.listdir(folder) == []


def test_many(files, folder):
    results = []
    specs = [PushSpec(f"{folder}/x/y/{n}", Content.from_bytes(b"x" * n)) for n in range(100)]
    files.push_many(specs, lambda _spec, result: results.append(result))
    assert {result.size for result in results} == set(range(100))
    assert len(os.listdir(f"{folder}/x/y")) == 100
