from collections.abc import Mapping

from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.errors import EngineError
from odoo.addons.cetmix_tower_server.engine.template.placeholders import find_secrets
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_role_mixin import GROUP_MANAGER
from odoo.exceptions import AccessError, UserError, ValidationError
from psycopg2.errors import UniqueViolation

from .levels import level_in_tower

#: Links whose other end is changed, too: the caller needs the right to write it.
TWO_ENDED = ("scheduled_task_ids", "server_log_ids")
#: Roles, which only Managers give.
ROLES = ("user_ids", "manager_ids")


class CxTowerJetTemplate(models.Model):
    """Creating a jet from a template, completely or not at all, in one transaction."""

    _inherit = "cx.tower.jet.template"

    # ------------------------------------------------------------------ public

    def create_jet(self, server, name=None, state=None, **kwargs):
        """Create a jet of this template and bring it to a state.

        :param server: record, id or reference of the server, where the template is installed
        :param name: its name; None: the template's name and a random ID
        :param state: record, id or reference of the state to bring it to; None: where the create action leads; False or "":
            none, nothing is run
        :param kwargs: ``variable_values``: {reference of a variable: text or number; None: no own value}; other names are those
            of :meth:`_allowed_jet_fields`. ``reference`` is used as it is, or refused. Lists take ids or records.
        :return: the jet (a list with its id over RPC). See :meth:`launch_jet` for plain values.
        :raise AccessError: the caller may not launch jets of this template, read the server, or set one of the values
        :raise ValidationError: unknown server, state, name or variable; a required value is missing
        :raise UserError: not installed there, no place left, no free value, or no way leads to the state
        """
        self.ensure_one()
        self.check_access("read")
        server = self.env["cx.tower.server"]._one_named(server)
        with self.env.cr.savepoint():  # leaves nothing behind if a script continues after an error
            return self._create_new_jet(server, name, state, **kwargs)

    def launch_jet(self, server, name=None, state=None, **kwargs):
        """Create a jet as :meth:`create_jet` does. For RPC.

        :return: dict: ``jet`` (reference), ``jet_id``, ``name``, ``transition`` (id; 0 for none), ``log`` (id of its flight plan
            run; 0 for none so far), ``state`` (of the transition, "done" for none), ``message``
        """
        jet = self.create_jet(server, name, state, **kwargs)
        transition = jet.sudo()._last_transition()  # sudo: of the jet that the caller has just created
        none = {
            "jet": jet.reference,
            "jet_id": jet.id,
            "transition": 0,
            "log": 0,
            "state": "done",
            "message": "",
        }
        return {"name": jet.name, **(transition._trigger_result() if transition else none)}

    # ------------------------------------------------------------------ extension points

    @api.model
    def _allowed_jet_fields(self):
        """Return the names of fields of a jet that :meth:`create_jet` takes. Extension point."""
        return [
            "url",
            "note",
            "reference",
            "sequence",
            "tag_ids",
            "partner_id",
            "jet_cloned_from_id",
            "scheduled_task_ids",
            "server_log_ids",
            "user_ids",
            "manager_ids",
        ]

    def _generate_jet_name(self):
        """Return a name for a new jet. Extension point."""
        self.ensure_one()
        return f"{self.name} {self.env['cetmix.tower'].generate_random_id(2)}"

    # ------------------------------------------------------------------ all steps

    def _create_new_jet(
        self, server, name=None, state=None, asking=None, variable_values=None, taken_over=None, **kwargs
    ):
        """Create a jet; see :meth:`create_jet`. The caller has read access to the template.

        :param asking: :class:`engine.asking.Asking`; None: the caller asks
        :param taken_over: fields that the jet gets from another one, and ``own_values``, a list of values of variables. The
            caller did not enter them, so they are not checked; what the caller passes wins.
        :return: the jet, with the caller's rights
        """
        server.check_access("read")
        self._check_may_launch()
        values, later = self._prepare_jet_values(kwargs)
        self._check_user_texts(name, values.get("url"))
        taken_over = dict(taken_over or {})
        own_values = self._prepare_own_values(variable_values or {}, taken_over.pop("own_values", []))
        values = taken_over | values
        values |= {
            "name": self._name_argument(taken_over.get("name") if name is None else name),
            "jet_template_id": self.id,
            "server_id": server.id,
            "variable_value_ids": [fields.Command.create(vals) for vals in own_values],
        }
        jet = self._create_checked(values)
        for log in later.get("server_log_ids", ()):
            place = {"jet_id": jet.id, "server_id": server.id, "jet_template_id": False}
            log.copy({**place, "name": log.name})
        jet._message_log(body=self.env._("Created from the template %s.", self._get_html_link()))
        self._bring_to_first_state(jet, state, asking)
        return jet

    def _create_checked(self, values):
        """Create a jet whose values were checked. A given reference is used as it is."""
        # Defaults in the caller's context would be applied as superuser.
        context = {key: value for key, value in self.env.context.items() if not key.startswith("default_")}
        context |= {"mail_create_nolog": True, "reference_mixin_override": bool(values.get("reference"))}
        Jet = self.env["cx.tower.jet"]
        # sudo: whoever may launch jets of a template creates them, also without the right to create jets elsewhere
        creator = Jet.sudo().with_context(context)  # pylint: disable=context-overridden
        try:
            return creator.create(values).with_env(self.env)
        except UniqueViolation as error:
            if error.diag.constraint_name != Jet._reference_unique.full_name(Jet):
                raise
            raise self._taken_reference(values["reference"]) from None

    def _bring_to_first_state(self, jet, state, asking):
        """Begin the way to the state that a new jet was asked for."""
        if state is None:
            goal = self.sudo().action_create_id.state_to_id  # sudo: the path checks the caller's level
        else:
            # sudo: a state above the caller's level is refused by name, not hidden
            goal = jet._state_argument(state and self.env["cx.tower.jet.state"].sudo()._one_named(state))
        if not goal:
            return
        try:
            jet._bring_to_state(goal, asking)
        except EngineError as refused:
            raise UserError(str(refused)) from refused

    # ------------------------------------------------------------------ rights and arguments

    def _check_may_launch(self):
        """Raise AccessError unless the caller may launch jets of this template."""
        if not self._is_launcher():
            raise AccessError(
                self.env._(
                    "You may not launch jets of “%s”. Ask one of its Managers to add you to its Users.",
                    self.name,
                )
            )

    def _why_no_new_jet(self, server):
        """Return why the caller cannot create a jet of this template on a server now, in a sentence; "" if they can.

        :param server: server that the caller may read
        """
        self.ensure_one()
        try:
            self._check_may_launch()
        except AccessError as error:
            return str(error)
        problem = self._problem_with_server(server)
        if problem:
            return problem
        domain = [("jet_template_id", "=", self.id), ("server_id", "=", server.id), ("seat", "!=", False)]
        # sudo: all jets count, whoever sees them
        count = self.env["cx.tower.jet"].sudo().with_context(active_test=False).search_count(domain)
        return self.sudo()._full_text(server) if self.sudo()._is_full(count) else ""  # sudo: names, the limit

    def _name_argument(self, name):
        if name is None or name is False:
            return self.sudo()._generate_jet_name()  # sudo: an override may read what the template links
        if not isinstance(name, str) or not name.strip():
            raise ValidationError(self.env._("Enter a name for the new jet."))
        return name

    def _taken_reference(self, reference):
        return ValidationError(
            self.env._("The reference “%s” is taken. Choose another one, or leave it out.", reference)
        )

    # ------------------------------------------------------------------ fields

    def _prepare_jet_values(self, given):
        """Return (values to create a jet with, checked as the caller; {name: records} to be given to it afterwards)."""
        allowed = self._allowed_jet_fields()
        unknown = sorted(set(given).difference(allowed))
        if unknown:
            raise ValidationError(
                self.env._(
                    "A new jet does not take %(unknown)s. Possible are variable_values, %(allowed)s.",
                    unknown=", ".join(unknown),
                    allowed=", ".join(allowed),
                )
            )
        Jet, values, later = self.env["cx.tower.jet"], {}, {}
        for name, value in given.items():
            field = Jet._fields[name]
            if value is None:
                continue
            if not field.relational:
                values[name] = value
            elif value is False and field.type == "many2one":
                values[name] = False
            elif name == "server_log_ids":
                later[name] = self._linked_argument(
                    field, value
                ).sudo()  # sudo: the right to write them was checked
            else:
                linked = self._linked_argument(field, value)
                values[name] = [fields.Command.set(linked.ids)] if field.type != "many2one" else linked.id
        if values.get("reference"):
            Jet._check_given_references([values])
            # sudo: only whether it is taken
            if (
                Jet.sudo()
                .with_context(active_test=False)
                .search_count([("reference", "=", values["reference"])])
            ):
                raise self._taken_reference(values["reference"])
        return values, later

    def _linked_argument(self, field, value):
        """Return the records that the caller links to a new jet. They must be allowed to do so."""
        records = self.env[field.comodel_name]
        if isinstance(value, models.BaseModel):
            found = records.browse(value.ids)
        else:
            ids = [value] if isinstance(value, int) else value
            ids = [one for item in ids or () for one in self._ids_in(item)]
            found = records.browse(ids).exists()
            if len(found) != len(set(ids)):
                raise ValidationError(
                    self.env._("“%(field)s” names records that do not exist.", field=field.name)
                )
        if found._name != field.comodel_name or (field.type == "many2one" and len(found) > 1):
            raise ValidationError(self.env._("“%(field)s” does not take this value.", field=field.name))
        found.check_access("write" if field.name in TWO_ENDED else "read")
        if field.name in ROLES:
            found = self._role_argument(field.name, found)
        return found

    def _ids_in(self, item):
        """Return the ids in an element of a list: an id, or a command that links or sets."""
        if isinstance(item, int) and not isinstance(item, bool):
            return [item]
        if isinstance(item, (list, tuple)) and item and item[0] in (fields.Command.LINK, fields.Command.SET):
            return [item[1]] if item[0] == fields.Command.LINK else list(item[2])
        raise ValidationError(self.env._("Pass lists of records as their IDs."))

    def _role_argument(self, name, people):
        """Return the people of a role of a new jet. Who creates it keeps the role that they would have."""
        user = self.env.user
        if not (self.env.su or user.has_group(GROUP_MANAGER)):
            raise AccessError(self.env._("Only Managers choose the Users and Managers of a new jet."))
        return people | (user if name == "manager_ids" and not user._is_superuser() else user.browse())

    # ------------------------------------------------------------------ values of variables

    def _prepare_own_values(self, given, taken_over=()):
        """Return the values of variables that a new jet gets of its own, checked as the caller.

        :param taken_over: values that it gets from another jet, unless the caller passes one for the same variable
        """
        if not isinstance(given, Mapping):
            raise ValidationError(
                self.env._("Pass values of variables as {reference of the variable: value}.")
            )
        texts = {reference: self._variable_text(value) for reference, value in given.items()}
        Variable = self.env["cx.tower.variable"]
        variables = Variable.search([("reference", "in", sorted(map(str, texts)))])
        unknown = sorted(set(texts).difference(variables.mapped("reference")))
        if unknown:
            raise ValidationError(
                self.env._(
                    "There are no variables %s, or you are not allowed to use them.",
                    ", ".join(f"“{reference}”" for reference in unknown),
                )
            )
        Variable._check_may_name([text for text in texts.values() if text])
        self._check_no_secrets(texts)
        self._check_user_texts(texts=texts)
        self._check_overridden(texts)
        taken_over = [value for value in taken_over if value["variable_id"] not in variables.ids]
        self._check_required(self._texts_of(taken_over) | texts)
        return taken_over + [
            {"variable_id": variable.id, "value_char": texts[variable.reference]}
            for variable in variables
            if texts[variable.reference] is not False
        ]

    def _texts_of(self, values):
        """Return {variable reference: text} of values as :meth:`_prepare_own_values` returns them."""
        # sudo: only whether they are there is found out
        Variable = self.env["cx.tower.variable"].sudo()
        return {Variable.browse(value["variable_id"]).reference: value["value_char"] for value in values}

    def _values_of_template(self):
        """Return all values of this template, as superuser."""
        # sudo: callers only use names, or check what they show
        return self.env["cx.tower.variable.value"].sudo().search([("jet_template_id", "=", self.id)])

    def _check_no_secrets(self, texts):
        """Raise AccessError if a caller of level User, who may read no secret, passes a value that uses one."""
        if self.env.su or self.env.user.has_group(GROUP_MANAGER):
            return
        using = [reference for reference, text in texts.items() if text and find_secrets(text)]
        if using:
            raise AccessError(
                self.env._(
                    "Only Managers may use secrets in values. Change the value of %s.",
                    ", ".join(f"“{reference}”" for reference in using),
                )
            )

    def _check_overridden(self, texts):
        """Raise AccessError for a value that would override one of the template which the caller may not read."""
        level = level_in_tower(self.env)
        hidden = self._values_of_template().filtered(
            lambda value: value.variable_reference in texts and value.access_level > level
        )
        if hidden:
            raise AccessError(
                self.env._(
                    "You are not allowed to override %(variables)s, which template “%(template)s” sets.",
                    template=self.name,
                    variables=", ".join(f"“{name}”" for name in hidden.mapped("variable_reference")),
                )
            )

    def _check_required(self, texts):
        """Raise one ValidationError that lists all required values that are missing."""
        missing = self._find_missing_values(texts)
        if missing:
            raise ValidationError(
                self.env._(
                    "“%(template)s” requires values for a new jet. Missing: %(variables)s.",
                    template=self.name,
                    variables=", ".join(f"{variable.name} ({variable.reference})" for variable in missing),
                )
            )

    def _find_missing_values(self, texts):
        """Return the variables, as superuser, whose required values neither the template nor the caller gives. Extension point.

        :param texts: {variable reference: text or False}
        """
        values = self._values_of_template().filtered("required")
        return values.filtered(
            lambda value: not (texts.get(value.variable_reference) or value.value_char or "").strip()
        ).variable_id
