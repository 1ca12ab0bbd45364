import pytest
from tower_engine.ssh.address import Kind, classify, normalise


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("192.0.2.10", Kind.IPV4),
        ("2001:db8::10", Kind.IPV6),
        ("::1", Kind.IPV6),
        ("fe80::1%eth0", Kind.IPV6),
        ("localhost", Kind.NAME),
        ("web-1.example.com", Kind.NAME),
        ("web.example.com.", Kind.NAME),
        ("db_1", Kind.NAME),
        ("bücher.example", Kind.NAME),
        ("1password.example", Kind.NAME),
    ],
)
def test_kind_of_an_address(text, kind):
    assert classify(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "192.0.2.999",
        "192.0.2",
        "10",
        "2001:db8::zz",
        "host name",
        "-web.example.com",
        "web-.example.com",
        "web..example.com",
        "https://web.example.com",
        "root@web",
        "web:22",
        "web;reboot",
        "web\nevil",
        "a" * 64,
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_address(text):
    with pytest.raises(ValueError):
        classify(text)


def test_blanks_and_brackets_of_a_pasted_address_are_dropped():
    assert normalise(" [2001:db8::1] ") == "2001:db8::1"
    assert normalise("web ") == "web"
