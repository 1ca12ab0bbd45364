"""A kept database is updated when something that it stores of an addon has changed, and only then."""

import pytest
from tower_setup.database_state import state_of

MODEL = """
class Server(models.Model):
    name = fields.Char()

    @api.depends("name")
    def _compute_label(self):
        return 1
"""


@pytest.fixture
def addon(tmp_path):
    files = {
        "__manifest__.py": "{'data': ['views/server.xml']}",
        "models/server.py": MODEL,
        "views/server.xml": "<odoo/>",
        "tests/test_server.py": "class TestServer: ...",
        "static/src/server.xml": "<templates/>",
    }
    for name, text in files.items():
        path = tmp_path / "an_addon" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "an_addon"


@pytest.mark.parametrize(
    ("name", "text", "is_update_needed"),
    [
        ("models/server.py", MODEL.replace("return 1", "return 2"), False),
        ("models/server.py", MODEL.replace("Char()", "Char(index=True)"), True),
        ("models/server.py", MODEL + "    def init(self): drop()\n", True),
        ("models/server.py", "class Server(", True),
        ("views/server.xml", "<odoo><data/></odoo>", True),
        ("security/rules.xml", "<odoo/>", True),
        ("__manifest__.py", "{}", True),
        ("tests/test_server.py", "", False),
        ("static/src/server.xml", "<templates><t/></templates>", False),
    ],
)
def test_what_makes_an_update_necessary(addon, name, text, is_update_needed):
    before = state_of([addon])
    (addon / name).parent.mkdir(exist_ok=True)
    (addon / name).write_text(text)
    assert (state_of([addon]) != before) is is_update_needed


def test_a_removed_file_makes_an_update_necessary(addon):
    before = state_of([addon])
    (addon / "views/server.xml").unlink()
    assert state_of([addon]) != before
