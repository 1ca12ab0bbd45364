from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ...engine import ansi

MANAGER = "cetmix_tower_server.group_manager"

#: Characters of the text that the form displays. The download contains all of it.
SHOWN_LIMIT = 128 * 1024

#: Only runs fill these fields. With the context key, scripts may set the text of logs that they may write.
FILLED_BY_RUNS = ("log_text", "log_date", "log_tried", "log_state", "log_message", "log_size")
MAY_WRITE_TEXT = "cx_allow_log_text_update"
#: These fields decide which command runs where and who may see its output. Whoever sets one vouches for the log.
VOUCHED_FOR = ("log_type", "command_id", "file_id", "file_template_id", "use_sudo", "access_level")


class CxTowerServerLog(models.Model):
    """The output of a command, or the last part of a file, of a server. Fetched on request, see ``fetching.py``."""

    _name = "cx.tower.server.log"
    _description = "Tower Server Log"
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.linked.access.mixin",
        "cx.tower.target.link.mixin",
    ]
    _order = "name, id"

    active = fields.Boolean(default=True)
    server_id = fields.Many2one("cx.tower.server", ondelete="cascade", index="btree_not_null")
    server_template_id = fields.Many2one(
        "cx.tower.server.template",
        string="Server template",
        ondelete="cascade",
        index="btree_not_null",
        groups=MANAGER,
        help="Servers created from this template get a copy of this log.",
    )
    log_type = fields.Selection(
        [("command", "Command"), ("file", "File")],
        string="Type",
        default="command",
        required=True,
        groups=MANAGER,
    )
    command_id = fields.Many2one(
        "cx.tower.command",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('action', 'in', ['ssh_command', 'python_code'])]",
        groups=MANAGER,
        help="The output of this command is the log.",
    )
    file_id = fields.Many2one(
        "cx.tower.file",
        ondelete="cascade",
        index="btree_not_null",
        domain="[('server_id', '=', server_id)]",
        groups=MANAGER,
        help="The last part of this file is the log.",
    )
    file_template_id = fields.Many2one(
        "cx.tower.file.template",
        ondelete="restrict",
        index="btree_not_null",
        groups=MANAGER,
        help="If no file is chosen, the file created from this template on the server is the log.",
    )
    use_sudo = fields.Boolean(
        string="Sudo", groups=MANAGER, help="Fetch with sudo, as configured on the server."
    )
    vouched_by_id = fields.Many2one(
        "res.users",
        string="Set up by",
        readonly=True,
        groups=MANAGER,
        ondelete="set null",
        help=(
            "The person who configured what is fetched. Others who may read the log fetch it with this "
            "person's rights."
        ),
    )
    log_text = fields.Text(readonly=True, copy=False)
    log_date = fields.Datetime(string="Fetched", readonly=True, copy=False)
    log_tried = fields.Datetime(string="Last attempt", readonly=True, copy=False)
    log_state = fields.Selection(
        [("never", "Not fetched"), ("done", "Fetched"), ("failed", "Failed")],
        string="State",
        default="never",
        required=True,
        readonly=True,
        copy=False,
    )
    log_message = fields.Text(string="Error", readonly=True, copy=False)
    log_size = fields.Integer(
        string="Stored characters",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Length of the stored text.",
    )

    log_html = fields.Html(
        string="Displayed text",
        compute="_compute_log_html",
        sanitize=False,  # made of nothing but escaped text and spans, see engine/ansi.py
        help="The last part of the text, with terminal colors as CSS classes.",
    )
    is_cut = fields.Boolean(compute="_compute_log_html", help="Only the last part of the text is displayed.")

    # ------------------------------------------------------------------ owners

    @api.model
    def _get_owner_fields(self):
        """Return the many2one fields to owners; exactly one of them is set, see :meth:`_owner_count`. Extension point.

        An addon that adds an owner adds its field here, and record rules for it.
        """
        return ["server_id", "server_template_id"]

    def _owner_count(self):
        """Return how many owners this log has. Extension point for owners that are on a server, which is then set, too."""
        return sum(bool(self[name]) for name in self._get_owner_fields())

    # "name" is always in the values of a new record, so the check also runs when no owner is given.
    @api.constrains(lambda self: ["name", *self._get_owner_fields()])
    def _check_owner(self):
        for log in self:
            if log._owner_count() != 1:
                raise ValidationError(
                    self.env._(
                        "The log “%(log)s” must have exactly one owner, for example a server.", log=log.name
                    )
                )

    @api.constrains("name", "log_type", "command_id")
    def _check_command(self):
        for log in self.sudo():  # sudo: managers' fields; the error names only what the caller has just set
            if log.log_type != "command":
                continue
            if not log.command_id:
                raise ValidationError(
                    self.env._("Choose the command whose output is the log “%s”.", log.name)
                )
            if log.command_id.action not in ("ssh_command", "python_code"):
                raise ValidationError(
                    self.env._(
                        "“%(command)s” cannot be the source of the log “%(log)s”. Choose a shell or Python "
                        "command.",
                        command=log.command_id.name,
                        log=log.name,
                    )
                )

    @api.constrains("name", "log_type", "file_id", "file_template_id", "server_id")
    def _check_file(self):
        for log in self.sudo():  # sudo: managers' fields; the error names only what the caller has just set
            if log.log_type != "file":
                continue
            if not (log.file_id or log.file_template_id):
                raise ValidationError(
                    self.env._("Choose a file or a file template for the log “%s”.", log.name)
                )
            if log.file_id and log.file_id.server_id != log.server_id:
                raise ValidationError(
                    self.env._(
                        "The file “%(file)s” and the log “%(log)s” belong to different servers. Choose a "
                        "file of the same server.",
                        file=log.file_id.display_name,
                        log=log.name,
                    )
                )

    @api.model
    def _get_access_fields(self):
        return [*super()._get_access_fields(), *self._get_owner_fields()]

    @api.model
    def _get_rights_owner_fields(self):
        return ["server_id", "server_template_id"]

    @api.model
    def _get_linked_access_fields(self):
        # Linking a command lets everyone who may read the log run it.
        return [*super()._get_linked_access_fields(), "command_id", "file_id", "file_template_id"]

    @api.model
    def _get_pre_populated_model_data(self):
        return {**super()._get_pre_populated_model_data(), self._name: ("cx.tower.server", "server_id")}

    # ------------------------------------------------------------------ text

    @api.depends("log_text")
    def _compute_log_html(self):
        """Not stored, and limited in size: only the form of a single log shows it."""
        for log in self:
            text = log.log_text or ""
            log.is_cut = len(text) > SHOWN_LIMIT
            if log.is_cut:
                text = text[-SHOWN_LIMIT:]
                text = text[text.find("\n") + 1 :]
            # safe: to_html returns only escaped text and spans, see tests/engine/test_ansi.py
            shown = Markup(ansi.to_html(text))
            log.log_html = shown or Markup('<span class="o_tower_log_empty">%s</span>') % log._empty_text()

    @api.model
    def _empty_text(self):
        """Return the text that replaces an empty log."""
        return self.env._("(empty)")

    def _get_log_text(self):
        """Return the text of this log from the last fetch, or a placeholder if it is empty."""
        self.ensure_one()
        return self.log_text or self._empty_text()

    # ------------------------------------------------------------------ create, write

    @api.model_create_multi
    def create(self, vals_list):
        self._check_filled_by_runs(vals_list)
        if not self.env.su:
            vals_list = [{**vals, "vouched_by_id": self.env.uid} for vals in vals_list]
        else:
            vals_list = [{"vouched_by_id": self.env.uid, **vals} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        self._check_filled_by_runs([vals])
        names = (*VOUCHED_FOR, *self._get_owner_fields())
        if not self.env.su and any(name in vals for name in (*names, "vouched_by_id")):
            vals = {**vals, "vouched_by_id": self.env.uid}
        return super().write(vals)

    def _check_filled_by_runs(self, vals_list):
        """Raise AccessError if a person sets a field that only a run fills."""
        allowed = {"log_text"} if self.env.context.get(MAY_WRITE_TEXT) else set()
        names = set(FILLED_BY_RUNS) - allowed
        if not self.env.su and any(names.intersection(vals) for vals in vals_list):
            raise AccessError(self.env._("The text of a log cannot be edited. Refresh the log instead."))
