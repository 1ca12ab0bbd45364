from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL


class CxTowerJetDependency(models.Model):
    """Which jet serves a dependency of a jet. Without one, the dependency has not been met yet."""

    _name = "cx.tower.jet.dependency"
    _description = "Tower Jet Dependency"
    _rec_names_search = ("jet_id", "jet_depends_on_id")
    _inherit = ["cx.tower.rights.mixin"]
    _order = "id"

    jet_id = fields.Many2one("cx.tower.jet", required=True, ondelete="cascade", index=True)
    jet_template_dependency_id = fields.Many2one(
        "cx.tower.jet.template.dependency", string="Dependency", ondelete="cascade", index="btree_not_null"
    )
    jet_depends_on_id = fields.Many2one(
        "cx.tower.jet", string="Depends on", ondelete="set null", index="btree_not_null"
    )
    template_required_id = fields.Many2one(
        related="jet_template_dependency_id.template_required_id", string="Required template"
    )
    state_required_id = fields.Many2one(
        related="jet_template_dependency_id.state_required_id", string="Required state"
    )

    _pair_unique = models.UniqueIndex(
        "(jet_id, jet_depends_on_id) WHERE jet_depends_on_id IS NOT NULL",
        "The jet already depends on that jet.",
    )
    _one_each = models.UniqueIndex(
        "(jet_id, jet_template_dependency_id) WHERE jet_template_dependency_id IS NOT NULL",
        "The jet already has a jet for this dependency.",
    )
    _not_itself = models.Constraint("CHECK (jet_id != jet_depends_on_id)", "A jet cannot depend on itself.")

    @api.depends("jet_id", "jet_depends_on_id", "jet_template_dependency_id")
    def _compute_display_name(self):
        for link in self.sudo():  # sudo: whoever may read one of the two jets may know the other's name
            needed = link.jet_depends_on_id or link.jet_template_dependency_id.template_required_id
            link.display_name = f"{link.jet_id.name} → {needed.display_name or ''}"

    # ------------------------------------------------------------------ what may be linked

    @api.model
    def _get_rights_owner_fields(self):
        return ["jet_id"]

    def _who_may_delete(self):
        # sudo: the name of the jet, for whoever reads one of the two
        return self.env._("Only Managers of “%s” and Root can delete it.", self.sudo().jet_id.display_name)

    @api.model_create_multi
    def create(self, vals_list):
        links = super().create(vals_list)
        links._check_new_links()
        return links

    def write(self, vals):
        before = {link: link.jet_depends_on_id for link in self} if "jet_depends_on_id" in vals else {}
        result = super().write(vals)
        self.filtered(
            lambda link: link in before and link.jet_depends_on_id != before[link]
        )._check_new_links()
        return result

    def _serve_with(self, jet):
        """Link a jet, for the engine: whether it may be linked was asked when it was chosen."""
        return super().write({"jet_depends_on_id": jet.id})

    def _check_new_links(self):
        """Raise where a jet has been linked that the caller may not read, or that accepts no new links."""
        for jet in self.jet_depends_on_id:
            jet.check_access("read")
            if not jet._accepts_new_links():
                raise UserError(self.env._("“%s” accepts no further jets that depend on it.", jet.name))

    @api.constrains("jet_id", "jet_template_dependency_id", "jet_depends_on_id")
    def _check_link(self):
        # sudo: compares templates and servers of jets that the caller may link; shows names
        for link in self.sudo().filtered("jet_template_dependency_id"):
            need, jet, other = link.jet_template_dependency_id, link.jet_id, link.jet_depends_on_id
            if need.template_id != jet.jet_template_id:
                raise ValidationError(
                    self.env._(
                        "“%(jet)s” is not a jet of “%(template)s”, which has this dependency.",
                        jet=jet.name,
                        template=need.template_id.name,
                    )
                )
            if other and other.jet_template_id != need.template_required_id:
                raise ValidationError(
                    self.env._(
                        "“%(jet)s” needs a jet of “%(needed)s”, and “%(other)s” is one of “%(template)s”.",
                        jet=jet.name,
                        needed=need.template_required_id.name,
                        other=other.name,
                        template=other.jet_template_id.name,
                    )
                )
            if other and need.where == "same" and other.server_id != jet.server_id:
                raise ValidationError(
                    self.env._(
                        "“%(jet)s” needs a jet on its own server, and “%(other)s” is on “%(server)s”.",
                        jet=jet.name,
                        other=other.name,
                        server=other.server_id.name,
                    )
                )

    @api.constrains("jet_id", "jet_depends_on_id")
    def _check_cycle(self):
        self.flush_model(["jet_id", "jet_depends_on_id"])
        rows = self.env.execute_query(
            SQL(
                """WITH RECURSIVE way AS (
                       SELECT jet_depends_on_id AS jet_id, ARRAY[jet_id, jet_depends_on_id] AS path
                         FROM cx_tower_jet_dependency WHERE id = ANY(%s) AND jet_depends_on_id IS NOT NULL
                        UNION ALL
                       SELECT link.jet_depends_on_id, way.path || link.jet_depends_on_id
                         FROM way JOIN cx_tower_jet_dependency link ON link.jet_id = way.jet_id
                        WHERE link.jet_depends_on_id IS NOT NULL AND way.path[1] != way.jet_id
                          AND NOT link.jet_depends_on_id = ANY(way.path[2:]))
                   SELECT path FROM way WHERE path[1] = jet_id LIMIT 1""",
                self.ids,
            )
        )
        if rows:
            jets = self.env["cx.tower.jet"].sudo().browse(rows[0][0])  # sudo: names of what the caller links
            raise ValidationError(
                self.env._(
                    "These jets would depend on one another: %s.", " → ".join(jet.name for jet in jets)
                )
            )


class CxTowerJet(models.Model):
    """The dependencies of a jet, both ways."""

    _inherit = "cx.tower.jet"

    jet_requires_ids = fields.One2many("cx.tower.jet.dependency", "jet_id", string="Depends on", copy=False)
    jet_required_by_ids = fields.One2many(
        "cx.tower.jet.dependency", "jet_depends_on_id", string="Serves", copy=False, readonly=True
    )

    # ------------------------------------------------------------------ keeping in step with the template

    def _furnish(self):
        super()._furnish()
        self._create_dependencies()

    def _create_dependencies(self):
        """Create the links of these jets that are missing for dependencies of their templates: nothing serves these yet."""
        self.flush_model(["jet_template_id"])
        Link = self.env[
            "cx.tower.jet.dependency"
        ].sudo()  # sudo: links follow the template, whoever changes it
        Link.flush_model(["jet_id", "jet_template_dependency_id"])
        self.env["cx.tower.jet.template.dependency"].flush_model(["template_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT jet.id, need.id
                     FROM cx_tower_jet jet
                     JOIN cx_tower_jet_template_dependency need ON need.template_id = jet.jet_template_id
                    WHERE jet.id = ANY(%s)
                      AND NOT EXISTS (SELECT FROM cx_tower_jet_dependency link
                                       WHERE link.jet_id = jet.id AND link.jet_template_dependency_id = need.id)
                    ORDER BY jet.id, need.id""",
                self.ids,
            )
        )
        return Link.create(
            [{"jet_id": jet_id, "jet_template_dependency_id": need_id} for jet_id, need_id in rows]
        )

    # ------------------------------------------------------------------ extension point

    def _accepts_new_links(self):
        """Return whether further jets may come to depend on this one. Extension point."""
        return True

    # ------------------------------------------------------------------ reading

    def _linked_jets(self, template):
        """Return the jets of a template that this jet depends on, or that depend on it: one level, as superuser."""
        jet = self.sudo()  # sudo: who may see the jets found is up to the caller of this method
        linked = jet.jet_requires_ids.jet_depends_on_id | jet.jet_required_by_ids.jet_id
        return linked.filtered(lambda one: one.active and one.jet_template_id == template).sorted("id")

    def get_dependent_jets_by_template_reference(self, ref):
        """Return the jets of a template that this jet depends on, or that depend on it: one level, both ways.

        :param ref: reference of the jet template
        :return: jets that the caller may read; False for none
        :raise AccessError: the caller may not read this jet
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: finds the template by its reference; only jets that the caller may read are returned
        template = (
            self.env["cx.tower.jet.template"].sudo().search([("reference", "=", str(ref or ""))], limit=1)
        )
        found = self._linked_jets(template).with_env(self.env)._filtered_access("read") if template else self
        return found if template and found else False

    def action_open_requires_jets(self):
        """Open the jets that this jet depends on.

        :return: window action
        :raise AccessError: the caller may not read this jet
        """
        return self._action_open_jets("jet_requires_ids", "jet_depends_on_id", self.env._("Depends on"))

    def action_open_required_by_jets(self):
        """Open the jets that depend on this jet.

        :return: window action
        :raise AccessError: the caller may not read this jet
        """
        return self._action_open_jets("jet_required_by_ids", "jet_id", self.env._("Serves"))

    def _action_open_jets(self, links, field_name, title):
        self.ensure_one()
        self.check_access("read")
        # sudo: rules decide which of these jets the list shows
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": "cx.tower.jet",
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", self.sudo()[links][field_name].ids)],
            "context": {},
        }


class CxTowerJetTemplateDependency(models.Model):
    """Dependencies of templates: links of their jets follow."""

    _inherit = "cx.tower.jet.template.dependency"

    @api.model_create_multi
    def create(self, vals_list):
        needs = super().create(vals_list)
        # sudo: the jets of the template follow, whoever may read them
        jets = self.env["cx.tower.jet"].sudo().with_context(active_test=False)
        jets.search([("jet_template_id", "in", needs.template_id.ids)])._create_dependencies()
        return needs

    def unlink(self):
        # sudo: as in create
        Request = self.env["cx.tower.jet.request"].sudo()
        asked = Request._live_for(self.sudo())
        result = super().unlink()
        asked._drop(self.env._("The dependency was removed from the template."))
        return result
