from collections.abc import Mapping

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ...engine.run_request import RunRequest
from ..base.engine_context import engine_says

# Names in the public API for fields of the server.
ALIASES = {"ipv4": "ip_v4_address", "ipv6": "ip_v6_address"}
# Fields that only the template sets.
TEMPLATE_ONLY = ("plan_delete_id", "server_template_id")


class CxTowerServerTemplate(models.Model):
    """Creating a server from a template, completely or not at all, in one transaction.

    What the template holds is copied as superuser: this is what its Users are allowed to do. What the caller adds is written
    with the caller's own rights.
    """

    _inherit = "cx.tower.server.template"

    # ------------------------------------------------------------------ public

    @api.model
    def create_server_from_template(self, template_reference, server_name, **kwargs):
        """Create a server from a template and start the flight plan that the template has for new servers.

        :param str template_reference: reference of the template
        :param str server_name: name of the new server
        :param kwargs: all optional. ``partner``: record, id or reference ("ref") of its partner; ``ipv4``, ``ipv6``: its
            addresses; ``ssh_password``: overrides the template's; ``ssh_key``: reference of a key, overrides the
            template's; ``configuration_variables``: {variable reference: text or number; "" is an empty text, None means
            no value}; ``configuration_variable_options``: {variable reference: reference of an option};
            ``pick_all_template_variables`` (True): the server gets all values of the template, False: only those of
            the variables named in the two before. Any other name is a field of the server.
        :return: the server (a list with its id over RPC)
        :raise AccessError: the caller may not read the template, create servers, or run the flight plan after creation
        :raise ValidationError: unknown template, variable, option or field; required values that are missing or empty,
            all of them in one message
        """
        template = self.get_by_reference(template_reference)
        if not template:
            raise ValidationError(
                self.env._(
                    "There is no server template “%s”, or you do not have access to it.",
                    template_reference or "",
                )
            )
        with self.env.cr.savepoint():  # leaves nothing behind if a script continues after an error
            return template._create_new_server(server_name, **kwargs)

    # ------------------------------------------------------------------ all steps

    def _create_new_server(
        self,
        name,
        configuration_variables=None,
        configuration_variable_options=None,
        pick_all_template_variables=True,
        left_out=(),
        **kwargs,
    ):
        """Create a server from this template; see :meth:`create_server_from_template`.

        :param left_out: references of variables whose values the server does not get
        :return: the server, with the caller's rights
        """
        self.ensure_one()
        self.check_access("read")
        Server = self.env["cx.tower.server"]
        Server.check_access("create")
        self._check_may_run_creation_plan(name)
        given = self._parse_server_config_values(
            configuration_variables or {}, configuration_variable_options or {}
        )
        self._check_may_set(given)
        left_out = set(left_out)
        if not pick_all_template_variables:
            # sudo: only references, to leave these values out
            left_out |= set(self.sudo()._variable_values().mapped("variable_reference")) - set(given)
        self._validate_required_variables(given, left_out)
        values, later = self._prepare_server_values(name, **kwargs)
        # Defaults in the caller's context would be applied as superuser.
        context = {key: value for key, value in self.env.context.items() if not key.startswith("default_")}
        context |= {**engine_says(skip_ssh_settings_check=True), "mail_create_nolog": True}
        # sudo: whoever may read a template creates servers with what it holds, even what they could not link themselves
        creator = Server.sudo().with_context(context)  # pylint: disable=context-overridden
        server = creator.create(values).with_env(self.env)
        if "ssh_password" not in values:
            self.sudo()._copy_secrets_to(server.sudo())  # sudo: the same; the caller never sees the password
        if later:
            server.with_context(mail_notrack=True).write(later)
        self._copy_values_to(server, given, left_out)
        self._copy_children_to(server)
        server._message_log(body=self.env._("Created from the template %s.", self._get_html_link()))
        self._start_creation_plan(server)
        return server

    def _copy_children_to(self, server):
        """Give a new server what belongs to the template besides fields and values. Extension point."""

    # ------------------------------------------------------------------ fields of the server

    @api.model
    def _get_fields_tower_server(self):
        """Return the fields that are copied from the template to a server. Extension point."""
        return [
            "color",
            "os_id",
            "tag_ids",
            "ssh_port",
            "ssh_username",
            "ssh_auth_mode",
            "ssh_key_id",
            "use_sudo",
            "jump_server_id",
            "plan_delete_id",
        ]

    def _prepare_server_values(self, name, partner=None, ssh_key=None, **kwargs):
        """Return (values to create the server with, values to write afterwards with the caller's rights)."""
        if not (isinstance(name, str) and name.strip()):
            raise ValidationError(self.env._("Enter a name for the new server."))
        template = self.sudo()  # sudo: see _create_new_server
        values = {"name": name, "server_template_id": self.id}
        for field_name in self._get_fields_tower_server():
            value = template[field_name]
            if not value:
                continue  # the default of the server counts
            if isinstance(value, models.BaseModel):
                is_many = template._fields[field_name].type == "many2many"
                value = [fields.Command.set(value.ids)] if is_many else value.id
            values[field_name] = value
        if partner:
            values["partner_id"] = self._partner_argument(partner).id
        later = {}
        for field_name, value in kwargs.items():
            self._add_own_value(ALIASES.get(field_name, field_name), value, values, later)
        if ssh_key:
            key = self._key_argument(ssh_key)
            values["ssh_key_id"] = key.id
            if "ssh_auth_mode" not in values:
                values["ssh_auth_mode"] = "k"
        if not values.get("ssh_username"):
            raise ValidationError(
                self.env._(
                    "Enter the SSH user of “%(server)s”: template “%(template)s” has none.",
                    server=name,
                    template=self.name,
                )
            )
        return values, later

    def _add_own_value(self, name, value, values, later):
        """Add a field that the caller sets to one of the two: plain values are used at creation, links are written later.

        A link may give rights or reveal names, so it is written, and checked, with the caller's rights.
        """
        Server = self.env["cx.tower.server"]
        field = Server._fields.get(name)
        if name in TEMPLATE_ONLY:
            raise ValidationError(
                self.env._("“%s” cannot be set here: new servers get it from the template.", name)
            )
        if field is None or not (field.store or name in Server.SECRET_FIELDS):
            raise ValidationError(self.env._("A server has no field “%s” that can be set.", name))
        if value is None:
            return
        Server._check_field_access(field, "write")
        if field.relational:
            values.pop(name, None)
            later[name] = value
        else:
            values[name] = value

    def _partner_argument(self, partner):
        """Return the partner given by a record, an id or a reference, which the caller may read."""
        Partner = self.env["res.partner"]
        if isinstance(partner, str):
            record = Partner.search([("ref", "=", partner)], limit=1)
        elif isinstance(partner, int):
            record = Partner.browse(partner).exists()
        else:
            record = partner.with_env(self.env)
        if not record:
            raise ValidationError(
                self.env._("There is no partner “%s”, or you do not have access to it.", partner)
            )
        record.check_access("read")
        return record

    def _key_argument(self, reference):
        """Return the SSH key with this reference, which the caller may read."""
        key = self.env["cx.tower.key"].get_by_reference(reference)
        if key.key_type != "k":
            raise ValidationError(
                self.env._("There is no SSH key “%s”, or you do not have access to it.", reference or "")
            )
        return key

    # ------------------------------------------------------------------ values of variables

    @api.model
    def _parse_server_config_values(self, configuration_variables, configuration_variable_options):
        """Return {variable reference: (text or False, option)} of the values that the caller passes.

        :raise ValidationError: not a mapping, not a possible value, or an option of another variable
        """
        for mapping in (configuration_variables, configuration_variable_options):
            if not isinstance(mapping, Mapping):
                raise ValidationError(
                    self.env._("Pass values of variables as {reference of the variable: value}.")
                )
        Option = self.env["cx.tower.variable.option"]
        given = {
            reference: (self._variable_text(value), Option)
            for reference, value in configuration_variables.items()
        }
        for reference, option_reference in configuration_variable_options.items():
            option = Option.get_by_reference(option_reference)
            if option.variable_id.reference != reference:
                # only those that the caller may see
                options = Option.search([("variable_id.reference", "=", reference)])
                raise ValidationError(
                    self.env._(
                        "Variable “%(variable)s” has no option “%(option)s”, or you do not have access to it. Its options:"
                        " %(found)s.",
                        variable=reference,
                        option=option_reference or "",
                        found=", ".join(options.mapped("reference")) or "-",
                    )
                )
            given[reference] = (option.value_char, option)
        return given

    def _check_may_set(self, given):
        """Raise AccessError for values that the caller may not pass: they use hidden variables, or override hidden values."""
        typed = [text for text, option in given.values() if isinstance(text, str) and not option]
        self.env["cx.tower.variable"]._check_may_name(typed)
        # sudo: finds hidden values of the template; the message names their variables, which the caller has named
        values = self.sudo()._variable_values().filtered(lambda value: value.variable_reference in given)
        hidden = values - values.with_env(self.env)._filtered_access("read").sudo()
        if hidden:
            raise AccessError(
                self.env._(
                    "You are not allowed to override %(variables)s, which template “%(template)s” sets.",
                    template=self.name,
                    variables=", ".join(f"“{name}”" for name in hidden.mapped("variable_reference")),
                )
            )

    def _validate_required_variables(self, given, left_out=()):
        """Raise one ValidationError that lists all required values that are missing or empty.

        :param given: from :meth:`_parse_server_config_values`
        :param left_out: references of variables whose values the server does not get
        """
        missing, empty = self._find_unmet_variables(
            {reference: text for reference, (text, _option) in given.items()}, left_out
        )
        if missing or empty:
            raise ValidationError(self._unmet_message(missing, empty))

    def _find_unmet_variables(self, given, left_out=()):
        """Return (names of required variables without a value, names of those with an empty one).

        :param given: {variable reference: text}
        """
        missing, empty = [], []
        # sudo: required values are required whoever may see them; only their names are shown
        for value in self.sudo()._variable_values().filtered("required"):
            reference = value.variable_reference
            name = f"{value.variable_id.name} ({reference})"
            if reference in given:
                if not (given[reference] or "").strip():
                    empty.append(name)
            elif reference in left_out or not (value.value_char or "").strip():
                missing.append(name)
        return missing, empty

    def _unmet_message(self, missing, empty):
        lines = [self.env._("Template “%s” requires values before it can create a server:", self.name)]
        if missing:
            lines.append(self.env._("Missing: %s", ", ".join(missing)))
        if empty:
            lines.append(self.env._("Empty: %s", ", ".join(empty)))
        return "\n".join(lines)

    def _copy_values_to(self, server, given, left_out):
        """Give a new server the template's values, some overridden by the caller, and the caller's further ones."""
        # sudo: see _create_new_server
        copied = self.sudo()._variable_values().filtered(lambda v: v.variable_reference not in left_out)
        vals_list = []
        for value in copied:
            text, option = given.get(value.variable_reference, (value.value_char or "", value.option_id))
            if text is False:
                continue  # the caller wants no value
            vals_list.append(
                {
                    "server_id": server.id,
                    "variable_id": value.variable_id.id,
                    "sequence": value.sequence,
                    "access_level": value.access_level,
                    "required": value.required,
                    **({"option_id": option.id} if option else {"value_char": text}),
                }
            )
        # sudo: see _create_new_server
        self.env["cx.tower.variable.value"].sudo().create(vals_list)
        references = set(copied.mapped("variable_reference"))
        own = {reference: value for reference, value in given.items() if reference not in references}
        variables = self._own_variables(set(own))
        self.env["cx.tower.variable.value"].create(
            [
                {
                    "server_id": server.id,
                    "variable_id": variables[reference],
                    **({"option_id": option.id} if option else {"value_char": text}),
                }
                for reference, (text, option) in own.items()
                if text is not False
            ]
        )

    def _own_variables(self, references):
        """Return {reference: id} of the variables that the caller names. Unknown ones are created with the caller's rights."""
        Variable = self.env["cx.tower.variable"]
        known = Variable.search([("reference", "in", sorted(references))])
        found = {variable.reference: variable.id for variable in known}
        unknown = sorted(references - set(found))
        if not unknown:
            return found
        # sudo: only to distinguish hidden variables from missing ones; the message does not
        hidden = Variable.sudo().search([("reference", "in", unknown)])
        if hidden or not Variable.has_access("create"):
            raise ValidationError(
                self.env._(
                    "There are no variables %s, or you are not allowed to use them.",
                    ", ".join(f"“{reference}”" for reference in unknown),
                )
            )
        made = Variable.create([{"name": reference, "reference": reference} for reference in unknown])
        for reference, variable in zip(unknown, made, strict=True):
            if variable.reference != reference:
                raise ValidationError(
                    self.env._(
                        "“%s” cannot be the reference of a variable: use lower-case letters, digits and “_”.",
                        reference,
                    )
                )
            found[reference] = variable.id
        return found

    # ------------------------------------------------------------------ plan after creation

    def _check_may_run_creation_plan(self, name):
        """Raise AccessError unless the caller may run the plan after creation: a template lends its credentials, no level."""
        # sudo: which plan it is; access to it is checked as the caller
        plan = self.sudo().flight_plan_id.with_env(self.env)
        if plan and not plan.has_access("read"):
            raise AccessError(
                self.env._(
                    "“%(server)s” was not created: template “%(template)s” runs a flight plan on each new server, and you are"
                    " not allowed to run it. Ask a Manager of the template to give you access to the plan.",
                    server=name or "",
                    template=self.name,
                )
            )

    def _start_creation_plan(self, server):
        """Start the plan after creation as the caller. If the creation is rolled back, so is the start."""
        # sudo: which plan it is; _check_may_run_creation_plan has checked access to it
        plan = self.sudo().flight_plan_id.with_env(self.env)
        if not plan:
            return
        log = server._start_plan_runs(plan, RunRequest())
        server.sudo().template_plan_log_id = log.id  # sudo: Tower's own note, which the user cannot write
        server._message_log(body=self.env._("Flight plan after creation started: %s", log._get_html_link()))
