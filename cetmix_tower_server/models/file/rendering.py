import secrets as random_secrets
from dataclasses import replace

from odoo import api, fields, models

from ...engine.errors import EngineError, OutOfBudget, VaultError
from ...engine.template import placeholders, rendering
from ...engine.template.rendering import Mode, UndefinedPolicy

RENDERED = ("rendered_name", "rendered_server_dir", "rendered_code")


class CxTowerFile(models.Model):
    """Name, directory and content of a file on its server, rendered with the values that apply there."""

    _inherit = "cx.tower.file"

    rendered_name = fields.Char(string="Name on the server", compute="_compute_rendered")
    rendered_server_dir = fields.Char(string="Directory on the server", compute="_compute_rendered")
    full_server_path = fields.Char(string="Full path", compute="_compute_rendered")
    rendered_code = fields.Text(string="Preview", compute="_compute_rendered")
    render_error = fields.Text(string="Problem", compute="_compute_rendered")
    host_path = fields.Char(
        string="Path on the server",
        readonly=True,
        copy=False,
        help="Full path when the file was last saved or transferred.",
    )

    _host_path = models.Index("(server_id, host_path) WHERE host_path IS NOT NULL")

    @api.depends_context("uid")
    @api.depends("name", "server_dir", "code", "server_id", "source", "file_type", "variable_values")
    def _compute_rendered(self):
        nonce = random_secrets.token_hex(8)
        lost = self._lost_own_values()
        for file, problem in lost.items():
            file.update(
                {**dict.fromkeys(RENDERED, False), "full_server_path": problem, "render_error": problem}
            )
        files = self.filtered(lambda file: file not in lost)
        scopes = files._scopes(nonce)
        hidden_of = {} if self.env.su else files._hidden_of_servers()
        for file in files:
            scope, hidden = scopes[file], hidden_of.get(file.server_id._origin.id, frozenset())
            hidden = hidden - set(file.variable_values or {})
            values, problems = {}, []
            source = file._rendering_source()
            for field_name, text, where in (
                ("rendered_name", source["name"], self.env._("file name")),
                ("rendered_server_dir", source["directory"], self.env._("directory")),
                ("rendered_code", source["code"], self.env._("content")),
            ):
                values[field_name], problem = file._preview_text(text, scope, nonce, hidden, where)
                problems += [problem] if problem else []
            try:
                values["full_server_path"] = file._preview_path(source, scope, nonce, hidden)
            except EngineError as error:
                values["full_server_path"] = str(error)
                problems = problems or [str(error)]
            values["render_error"] = "\n".join(dict.fromkeys(problems)) or False
            mask = file._own_values__().masker__.mask
            file.update({name: text and mask(text) for name, text in values.items()})

    def _rendering_source(self):
        """Return the texts of this file that are rendered, as input of :meth:`_render_file_path`."""
        self.ensure_one()
        is_text = self.source == "tower" and self.file_type == "text"
        return {
            "name": self.name or "",
            "directory": self.server_dir or "",
            "code": (self.code or "") if is_text else "",
            "label": self.env._("file “%s”", self.name or ""),
        }

    def _preview_text(self, text, scope, nonce, hidden, where):
        """Return (text to show, problem or ""). Secrets are shown by name; a problem is shown instead of the text."""
        try:
            names = sorted(self.env["cx.tower.variable"]._find_variables_surely(text) & hidden)
        except EngineError as error:
            return str(error), str(error)
        if names:
            problem = self.env._("You do not have access to the values of: %s.", ", ".join(names))
            return problem, problem
        try:
            return placeholders.display(
                rendering.render(
                    placeholders.protect(text, nonce), scope, Mode.SHELL, UndefinedPolicy.ERROR, where
                ),
                nonce,
            ), ""
        except EngineError as error:
            return str(error), str(error)

    def _preview_path(self, source, scope, nonce, hidden):
        """Return the rendered path of this file; unrendered if it uses values that the caller may not see.

        :raise engine.errors.EngineError: it cannot be rendered
        """
        find = self.env["cx.tower.variable"]._find_variables_surely
        if (find(source["name"]) | find(source["directory"])) & hidden:
            return f"{source['directory'].rstrip('/')}/{source['name']}"
        return self.server_id._render_file_path(source, scope, nonce)[2]

    def _lost_own_values(self):
        """Return {file: reason} of those of these files whose own values can no longer be decrypted."""
        lost = {}
        for file in self.sudo().filtered(
            "sealed"
        ):  # sudo: the field has no access; no value leaves this method
            try:
                file._own_values__()
            except VaultError as error:
                lost[file.with_env(self.env)] = str(error)
        return lost

    def _scopes(self, nonce):
        """Return {file: values that its texts may use}; one query for files without own values, whatever their servers.

        :param nonce: marks placeholders of secrets in stored values
        """
        # sudo: values are read as for the run itself; what a person may see of them is decided by the preview
        Variable = self.env["cx.tower.variable"].sudo()
        scopes = {}
        for files in self.grouped(
            lambda file: (
                repr(sorted((file.variable_values or {}).items(), key=lambda item: item[0])),
                file.sudo().sealed and file.id,  # sudo: only the engine reads it
            )
        ).values():
            references = set().union(
                *(Variable._find_variables(text) for file in files for text in file._texts())
            )
            own = files[0]._own_values__().values
            servers = files.server_id._origin.sudo()
            found = Variable._variable_scopes(servers, own, references) if references else {}
            marked = {
                server_id: replace(
                    scope,
                    stored={
                        name: text and placeholders.protect(text, nonce)
                        for name, text in scope.stored.items()
                    },
                )
                for server_id, scope in found.items()
            }
            for file in files:
                scopes[file] = marked.get(file.server_id._origin.id) or rendering.VariableScope(custom=own)
        return scopes

    def _texts(self):
        """Return the texts of this file that may use variables."""
        source = self._rendering_source()
        return [source["name"], source["directory"], source["code"]]

    def _hidden_of_servers(self):
        """Return {server id: references of variables whose values there use something the caller may not see}."""
        Variable = self.env["cx.tower.variable"]
        references = set().union(*(Variable._find_variables(text) for file in self for text in file._texts()))
        servers = self.server_id._origin
        if not references - {"tower"} or not servers:
            return {}
        # sudo: only to find out which values are hidden from the caller
        rows_of_all = Variable.sudo()._fetch_values_of_many(
            [Variable._get_scopes(server=server.sudo()) for server in servers], references
        )
        ids = {row["value_id"] for rows in rows_of_all for row in rows if row["value_id"]}
        readable = set(self.env["cx.tower.variable.value"].browse(ids)._filtered_access("read").ids)
        return {
            server.id: _using_hidden(rows, readable, Variable._find_variables_surely)
            for server, rows in zip(servers, rows_of_all, strict=True)
        }

    def _update_host_path(self):
        """Store the rendered paths of these files; empty if a path cannot be rendered."""
        nonce = random_secrets.token_hex(8)
        # sudo: the field is read-only for people, and the path is rendered with all values, as a run does
        lost = self._lost_own_values()
        files = self.sudo().filtered(lambda file: file.with_env(self.env) not in lost)
        for file, scope in files._scopes(nonce).items():
            try:
                path = file.server_id._render_file_path(file._rendering_source(), scope, nonce)[2]
            except EngineError:
                path = False
            if file.host_path != path:
                file._write_quietly({"host_path": path})


def _using_hidden(rows, readable, find_variables):
    """Return the references of hidden values and of all values that use one, directly or indirectly.

    :param rows: as of ``cx.tower.variable._fetch_values``
    :param readable: ids of values that are not hidden
    """
    uses = {}
    hidden = {row["reference"] for row in rows if row["value_id"] and row["value_id"] not in readable}
    for row in rows:
        try:
            uses[row["reference"]] = find_variables(row["text"] or "")
        except OutOfBudget:
            hidden.add(row["reference"])  # unknown which values it uses
    while grown := {name for name, used in uses.items() if used & hidden} - hidden:
        hidden |= grown
    return frozenset(hidden)
