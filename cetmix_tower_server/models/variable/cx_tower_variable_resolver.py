import re
import uuid
from functools import lru_cache
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...engine.errors import OutOfBudget, RenderingError
from ...engine.template.rendering import VariableScope, find_variables
from ...engine.template.tags import has_tags
from ...engine.values.rules import ValueRule, ValueRules
from .modifier import check_modifier

GLOBAL_SCOPE = "global"
# What a row of cx_tower_variable_value says: one without text says that the text is empty, unless a value is required there.
STORED_TEXT = SQL("COALESCE(value_char, '')")
COUNTS = SQL("active AND (value_char <> '' OR NOT COALESCE(required, FALSE))")


@lru_cache(maxsize=4096)
def _read_template(text):
    """Return (names that a template uses, why it is malformed or ""). Saving a text asks twice: to check it, and to
    link its variables.

    :raise engine.errors.OutOfBudget: that takes too long to find out
    """
    try:
        return frozenset(find_variables(text)), ""
    except OutOfBudget:
        raise
    except RenderingError as err:
        return frozenset(), str(err)


def _verbatim(text):
    """Return a text for a message in which "%" has a meaning."""
    return str(text).replace("%", "%%")


class CxTowerVariableResolver(models.AbstractModel):
    """Which value of a variable counts where: everything between the tables and the engine's rendering.

    Part of ``cx.tower.variable``; a file of its own because it has a reason of its own to change.
    """

    _name = "cx.tower.variable.resolver"
    _description = "Tower Variable Resolver"

    # ------------------------------------------------------------------ extension points

    @api.model
    def _get_scopes(self, server=None, plan_line_action=None, server_template=None, **scopes):
        """Return [(scope name, record)] from most to least specific, global excluded.

        The name of a scope is the name of the values' owner field without "_id". Override to put further scopes
        where they belong; what is not given is left out.

        :param server: cx.tower.server record or None
        :param plan_line_action: cx.tower.plan.line.action record or None; stands alone
        :param server_template: cx.tower.server.template record or None; only what is global comes behind it
        :param scopes: records of other scopes, by scope name
        """
        if plan_line_action:
            return [("plan_line_action", plan_line_action)]
        if server_template:
            return [("server_template", server_template)]
        return [("server", server)] if server else []

    @api.model
    def _get_system_variable_values(self, server=None, tools=None, **scopes):
        """Return the value of ``tower`` in templates, as dictionaries; a provider that is missing is empty.

        :param tools: ``tower.tools`` of the same run, when it was made before: it must not change within a run
        """
        return {
            "server": self._get_server_system_values(server) if server else {},
            "tools": tools or self._make_tools_values(),
        }

    @api.model
    def _get_server_system_values(self, server):
        # sudo: a run may use the facts of its server, also those a plain user does not see on the form
        server = server.sudo()
        values = {
            "name": server.name,
            "reference": server.reference,
            "username": server.ssh_username,
            "partner_name": server.partner_id.name,
            "ipv4": server.ip_v4_address,
            "ipv6": server.ip_v6_address,
            "status": server.status,
            "os": server.os_id.name,
            "url": server.url,
            "metadata": server.metadata,
            **self._split_url(server.url),
        }
        return {name: value or None for name, value in values.items()}

    @api.model
    def _split_url(self, url):
        """Return hostname, netloc and port of a URL, or nothing when there is none."""
        if not url:
            return {}
        try:
            parts = urlsplit(url if "//" in url else f"//{url}")
            return {"hostname": parts.hostname, "netloc": parts.netloc, "port": parts.port}
        except ValueError:
            return {}

    @api.model
    def _make_tools_values(self):
        """Return ``tower.tools``: a fresh identifier and the time (UTC). Made once a run."""
        today, now = str(fields.Date.today()), str(fields.Datetime.now())
        return {
            "uuid": str(uuid.uuid4()),
            "today": today,
            "now": now,
            "today_underscore": re.sub(r"\D", "_", today),
            "now_underscore": re.sub(r"\D", "_", now),
        }

    # ------------------------------------------------------------------ values of a run

    @api.model
    def _variable_scope(self, server=None, custom_values=None, references=None, tools=None, **scopes):
        """Return the engine's ``VariableScope`` for one run: all values it may need, read with one query.

        Reads without the caller's rights: who may run a command may use the values it names.

        :param server: cx.tower.server record or None
        :param custom_values: {reference: value} of this run; these win
        :param references: variables the texts of the run name (values they use are found by themselves);
            None for all variables
        :param tools: ``tower.tools`` of the same run when it was made before
        :param scopes: records of other scopes, by scope name
        """
        records = {"server": server, **scopes}
        pairs = self._get_scopes(**records)
        return self._make_scope(self._fetch_values(pairs, references), pairs, custom_values, records, tools)

    @api.model
    def _make_scope(self, rows, pairs, custom_values, records, tools=None):
        """Return the engine's ``VariableScope`` of values that were read before.

        :param rows: one row a variable, as of :meth:`_fetch_values`
        :param pairs: the scopes that were searched, as of :meth:`_get_scopes`
        :param records: {scope name: record}, for the system values
        """
        return VariableScope(
            stored={row["reference"]: row["text"] for row in rows},
            custom=dict(custom_values or {}),
            system={"tower": self._get_system_variable_values(tools=tools, **records)},
            modify=self._make_modifier({row["reference"]: row for row in rows}),
            searched=", ".join([*(name.replace("_", " ") for name, _record in pairs), GLOBAL_SCOPE]),
        )

    @api.model
    def _variable_scopes(self, owners, custom_values=None, references=None, tools=None):
        """Return {owner id: ``VariableScope``} for the same run on many owners of one model, with one query for all.

        :param owners: records with ``_get_variable_scope_records``: run targets
        Other parameters: as of :meth:`_variable_scope`.
        """
        records = [owner._get_variable_scope_records() for owner in owners]
        pairs = [self._get_scopes(**own) for own in records]
        rows = self._fetch_values_of_many(pairs, references)
        return {
            owner.id: self._make_scope(found, scopes, custom_values, own, tools)
            for owner, own, scopes, found in zip(owners, records, pairs, rows, strict=True)
        }

    @api.model
    def _fetch_values(self, scopes, references=None):
        """Return one dictionary a variable, read with one query whatever the number and nesting of variables."""
        return self._fetch_values_of_many([scopes], references)[0]

    @api.model
    def _fetch_values_of_many(self, scopes_of_all, references=None):
        """Return, for each list of scopes, what :meth:`_fetch_values` returns for it; one query for all.

        :param scopes_of_all: lists of [(scope name, record)] with the same names in the same order
        """
        found = [[] for _scopes in scopes_of_all]
        if not found:
            return found
        self._flush_for_resolving()
        start = SQL("TRUE") if references is None else SQL("reference = ANY(%s)", sorted(set(references)))
        names = [name for name, _record in scopes_of_all[0]]
        candidates = self._candidates_query(names)
        # From the variables asked for, along "value uses variable", to all that are needed. UNION (without ALL)
        # ends it where variables use each other in a circle; the circle is reported when it is rendered.
        query = SQL(
            """
            WITH RECURSIVE target AS (SELECT * FROM unnest(%(owners)s) AS target (%(columns)s)),
            needed AS (
                SELECT target.number, variable.id FROM target, cx_tower_variable variable WHERE %(start)s
                UNION
                SELECT needed.number, used.variable_id
                  FROM needed
                  JOIN target ON target.number = needed.number
                 CROSS JOIN LATERAL %(candidates)s AS candidate
                  JOIN cx_tower_variable_value_used_variable_rel used ON used.value_id = candidate.id
            )
            SELECT DISTINCT ON (needed.number, variable.id) needed.number,
                   variable.reference, candidate.value_char AS text, candidate.scope, candidate.id AS value_id,
                   variable.applied_expression, variable.validation_pattern, %(message)s AS validation_message
              FROM needed
              JOIN target ON target.number = needed.number
              JOIN cx_tower_variable variable ON variable.id = needed.id
              LEFT JOIN LATERAL %(candidates)s AS candidate ON TRUE
             ORDER BY needed.number, variable.id, candidate.rank
            """,
            owners=self._owner_arrays(names, scopes_of_all),
            columns=SQL(", ").join(map(SQL.identifier, ["number", *names])),
            start=start,
            candidates=candidates,
            message=self.env["cx.tower.variable"]._field_to_sql("variable", "validation_message"),
        )
        self.env.cr.execute(query)
        for row in self.env.cr.dictfetchall():
            found[row.pop("number")].append(row)
        return found

    @api.model
    def _owner_arrays(self, names, scopes_of_all):
        """Return the arrays that become the columns of ``target``: numbers, then the owners' ids of each scope."""
        owners = [dict(scopes) for scopes in scopes_of_all]
        columns = [[own[name].id if own[name] else None for own in owners] for name in names]
        return SQL(", ").join(SQL("%s::int[]", column) for column in [list(range(len(owners))), *columns])

    @api.model
    def _flush_for_resolving(self):
        values = self.env["cx.tower.variable.value"]
        values.flush_model(
            [
                "value_char",
                "active",
                "required",
                "access_level",
                "is_global",
                "variable_ids",
                *values._get_owner_fields(),
            ]
        )
        self.env["cx.tower.variable"].flush_model(
            [
                "reference",
                "name",
                "access_level",
                "applied_expression",
                "validation_pattern",
                "validation_message",
            ]
        )

    @api.model
    def _candidates_query(self, names):
        """Return the values of variable ``needed.id`` in the scopes of ``target``: one index probe each."""
        owners = [
            (name, SQL("%s = %s", SQL.identifier(f"{name}_id"), SQL.identifier("target", name)))
            for name in names
        ]
        owners.append((GLOBAL_SCOPE, SQL("is_global")))
        selects = [
            SQL(
                "SELECT id, %(text)s AS value_char, %(rank)s AS rank, %(name)s AS scope FROM cx_tower_variable_value"
                " WHERE variable_id = needed.id AND %(owner)s AND %(counts)s",
                text=STORED_TEXT,
                counts=COUNTS,
                rank=rank,
                name=name,
                owner=owner,
            )
            for rank, (name, owner) in enumerate(owners)
        ]
        return SQL("(%s)", SQL(" UNION ALL ").join(selects))

    # ------------------------------------------------------------------ modifiers and validation at run time

    @api.model
    def _make_modifier(self, rows):
        """Return what the engine calls with each stored value it rendered.

        :param rows: {reference: row of :meth:`_fetch_values`}
        """

        return ValueRules({reference: self._make_value_rule(row) for reference, row in rows.items()})

    @api.model
    def _make_value_rule(self, row):
        """Return what a value is held to: its variable's pattern and modifier, with the messages for a person."""
        pattern, expression = row["validation_pattern"] or "", row["applied_expression"] or ""
        if not pattern and not expression:
            return ValueRule()
        problem = check_modifier(expression) if expression else ""
        names = {"variable": _verbatim(row["reference"])}
        return ValueRule(
            pattern=pattern
            if row["text"]
            else "",  # empty on purpose fits any pattern, as it does when it is saved
            pattern_what=self.env._("validation pattern of variable “%s”", row["reference"]),
            # What is no template is checked as it is stored: rendering may have put marks around secrets.
            checked=None if self._is_template(row["text"]) else row["text"],
            invalid=self.env._(
                "Variable “%(variable)s” has the value “%(text)s”: %(message)s",
                text="%(text)s",
                message=_verbatim(
                    row["validation_message"]
                    or self.env._("The value must match the pattern %(pattern)s", pattern=pattern)
                ),
                **names,
            ),
            modifier=expression,
            refused=problem,
            failed=self.env._(
                "The modifier of variable “%(variable)s” failed: %(error)s", error="%(error)s", **names
            ),
        )

    # ------------------------------------------------------------------ templates

    @api.model
    def _is_template(self, text):
        """Return whether a text needs rendering before its value is known."""
        return has_tags(text or "")

    @api.model
    def _find_variables(self, text):
        """Return the references a template uses; an empty set for none, or when it cannot be read."""
        try:
            return self._find_variables_surely(text)
        except OutOfBudget:
            return frozenset()

    @api.model
    def _find_variables_surely(self, text):
        """Return the references a template uses, as rights depend on them; an empty set when it is malformed.

        :raise engine.errors.OutOfBudget: that takes too long to find out
        """
        names, _problem = _read_template(text) if self._is_template(text) else (frozenset(), "")
        return names

    @api.model
    def _check_template_syntax(self, text, where):
        """Raise ValidationError when ``text`` is a malformed template.

        :param where: what the text belongs to, for the message
        """
        if not self._is_template(text):
            return
        try:
            _names, problem = _read_template(text)
        except OutOfBudget as err:
            problem = str(err)
        if problem:
            raise ValidationError(self.env._("%(where)s: %(error)s", where=where, error=problem))

    @api.model
    def _link_used_variables(self, records, field_names):
        """Set ``variable_ids`` of records to the variables that their templates use, with one look-up."""
        used = {
            record: frozenset().union(*(self._find_variables(record[name]) for name in field_names))
            for record in records
        }
        references = set().union(*used.values())
        variables = self.env["cx.tower.variable"]
        if references:
            # sudo: which variables a text names is a fact, whoever saves it
            variables = variables.sudo().search([("reference", "in", sorted(references))])
        by_reference = {variable.reference: variable.id for variable in variables}
        # Records that use the same variables are written together: most use none.
        for names, group in records.grouped(used.get).items():
            group.variable_ids = [
                (6, 0, sorted(by_reference[name] for name in names if name in by_reference))
            ]

    # ------------------------------------------------------------------ levels

    def _raise_level(self, level):
        """Return ``level``, raised to the level of this variable where it is lower or missing."""
        return max(level or "1", self.access_level or "1")

    def _check_level_is_not_below(self, level, name):
        """Raise ValidationError when something that belongs to this variable is open to more people than it."""
        if level < self.access_level:
            raise ValidationError(
                self.env._(
                    "The access level of “%(name)s” cannot be lower than that of variable “%(variable)s”.",
                    name=name,
                    variable=self.name,
                )
            )
