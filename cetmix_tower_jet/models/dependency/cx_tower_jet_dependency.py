from odoo import fields, models


class CxTowerJetDependency(models.Model):
    """Which jet serves a dependency of a jet. Without one, the dependency has not been met yet."""

    _name = "cx.tower.jet.dependency"
    _description = "Tower Jet Dependency"
    _order = "id"

    jet_id = fields.Many2one("cx.tower.jet", required=True, ondelete="cascade", index=True)
    jet_template_dependency_id = fields.Many2one(
        "cx.tower.jet.template.dependency", string="Dependency", ondelete="cascade", index="btree_not_null"
    )
    jet_depends_on_id = fields.Many2one(
        "cx.tower.jet", string="Depends on", ondelete="set null", index="btree_not_null"
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


class CxTowerJet(models.Model):
    """The dependencies of a jet, both ways."""

    _inherit = "cx.tower.jet"

    jet_requires_ids = fields.One2many("cx.tower.jet.dependency", "jet_id", string="Depends on", copy=False)
    jet_required_by_ids = fields.One2many(
        "cx.tower.jet.dependency", "jet_depends_on_id", string="Serves", copy=False, readonly=True
    )

    def _create_dependencies(self):
        """Give these new jets a row for each dependency of their templates. Those not met yet name no jet."""
        # sudo: whoever creates a jet gives it what its template depends on
        dependencies = self.env["cx.tower.jet.template.dependency"].sudo()
        by_template = dependencies.search([("template_id", "in", self.jet_template_id.ids)]).grouped(
            "template_id"
        )
        self.env["cx.tower.jet.dependency"].sudo().create(  # sudo: as above
            [
                {"jet_id": jet.id, "jet_template_dependency_id": dependency.id}
                for jet in self
                for dependency in by_template.get(jet.jet_template_id, ())
            ]
        )
