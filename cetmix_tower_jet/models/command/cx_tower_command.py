from odoo import api, fields, models
from odoo.exceptions import ValidationError

ACTION = "jet_action"
INTERNAL = "cetmix_tower_jet.command_jet_action"


class CxTowerCommand(models.Model):
    """Commands that trigger an action on jets and wait for its end."""

    _inherit = "cx.tower.command"

    jet_template_id = fields.Many2one(
        "cx.tower.jet.template",
        string="Jet template",
        ondelete="set null",
        index="btree_not_null",
        help="The template of the jet that the command runs on: that jet itself. Another one: the jets of it that depend on "
        "that jet, or that it depends on.",
    )
    jet_action_id = fields.Many2one(
        "cx.tower.jet.action",
        string="Jet action",
        ondelete="set null",
        index="btree_not_null",
        domain="[('jet_template_id', '=', jet_template_id)]",
        help="Triggered on each of these jets. The run waits until all of them have ended.",
    )
    jet_action_warning = fields.Char(compute="_compute_jet_action_warning")

    @api.model
    def _selection_action(self):
        return [*super()._selection_action(), (ACTION, "Trigger jet action")]

    @api.model
    def _get_waiting_actions(self):
        return [*super()._get_waiting_actions(), ACTION]

    @api.model
    def _get_internal_xmlids(self):
        return [*super()._get_internal_xmlids(), INTERNAL]

    @api.model
    def _get_linked_access_fields(self):
        # As a step of an action, running the command triggers the linked action.
        return [*super()._get_linked_access_fields(), "jet_template_id", "jet_action_id"]

    @api.onchange("jet_template_id")
    def _onchange_jet_template_id(self):
        if self.jet_action_id.jet_template_id != self.jet_template_id:
            self.jet_action_id = False

    @api.depends_context("lang")
    @api.depends("action", "access_level", "jet_action_id.access_level")
    def _compute_jet_action_warning(self):
        for command in self:
            # sudo: names an action that the author may not read; the warning is about exactly that
            action = command.sudo().jet_action_id
            is_above = (
                command.action == ACTION and bool(action) and action.access_level > command.access_level
            )
            command.jet_action_warning = is_above and self.env._(
                "“%s” is above the access level of the command. As a step of a jet's action, the command still triggers it.",
                action.name,
            )

    @api.constrains("action", "jet_template_id", "jet_action_id", "active")
    def _check_jet_action(self):
        # sudo: compares links whose records the author may read when setting them
        for command in self.sudo().filtered(lambda one: one.action == ACTION and one.active):
            template, action = command.jet_template_id, command.jet_action_id
            if not template or not action:
                raise ValidationError(
                    self.env._("Choose the jet template and the action that “%s” triggers.", command.name)
                )
            if action.jet_template_id != template:
                raise ValidationError(
                    self.env._(
                        "“%(action)s” is an action of “%(other)s”, not of “%(template)s”.",
                        action=action.name,
                        other=action.jet_template_id.name,
                        template=template.name,
                    )
                )

    def _action_document(self):
        document = super()._action_document()
        if self.action != ACTION:
            return document
        return document | {
            ACTION: {
                "template_id": self.jet_template_id.id,
                "template": self.jet_template_id.name or "",
                "action_id": self.jet_action_id.id,
                "action": self.jet_action_id.name or "",
            }
        }


class CxTowerScheduledTask(models.Model):
    """Scheduled tasks of jets trigger actions."""

    _inherit = "cx.tower.scheduled.task"

    @api.model
    def _get_command_actions(self):
        return [*super()._get_command_actions(), ACTION]


class CxTowerRunTargetMixin(models.AbstractModel):
    """What a dry run says about a command that triggers an action."""

    _inherit = "cx.tower.run.target.mixin"

    def _texts_of(self, instruction):
        return [] if instruction.action == ACTION else super()._texts_of(instruction)

    def _dry_run_facts_key(self):
        key = super()._dry_run_facts_key()
        return (key, self.id) if self._name == "cx.tower.jet" else key

    def _dry_run_facts(self, line):
        facts = super()._dry_run_facts(line)
        document = line.get(ACTION)
        if not document:
            return facts
        if self._name != "cx.tower.jet":
            return [*facts, self.env._("Triggers an action, which needs a jet: it would fail here.")]
        template = self.env["cx.tower.jet.template"].browse(document["template_id"] or [])
        jets = self._jets_to_move(template)
        readable = jets.with_env(self.env)._filtered_access("read")
        names = [f"“{jet.name}”" for jet in readable]
        if len(jets) > len(readable):
            names.append(self.env._("%s that you may not see", len(jets) - len(readable)))
        if not names:
            text = self.env._(
                "No jet of “%s” is linked to this one: nothing would happen.", document["template"]
            )
            return [*facts, text]
        return [
            *facts,
            self.env._(
                "Triggers “%(action)s” on %(jets)s, and waits for the end.",
                action=document["action"],
                jets=", ".join(names),
            ),
        ]
