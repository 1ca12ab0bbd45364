from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_role_mixin import GROUP_MANAGER
from odoo.exceptions import UserError, ValidationError

from .cx_tower_jet import IMMUTABLE

REFERENCE_GROUPS, REFERENCE_GROUP_SIZE = 3, 4


class CxTowerJet(models.Model):
    """What holds for each new jet, however it is created: where it may be, its people, its place, what it gets from its template."""

    _inherit = "cx.tower.jet"

    @api.model_create_multi
    def create(self, vals_list):
        """Create jets without running anything: each has its place on its server, and no state yet."""
        defaults = self.default_get([*IMMUTABLE, "user_ids", "manager_ids"])
        defaults = {name: defaults[name] for name in IMMUTABLE if defaults.get(name)}
        vals_list = [{**defaults, **vals} for vals in vals_list]
        self._check_new(vals_list)
        jets = super().create(self._with_roles(vals_list))
        # sudo: whoever may create a jet of a template gives it what the template holds, and it takes its place
        jets.sudo().with_context(reference_mixin_override=False)._furnish()
        return jets

    def write(self, vals):
        for name in IMMUTABLE:
            if name in vals and any(jet[name].id != vals[name] for jet in self):
                raise UserError(
                    self.env._(
                        "The %(field)s of a jet cannot be changed after it was created. Create a new jet instead.",
                        field=self._fields[name]._description_string(self.env),
                    )
                )
        if "active" in vals and not vals["active"]:
            self._check_none_is_busy()
        return super().write(vals)

    def _check_none_is_busy(self):
        """Raise UserError for a jet that is on its way and cannot be archived: it would go on unseen."""
        for jet in self.filtered("active"):
            if jet._is_busy():
                raise UserError(
                    self.env._(
                        "“%(jet)s” cannot be archived now: %(busy)s. Wait for it to end, or stop it.",
                        jet=jet.name,
                        busy=jet._busy_text(),
                    )
                )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for vals in vals_list:
            vals["reference"] = False
        return vals_list

    @api.model
    def _get_reference_bases(self, vals_list):
        """A random reference: names of jets change and repeat, and scripts use the reference for paths and containers."""
        Tower = self.env["cetmix.tower"]
        return [
            (Tower.generate_random_id(REFERENCE_GROUPS, REFERENCE_GROUP_SIZE, "_"), False) for _ in vals_list
        ]

    # ------------------------------------------------------------------ checks

    @api.constrains("url")
    def _check_url(self):
        for jet in self:
            if jet.url and not self.env["cetmix.tower"].is_valid_url(jet.url):
                raise ValidationError(
                    self.env._(
                        "“%s” is not a valid URL. Enter a full address, such as https://shop.example.com.",
                        jet.url,
                    )
                )

    @api.model
    def _check_new(self, vals_list):
        """Raise unless jets of these templates may be on these servers. Missing ones are refused by the ORM."""
        for template_id, server_id in {tuple(vals.get(name) for name in IMMUTABLE) for vals in vals_list}:
            if template_id and server_id:
                template = self.env["cx.tower.jet.template"].browse(template_id)
                server = self.env["cx.tower.server"].browse(server_id)
                # the caller learns nothing about records that they cannot read
                template.check_access("read")
                server.check_access("read")
                problem = template._problem_with_server(server)
                if problem:
                    raise UserError(problem)
                template._hold_installed(server)

    # ------------------------------------------------------------------ people

    @api.model
    def _with_roles(self, vals_list):
        """Return the values with the roles of the template where none are given. Who creates the jet has one, too."""
        # sudo: the people of a template that the caller may read
        Template = self.env["cx.tower.jet.template"].sudo()
        templates = Template.browse({vals.get("jet_template_id") or 0 for vals in vals_list}).exists()
        roles = {
            template.id: {
                name: [fields.Command.set(people.ids)]
                for name, people in template._roles_of_new_jets().items()
            }
            for template in templates
        }
        return [{**roles.get(vals.get("jet_template_id"), {}), **vals} for vals in vals_list]

    # ------------------------------------------------------------------ what it gets

    def _furnish(self):
        """Give these new jets their place, and what their templates hold for them, as superuser. Extension point."""
        self._take_place()


class CxTowerJetTemplate(models.Model):
    """Where jets of a template may be, and who becomes what there."""

    _inherit = "cx.tower.jet.template"

    def _allow_jet_creation(self, server):
        """Return whether a jet of this template may be created on a server. Extension point.

        :param server: server on which the template is installed
        """
        return True

    def _problem_with_server(self, server):
        """Return why no jet of this template can be on a server, "" if one can. Places are not counted."""
        self.ensure_one()
        template = self.sudo()  # sudo: of a template that the caller may read, only where it is installed
        names = {"template": template.name, "server": server.sudo().name}  # sudo: named by the caller
        if not template.active:
            return self.env._("“%(template)s” is archived. Unarchive it first.", **names)
        if not server.sudo().active:  # sudo: as its name
            return self.env._("“%(server)s” is archived. Unarchive it first.", **names)
        if server not in template.server_ids:
            return self.env._(
                "“%(template)s” is not installed on “%(server)s”. Install it there first.", **names
            )
        if not self._allow_jet_creation(server):
            return self.env._("“%(template)s” does not allow a new jet on “%(server)s” now.", **names)
        return ""

    def _is_launcher(self):
        """Return whether the caller may launch jets of this template: in its Users or Managers, or Root."""
        self.ensure_one()
        user = self.env.user
        template = self.sudo()  # sudo: whether the caller is in it
        return (
            self.env.su
            or user.has_group("cetmix_tower_server.group_root")
            or user in template.user_ids | template.manager_ids
        )

    def _roles_of_new_jets(self):
        """Return {field: users} of a jet that the caller creates: the template's, and the caller as far as they may launch it."""
        self.ensure_one()
        roles = {"user_ids": self.user_ids, "manager_ids": self.manager_ids}
        user = self.env.user
        if user._is_superuser() or not self.sudo(False)._is_launcher():
            return roles
        name = "manager_ids" if user.has_group(GROUP_MANAGER) else "user_ids"
        roles[name] |= user
        return roles
