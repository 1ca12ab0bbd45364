import pytest
from tower_engine.template.renaming import rename_variable

CASES = [
    ("{{ old }}", "{{ new }}"),
    (
        "{{old}} {{ old|upper }} {{ old.x }} {{ old['old'] }}",
        "{{new}} {{ new|upper }} {{ new.x }} {{ new['old'] }}",
    ),
    ("{% if old %}a{% elif not old %}b{% endif %}", "{% if new %}a{% elif not new %}b{% endif %}"),
    ("{{ a.old + old }} {{ a|default(old) }}", "{{ a.old + new }} {{ a|default(new) }}"),
    ("{{ dict(old=old) }}", "{{ dict(old=new) }}"),
    ("{{ {old: 1, 'old': \"old\"} }}", "{{ {new: 1, 'old': \"old\"} }}"),
    ("{{ old is defined and x is divisibleby old }}", "{{ new is defined and x is divisibleby new }}"),
    ("{% for i in old -%} {{ i ~ old }} {%- endfor %}", "{% for i in new -%} {{ i ~ new }} {%- endfor %}"),
    ("{% set y = old %}{{ y }}", "{% set y = new %}{{ y }}"),
    (
        "old {# old #} {% raw %}{{ old }}{% endraw %}{{ old }}",
        "old {# old #} {% raw %}{{ old }}{% endraw %}{{ new }}",
    ),
    ("older {{ older }} {{ old_er }} {{ old }}", "older {{ older }} {{ old_er }} {{ new }}"),
    (
        "a\r\n{% if old %}\r\n {{ old }}\r\n{% endif %}\r\n\n",
        "a\r\n{% if new %}\r\n {{ new }}\r\n{% endif %}\r\n\n",
    ),
    ("  {%- if old -%}  x  {%- endif -%}  ", "  {%- if new -%}  x  {%- endif -%}  "),
    ("{{ 1 if x == old else old }}", "{{ 1 if x == new else new }}"),
    # not a use of the variable at all
    ("{% for old in xs %}{{ old }}{% endfor %}", "{% for old in xs %}{{ old }}{% endfor %}"),
    ("echo old", "echo old"),
    ("{{ tower.old }}", "{{ tower.old }}"),
    ("{{ f(g(1), old=2) }}{{ old }}", "{{ f(g(1), old=2) }}{{ new }}"),
    ("{{ old", "{{ old"),
    # bound in one place and free in another: renaming both keeps the meaning
    (
        "{% for old in xs %}{{ old }}{% endfor %}{{ old }}",
        "{% for new in xs %}{{ new }}{% endfor %}{{ new }}",
    ),
]


@pytest.mark.parametrize(("before", "after"), CASES)
def test_only_uses_of_the_variable_are_renamed(before, after):
    assert rename_variable(before, "old", "new") == after


@pytest.mark.parametrize(
    "source",
    [
        "{% for new in xs %}{{ old }}{% endfor %}",
        "{% set new = 1 %}{{ old }}",
        "{% macro m(old) %}{{ old }}{% endmacro %}{{ m(old=1) }}{{ old }}",
        "{{ old }}{% macro new() %}{% endmacro %}",
    ],
)
def test_a_template_that_would_change_its_meaning_is_refused(source):
    with pytest.raises(ValueError):
        rename_variable(source, "old", "new")
