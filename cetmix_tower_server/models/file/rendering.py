from odoo import api, fields, models

from ...engine.errors import EngineError, OutOfBudget, RenderingError, VaultError
from ...engine.files import host_path
from ...engine.run_request import RunValues, new_nonce
from ...engine.template import placeholders
from ...engine.template.rendering import VariableScope
from ..run.rendering import render_marked

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
        lost = self._lost_custom_values()
        for file, problem in lost.items():
            file.update(
                {**dict.fromkeys(RENDERED, False), "full_server_path": problem, "render_error": problem}
            )
        files = self.filtered(lambda file: file not in lost)
        read = files._read_values_of_texts(new_nonce())
        hidden_of = {} if self.env.su else files._hidden_on_targets()
        for file in files:
            hidden = hidden_of.get(file._run_target()._origin, frozenset())
            hidden = hidden - set(file.variable_values or {})
            values, problems = {}, []
            source = file._rendering_source()
            for field_name, text, where in (
                ("rendered_name", source["name"], self.env._("file name")),
                ("rendered_server_dir", source["directory"], self.env._("directory")),
                ("rendered_code", source["code"], self.env._("content")),
            ):
                values[field_name], problem = file._preview_text(text, read[file], hidden, where)
                problems += [problem] if problem else []
            try:
                values["full_server_path"] = file._preview_path(source, read[file], hidden)
            except EngineError as error:
                values["full_server_path"] = str(error)
                problems = problems or [str(error)]
            values["render_error"] = "\n".join(dict.fromkeys(problems)) or False
            mask = file._custom_values__().masker__.mask
            file.update({name: text and mask(text) for name, text in values.items()})

    def _rendering_source(self):
        """Return the texts of this file as they were written, as input of :meth:`_render_place`."""
        self.ensure_one()
        is_text = self.source == "tower" and self.file_type == "text"
        return {
            "name": self.name or "",
            "directory": self.server_dir or "",
            "code": (self.code or "") if is_text else "",
            "label": self.env._("file “%s”", self.name or ""),
        }

    def _preview_text(self, text, values, hidden, where):
        """Return (text to show, problem or ""). Secrets are shown by name; a problem is shown instead of the text."""
        try:
            names = sorted(self.env["cx.tower.variable"]._find_variables_surely(text) & hidden)
        except EngineError as error:
            return str(error), str(error)
        if names:
            problem = self.env._("You do not have access to the values of: %s.", ", ".join(names))
            return problem, problem
        try:
            return placeholders.display(render_marked(text, values, where), values.nonce), ""
        except EngineError as error:
            return str(error), str(error)

    def _preview_path(self, source, values, hidden):
        """Return the rendered path of this file; unrendered if it uses values that the caller may not see.

        :raise engine.errors.EngineError: it cannot be rendered
        """
        find = self.env["cx.tower.variable"]._find_variables_surely
        if (find(source["name"]) | find(source["directory"])) & hidden:
            return f"{source['directory'].rstrip('/')}/{source['name']}"
        return self._render_place(source, values)[2]

    @api.model
    def _render_place(self, source, values):
        """Return (name, directory, full path) of a file.

        :param source: dict with ``name`` and ``directory`` as they were written, ``label`` for messages
        :param values: :class:`engine.run_request.RunValues`
        :raise engine.errors.RenderingError: a value is missing, a secret would be visible, or it is no path
        """
        name = render_marked(source["name"], values, self.env._("name of %s", source["label"]))
        directory = render_marked(source["directory"], values, self.env._("directory of %s", source["label"]))
        if values.nonce and placeholders.find_protected(name + directory, values.nonce):
            raise RenderingError(
                self.env._(
                    "The name or directory of %s names a secret, which would be visible there.",
                    source["label"],
                )
            )
        return name, directory, host_path.join(directory, name)

    @api.model
    def _render_content(self, source, values):
        """Return the content of a text file, placeholders of secrets marked; see :meth:`_render_place`."""
        return render_marked(source["code"], values, self.env._("content of %s", source["label"]))

    def _lost_custom_values(self):
        """Return {file: reason} of those of these files whose custom values can no longer be decrypted."""
        lost = {}
        # sudo: nobody may read the field; no value leaves this method
        for file in self.sudo().filtered("sealed"):
            try:
                file._custom_values__()
            except VaultError as error:
                lost[file.with_env(self.env)] = str(error)
        return lost

    def _grouped_by_target(self):
        """Return {run target: files}."""
        return self.grouped(lambda file: file._run_target())

    def _targets_by_kind(self):
        """Return the run targets of these files: one recordset for each model."""
        targets = [target._origin for target in self._grouped_by_target() if target]
        return [
            self.env[model].browse(target.id for target in targets if target._name == model and target.id)
            for model in dict.fromkeys(target._name for target in targets)
        ]

    def _read_values_of_texts(self, nonce):
        """Return {file: :class:`engine.run_request.RunValues`}; one query for files without custom values, whatever their servers.

        :param nonce: marks placeholders of secrets in stored values
        """
        # sudo: values are read as for the run itself; what a person may see of them is decided by the preview
        Variable = self.env["cx.tower.variable"].sudo()
        read = {}
        for files in self.grouped(
            lambda file: (
                repr(sorted((file.variable_values or {}).items(), key=lambda item: item[0])),
                file.sudo().sealed and file.id,  # sudo: only the engine reads it
            )
        ).values():
            references = set().union(
                *(Variable._find_variables(text) for file in files for text in file._texts())
            )
            own = files[0]._custom_values__().values
            marked = {}
            for targets in files._targets_by_kind() if references else ():
                scopes = Variable._variable_scopes(targets.sudo(), own, references)  # sudo: as above
                marked |= {
                    (targets._name, target_id): RunValues.marked(scope, nonce)
                    for target_id, scope in scopes.items()
                }
            unknown = RunValues(VariableScope(custom=own), nonce)
            for file in files:
                target = file._run_target()._origin
                read[file] = marked.get((target._name, target.id), unknown)
        return read

    def _texts(self):
        """Return the texts of this file that may use variables."""
        source = self._rendering_source()
        return [source["name"], source["directory"], source["code"]]

    def _hidden_on_targets(self):
        """Return {run target: references of variables whose values there use something the caller may not see}."""
        Variable = self.env["cx.tower.variable"]
        references = set().union(*(Variable._find_variables(text) for file in self for text in file._texts()))
        hidden = {}
        for targets in self._targets_by_kind() if references - {"tower"} else ():
            # sudo: only to find out which values are hidden from the caller
            scopes = [
                Variable._get_scopes(**target.sudo()._get_variable_scope_records()) for target in targets
            ]
            rows_of_all = Variable.sudo()._fetch_values_of_many(scopes, references)  # sudo: as above
            ids = {row["value_id"] for rows in rows_of_all for row in rows if row["value_id"]}
            readable = set(self.env["cx.tower.variable.value"].browse(ids)._filtered_access("read").ids)
            for target, rows in zip(targets, rows_of_all, strict=True):
                hidden[target] = _using_hidden(rows, readable, Variable._find_variables_surely)
        return hidden

    def _update_host_path(self):
        """Store the rendered paths of these files; empty if a path cannot be rendered."""
        # sudo: the field is read-only for people, and the path is rendered with all values, as a run does
        lost = self._lost_custom_values()
        files = self.sudo().filtered(lambda file: file.with_env(self.env) not in lost)
        for file, values in files._read_values_of_texts(new_nonce()).items():
            try:
                path = file._render_place(file._rendering_source(), values)[2]
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
