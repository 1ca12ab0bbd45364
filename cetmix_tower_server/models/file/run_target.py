import secrets as random_secrets

from odoo import models

from ...engine.errors import FileCreationFailed, RenderingError
from ...engine.files import host_path
from ...engine.files.operations import PULL, PUSH
from ...engine.template import placeholders, rendering
from ...engine.template.rendering import Mode, UndefinedPolicy
from ..run.cx_tower_run_target_mixin import check_storable

ACTION = "file_using_template"


class CxTowerRunTargetMixin(models.AbstractModel):
    """The part of a run target that renders files: where one goes, and what is in it.

    A step that makes a file from a template is a command like any other; its document holds the template as it was.
    """

    _inherit = "cx.tower.run.target.mixin"

    def _render_file_path(self, source, scope, nonce):
        """Return (name, directory, full path) of a file.

        :param source: dict with ``name`` and ``directory`` as they were written, ``label`` for messages
        :raise engine.errors.RenderingError: a value is missing, a secret would show, or it is no path
        """
        name = self._render_file_text(source["name"], scope, nonce, self.env._("name of %s", source["label"]))
        directory = self._render_file_text(
            source["directory"], scope, nonce, self.env._("directory of %s", source["label"])
        )
        if nonce and placeholders.find_protected(name + directory, nonce):
            raise RenderingError(
                self.env._("The name or directory of %s names a secret: it would show.", source["label"])
            )
        return name, directory, host_path.join(directory, name)

    def _render_file_content(self, source, scope, nonce):
        """Return the content of a text file with placeholders of secrets protected by the nonce."""
        return self._render_file_text(
            source["code"], scope, nonce, self.env._("content of %s", source["label"])
        )

    @staticmethod
    def _render_file_text(text, scope, nonce, where):
        protected = placeholders.protect(text or "", nonce) if nonce else text or ""
        rendered = rendering.render(protected, scope, Mode.SHELL, UndefinedPolicy.ERROR, where)
        check_storable(rendered, where)
        return rendered

    # ------------------------------------------------------------------ a command's file

    def _document_texts(self, document):
        file = document.get("file") or {}
        return [*super()._document_texts(document), file.get("name"), file.get("directory")]

    def _render_run(
        self, server, command, source, source_path, variable_values, tools=None, known=None, document=None
    ):
        """A file's content, name and directory are rendered with the values of the run, and frozen."""
        if command.action != ACTION:
            return super()._render_run(
                server, command, source, source_path, variable_values, tools, known, document
            )
        file = (document or {}).get("file")
        if not file:
            raise FileCreationFailed(
                self.env._("Command “%s” has no file template. Choose one on it.", command.name)
            )
        is_text = file["source"] == "tower" and file["file_type"] == "text"
        texts = {
            "name": file["name"],
            "directory": source_path or file["directory"],
            "code": source if is_text else "",
            "label": self.env._("file template “%s”", file["template"]),
        }
        nonce, scope = known or (random_secrets.token_hex(8), None)
        if scope is None:
            needed = [texts["name"], texts["directory"], texts["code"]]
            scope = self._rendering_scope(server, needed, variable_values, nonce, tools)
        name, directory, path = self._render_file_path(texts, scope, nonce)
        content = self._render_file_content(texts, scope, nonce)
        references = placeholders.find_protected(content, nonce)
        self._check_secrets_exist(server, references)
        frozen = self._step_file_document(file, texts, (name, directory, path), content, source)
        frozen["sudo"] = bool(file["use_sudo"] or (document or {}).get("use_sudo"))
        return {
            "code": placeholders.display(content, nonce),
            "path": path,
            "use_sudo": server._sudo_mode(True) if frozen["sudo"] else False,
            "run_input": {
                "action": command.action,
                "files": [frozen],
                "nonce": nonce,
                "secrets": references,
                "variable_values": variable_values or {},
            },
        }

    def _step_file_document(self, file, texts, place, content, code):
        """Return the document of a file that is made from a template, and of the record that it becomes.

        :param file: the template's document, see ``cx.tower.command._action_document``
        :param texts: as they were written
        :param place: (name, directory, full path) on the host
        :param content: rendered
        :param code: as it was written
        """
        name, directory, path = place
        is_push = file["source"] == "tower"
        if is_push and file["file_type"] == "binary":
            raise FileCreationFailed(
                self.env._(
                    "File template “%s” is binary and has no content to push. Only files of source “Server” can be"
                    " binary in a template.",
                    file["template"],
                )
            )
        # A name that is new each time it is rendered would lead to another file at the next push.
        fixed = {
            "name": name if "tower.tools" in texts["name"] else texts["name"],
            "server_dir": directory if "tower.tools" in texts["directory"] else texts["directory"],
        }
        kept = ("source", "file_type", "mode", "owner", "group", "backup", "use_sudo")
        kept += ("keep_when_deleted", "auto_sync")
        return {
            "operation": PUSH if is_push else PULL,
            "path": path,
            "name": name,
            "content": content if is_push else None,
            **{key: file[key] for key in ("file_type", "mode", "owner", "group", "backup", "if_exists")},
            "record": {
                "template_id": file["template_id"],
                "disconnect": file["disconnect"],
                "values": {**{key: file[key] for key in kept}, **fixed, "code": code},
            },
        }
