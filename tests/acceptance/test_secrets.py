"""Secrets arrive at the host as they are, and are nowhere to be seen in Tower."""

import base64
import json
import urllib.parse

import instance as tower
import pytest

SECRETS = {
    "quotes": 'it\'s a "secret" `id` $HOME $(id) \\ end',
    "lines": "first secret line\nsecond secret line\n\nlast secret line",
    "unicode": "Пароль-пробел ünïcödé 秘密の値",
    "long": "".join(chr(33 + (7 * index) % 90) for index in range(8192)),
    "plain": "simple-secret-value-42",
}


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def server_id(client, one_host):
    return one_host.register(client, "Secrets")


@pytest.fixture(scope="module")
def stored(client):
    for reference, value in SECRETS.items():
        client.create("cx.tower.key", name=reference, reference=reference, key_type="s", secret_value=value)
    return SECRETS


def forms(value):
    """Ways in which a secret could be seen."""
    found = {
        value,
        urllib.parse.quote(value),
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()).decode(),
    }
    found |= {line for line in value.splitlines() if len(line) > 6}
    found |= {form.replace("\\", "\\\\") for form in found}  # as COPY writes a backslash
    return found


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "code",
    ["printf %s {}", 'printf %s "{}"', "printf %s '{}'", "cat <<EOF | head -c -1\n{}\nEOF\n"],
    ids=["bare", "double", "single", "heredoc"],
)
def test_a_secret_arrives_as_it_is(client, server_id, stored, host_dir, name, code):
    target = host_dir / "arrived"
    placeholder = f"#!cxtower.secret.{name}!#"
    log_id = client.call(
        "cx.tower.server", "run_code", [server_id], f"({code.format(placeholder)}) > {target}"
    )["id"]
    ended = client.wait_for(log_id)
    assert ended["state"] == "done", ended
    assert target.read_text() == stored[name]


def test_python_gets_the_value_and_shows_it_masked(client, server_id, stored):
    for name, value in stored.items():
        code = f'v = #!cxtower.secret.{name}!#\nresult = {{"exit_code": len(v), "message": "<" + v + ">"}}'
        ended = client.wait_for(
            client.call("cx.tower.server", "run_code", [server_id], code, "python_code")["id"]
        )
        assert ended["exit_code"] == len(value)
        assert ended["error"] == f"<*** {name} ***>"


def test_a_secret_without_a_value_fails_before_anything_runs(client, server_id, host_dir):
    code = f"touch {host_dir}/ran; echo #!cxtower.secret.nobody_set_this!#"
    ended = client.wait_for(client.call("cx.tower.server", "run_code", [server_id], code)["id"])
    assert (ended["exit_code"], ended["state"]) == (-212, "failed")
    assert "nobody_set_this" in ended["message"]
    assert not (host_dir / "ran").exists()


def test_a_typed_value_cannot_name_a_secret(client, server_id, stored):
    values = {"given": "#!cxtower.secret.plain!#"}
    client.create("cx.tower.variable", name="given", reference="given")
    log_id = client.call(
        "cx.tower.server", "run_code", [server_id], "echo '{{ given }}'", variable_values=values
    )["id"]
    assert client.wait_for(log_id)["response"] == "#!cxtower.secret.plain!#\n"


def test_nothing_in_tower_shows_a_secret(server, client, server_id, stored, database, tmp_path):
    """Print every secret in every form on both streams; then look through the whole database and the log file."""
    for name in stored:
        placeholder = f"#!cxtower.secret.{name}!#"
        code = (
            f"printf '%s\\n' \"{placeholder}\"; printf '%s' '{placeholder}' >&2;"
            f" printf '%s' \"{placeholder}\" | base64 -w0; printf '%s' '{placeholder}' | while IFS= read -r line;"
            ' do for c in "$line"; do printf %s "$c"; sleep 0.01; done; done'
        )
        client.wait_for(client.call("cx.tower.server", "run_code", [server_id], code)["id"])
        python = f"x = #!cxtower.secret.{name}!#\nraise UserError('failed with ' + x)"
        client.wait_for(client.call("cx.tower.server", "run_code", [server_id], python, "python_code")["id"])
        syntax = f"x = = #!cxtower.secret.{name}!#"
        client.wait_for(client.call("cx.tower.server", "run_code", [server_id], syntax, "python_code")["id"])
    dump = database.dump()
    assert len(dump) > 1_000_000 and "simple" in dump
    for name, value in stored.items():
        for form in forms(value):
            assert form not in dump, f"{name} is in the database"
            assert form not in server.log(), f"{name} is in the server's log"


def test_no_call_gives_a_secret_back(client, stored):
    for key in client.call("cx.tower.key", "search_read", [("reference", "in", list(stored))]):
        answers = [
            key,
            client.call("cx.tower.key", "read", [key["id"]]),
            client.call(
                "cx.tower.key", "export_data", [key["id"]], ["name", "secret_value", "value_ids/secret_value"]
            ),
            client.call("cx.tower.key", "web_read", [key["id"]], {"secret_value": {}}),
            client.call("cx.tower.key", "copy_data", [key["id"]]),
        ]
        assert stored[key["reference"]] not in json.dumps(answers, ensure_ascii=False)
        assert json.dumps(stored[key["reference"]])[1:-1] not in json.dumps(answers)
    with pytest.raises(tower.RpcError):
        client.call("cx.tower.vault", "search_read", [])
