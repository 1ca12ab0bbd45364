from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CxTowerFile(models.Model):
    """Files of jets, and the files that the jets of a template get."""

    _inherit = "cx.tower.file"

    jet_id = fields.Many2one("cx.tower.jet", ondelete="cascade", index="btree_not_null")
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template",
        string="Jet template",
        ondelete="cascade",
        index="btree_not_null",
        help="Each new jet of this template gets a copy of this file. The file itself is on no server.",
    )
    # Not required: a file of a jet template is on no server.
    server_id = fields.Many2one(
        required=False, compute="_compute_server_id", store=True, readonly=False, precompute=True
    )

    @api.depends("jet_id")
    def _compute_server_id(self):
        for file in self:
            file.server_id = file.sudo().jet_id.server_id or file.server_id  # sudo: a jet names its server

    @api.model
    def _get_target_fields(self):
        return ["jet_id", *super()._get_target_fields()]

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "jet_id", "jet_template_id"]

    @api.model
    def _get_rights_owner_fields(self):
        return ["jet_id", "jet_template_id", *super()._get_rights_owner_fields()]

    # "name" is always in the values of a new record, so the check also runs when no place is given.
    @api.constrains("name", "server_id", "jet_id", "jet_template_id")
    def _check_place(self):
        for file in self.sudo():  # sudo: compares links only; the error names what the caller has just set
            if file.jet_template_id and (file.server_id or file.jet_id):
                raise ValidationError(
                    self.env._("The file “%s” belongs to a jet template, so it is on no server.", file.name)
                )
            if not (file.server_id or file.jet_template_id):
                raise ValidationError(
                    self.env._("Choose a server, a jet or a jet template for the file “%s”.", file.name)
                )
            if file.jet_id and file.jet_id.server_id != file.server_id:
                raise ValidationError(
                    self.env._(
                        "The file “%(file)s” belongs to “%(jet)s”, so it must be on %(server)s.",
                        file=file.name,
                        jet=file.jet_id.name,
                        server=file.jet_id.server_id.name,
                    )
                )

    # ------------------------------------------------------------------ files of templates are on no host

    def _sync_after_change(self):
        return super(CxTowerFile, self.filtered("server_id"))._sync_after_change()

    def _start_checked(self, operation, raise_error):
        for file in self:
            if not file.server_id:
                raise UserError(
                    self.env._(
                        "“%s” belongs to a jet template. It is on no server; only its copies, the files of jets, are transferred.",
                        file.display_name,
                    )
                )
        return super()._start_checked(operation, raise_error)


class CxTowerFileTemplate(models.Model):
    """Files of jets from templates."""

    _inherit = "cx.tower.file.template"

    def create_file(
        self, server=None, server_dir="", if_file_exists="raise", jet_template=None, jet=None, **kwargs
    ):
        """Create the record of a file from this template. Other parameters: see ``cetmix_tower_server``.

        :param server: may be left out for a jet
        :param jet: record, id or reference of a jet: the file belongs to it, and is rendered with its values
        :return: as without a jet
        :raise ValidationError: the jet is on another server
        """
        return super().create_file(server, server_dir, if_file_exists, jet_template, jet, **kwargs)

    def _target_of_file(self, server, jet):
        if not jet:
            return super()._target_of_file(server, jet)
        jet = self.env["cx.tower.jet"]._jet_argument(jet)
        if server and super()._target_of_file(server, None) != jet.server_id:
            raise ValidationError(self.env._("“%(jet)s” is on another server.", jet=jet.name))
        return jet


class CxTowerServer(models.Model):
    """A copy of a server gets nothing that belongs to a jet: its jets are not copied."""

    _inherit = "cx.tower.server"

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for vals in vals_list:
            for name in ("file_ids", "server_log_ids"):
                if vals and vals.get(name):
                    vals[name] = [
                        command
                        for command in vals[name]
                        if not (command[0] == fields.Command.CREATE and command[2].get("jet_id"))
                    ]
        return vals_list
