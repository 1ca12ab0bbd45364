"""A file of a run is the same after its way through the database, also when another version of Tower wrote it."""

import json
from dataclasses import replace

import pytest
from tower_engine.exit_codes import ExitCode
from tower_engine.files.document import FileDocument, FileToMake, RecordOfStep, StoredContent
from tower_engine.files.operations import PULL, PUSH
from tower_engine.run_request import RunInput

TEXT = FileDocument(PUSH, "/etc/a", name="a", mode="600", sudo=True, file_id=7, change_mark="", content="")
BINARY = FileDocument(PUSH, "/srv/b", file_type="binary", attachment=StoredContent(3, "abc", 12))
STEP = FileDocument(
    PULL, "/c", if_exists="skip", record=RecordOfStep(5, True, {"name": "c", "use_sudo": False})
)
TO_MAKE = FileToMake(5, "Web", "{{ name }}.conf", "/etc", "skip", source="server", auto_sync=True)


def through_json(document):
    return json.loads(json.dumps(document.to_plain()))


@pytest.mark.parametrize("document", [TEXT, BINARY, STEP, TEXT.refused("No value.", 3)])
def test_a_document_comes_back_as_it_was(document):
    assert FileDocument.from_plain(through_json(document)) == document


def test_what_is_not_given_is_not_kept():
    assert {"content", "attachment", "error", "exit_code", "file_id"}.isdisjoint(STEP.to_plain())


def test_unknown_keys_are_left_out():
    plain = through_json(BINARY)
    plain["attachment"]["later"] = plain["later"] = 1
    assert FileDocument.from_plain(plain) == BINARY
    step = through_json(STEP)
    step["record"]["later"] = 1
    assert FileDocument.from_plain(step) == STEP


def test_missing_keys_have_defaults():
    assert FileDocument.from_plain({"operation": PULL, "content": None}) == FileDocument(PULL)
    assert FileDocument(PULL).change_mark is None
    assert FileToMake.of({"file": {"template_id": 5}}) == FileToMake(5)


def test_a_refused_file_has_a_reason_and_no_content():
    refused = replace(TEXT, content="x").refused("No value.", ExitCode.SECRET_NOT_FOUND)
    assert (refused.content, refused.error) == (None, "No value.")
    assert refused.to_plain()["exit_code"] == int(ExitCode.SECRET_NOT_FOUND)


def test_a_run_carries_its_files():
    run = RunInput("file_using_template", "n", secrets=[], files=[TEXT, BINARY, STEP])
    assert RunInput.from_plain(through_json(run)) == run
    assert FileDocument.all_in(run.to_plain()) == [TEXT, BINARY, STEP]
    assert FileDocument.all_in({}) == []
    assert RunInput.from_plain({"action": "ssh_command", "nonce": "n"}).files is None


def test_the_file_that_a_command_makes_keeps_all_its_keys():
    assert FileToMake.of({"file": through_json(TO_MAKE), "name": "line"}) == TO_MAKE
    assert len(TO_MAKE.to_plain()) == 15
    assert (TO_MAKE.operation, FileToMake().operation) == (PULL, PUSH)
    assert FileToMake.of({"name": "line"}) is None
