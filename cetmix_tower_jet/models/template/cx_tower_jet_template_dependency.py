from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.dependency_order import find_cycle

ENDS = ("template_id", "template_required_id")


class CxTowerJetTemplateDependency(models.Model):
    """Jets of one template need a jet of another one, in a certain state."""

    _name = "cx.tower.jet.template.dependency"
    _description = "Tower Jet Template Dependency"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.linked.access.mixin"]
    _order = "id"

    name = fields.Char(related="template_required_id.name", required=False, index=False)
    template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    template_required_id = fields.Many2one(
        "cx.tower.jet.template", string="Depends on", required=True, ondelete="restrict", index=True
    )
    state_required_id = fields.Many2one(
        "cx.tower.jet.state", string="Required state", required=True, ondelete="restrict", index=True
    )
    needed_in_state_ids = fields.Many2many(
        "cx.tower.jet.state",
        "cx_tower_jet_template_dependency_needed_state_rel",
        "dependency_id",
        "state_id",
        string="Needed in states",
        help="Before an action leads to one of these states, the dependency is met. Empty: before the create action only.",
    )
    where = fields.Selection(
        [("same", "Same server"), ("any", "Any server")],
        default="same",
        required=True,
        help="Where the jet that is depended on may be.",
    )

    _pair_unique = models.UniqueIndex(
        "(template_id, template_required_id)", "The template already depends on that template."
    )

    @api.depends("template_id.name", "template_required_id.name")
    def _compute_display_name(self):
        for dependency in self.sudo():  # sudo: whoever may read the template may know what it depends on
            dependency.display_name = (
                f"{dependency.template_id.name or ''} → {dependency.template_required_id.name or ''}"
            )

    @api.model
    def _get_pre_populated_model_data(self):
        return super()._get_pre_populated_model_data() | {
            self._name: ("cx.tower.jet.template", "template_id")
        }

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), *ENDS]

    @api.model
    def _get_rights_owner_fields(self):
        return ["template_id"]

    # ------------------------------------------------------------------ who depends on whom

    @api.model
    def _all_needs(self):
        """Return {template id: ids of the templates that it needs} of all templates, with one query."""
        self.flush_model(ENDS)
        self.env.cr.execute(
            "SELECT template_id, array_agg(template_required_id) FROM cx_tower_jet_template_dependency GROUP BY template_id"
        )
        return dict(self.env.cr.fetchall())

    @api.constrains(*ENDS)
    def _check_no_cycle(self):
        """Refuse dependencies of a template on itself, directly or through others. Three queries for any number of templates."""
        for dependency in self:
            if dependency.template_id == dependency.template_required_id:
                # sudo: the name of the template that the caller is changing
                name = dependency.sudo().template_id.name
                raise ValidationError(self.env._("“%s” cannot depend on itself.", name))
        needs = self._all_needs()
        self._collide_with_other_halves(needs)
        cycle = find_cycle(needs)
        if cycle:
            # sudo: the names of the templates in the cycle, which the caller is about to close
            names = self.env["cx.tower.jet.template"].sudo().browse(cycle).mapped("name")
            raise ValidationError(
                self.env._(
                    "These jet templates would need one another in a circle: %s. Remove one of the dependencies.",
                    " → ".join(names),
                )
            )

    def _collide_with_other_halves(self, needs):
        """Make transactions that each add a part of the same cycle collide: neither sees what the other one adds.

        Every row that a way from here passes is changed, so of two such transactions the database undoes one. It is tried
        again and then sees the whole cycle.
        """
        passed = set(self.template_id.ids)
        queue = list(passed)
        while queue:
            new = set(needs.get(queue.pop(), ())) - passed
            passed |= new
            queue += new
        self.env.cr.execute(
            """UPDATE cx_tower_jet_template template SET write_date = template.write_date
                 FROM (SELECT id FROM cx_tower_jet_template WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE) passed
                WHERE template.id = passed.id""",
            (sorted(passed),),
        )

    def write(self, vals):
        for name in ENDS:
            if name in vals and any(dependency[name].id != vals[name] for dependency in self):
                raise ValidationError(
                    self.env._(
                        "“%(dependency)s” cannot lead to other jet templates, because jets refer to it. Delete it and create a"
                        " new one.",
                        dependency=self[:1].display_name,
                    )
                )
        return super().write(vals)

    def _who_may_delete(self):
        # sudo: the name of the template, for whoever reads its dependency
        template = self.sudo().template_id
        return self.env._("Only Managers of “%s” and Root can delete it.", template.display_name)
