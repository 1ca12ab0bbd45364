import re

from odoo import models

from ...engine.errors import RenderingError
from ...engine.run_request import RunInput, RunValues
from ...engine.template import placeholders, rendering

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class CxTowerRunTargetMixin(models.AbstractModel):
    """What is frozen when a run is started: code and directory with the values that count on the target.

    Secrets are not read here, only found to exist; their placeholders stay in the frozen code.
    """

    _inherit = "cx.tower.run.target.mixin"

    def _render_run(self, instruction, values):
        """Return the values of a log that say what is run: as it will be executed, and as it is shown.

        Extension point: an action that runs something else than code renders what is in the instruction's details.

        :param instruction: :class:`engine.run_request.Instruction`
        :param values: :class:`engine.run_request.RunValues` for the texts of :meth:`_texts_of`
        :return: dict: ``code``, ``path``, ``run_input``
        :raise engine.errors.EngineError: the run cannot begin
        """
        where = self.env._("code of command “%s”", instruction.name)
        mode = rendering.Mode.LITERAL if instruction.action == "python_code" else rendering.Mode.SHELL
        code = render_marked(instruction.code, values, where, mode)
        path = render_marked(instruction.path, values, self.env._("path of command “%s”", instruction.name))
        if placeholders.find_protected(path, values.nonce):
            raise RenderingError(
                self.env._(
                    "The path of command “%s” names a secret, which would be visible there.", instruction.name
                )
            )
        secrets = placeholders.find_protected(code, values.nonce)
        self._check_secrets_exist(secrets, values)
        run_input = RunInput(
            action=instruction.action,
            nonce=values.nonce,
            secrets=secrets,
            variable_values=values.scope.custom,
            settings=instruction.settings,
            code=code,
            path=path,
            source_code=instruction.typed_code,
            source_path=instruction.typed_path,
        )
        return {
            "code": placeholders.display(code, values.nonce),
            "path": path or False,
            "run_input": {**instruction.document, **run_input.to_plain()},
        }

    def _texts_of(self, instruction):
        """Return the texts of an instruction that may use variables. Extension point, see :meth:`_render_run`."""
        return [instruction.code, instruction.path]

    def _read_values(self, texts, variable_values, tools=None, can_name_secrets=True):
        """Return the :class:`engine.run_request.RunValues` for texts of one run on this target; one query.

        :param texts: templates
        :param variable_values: custom values of the run
        :param tools: ``tower.tools`` of the flight plan that the run is a step of
        :param can_name_secrets: False where the text is shown as it is rendered: conditions, values, paths
        :raise engine.errors.RenderingError: a text is malformed
        """
        references = set().union(*(rendering.find_variables(text) for text in texts if text))
        if references:
            scope = self.env["cx.tower.variable"]._variable_scope(
                custom_values=variable_values,
                references=references,
                tools=tools,
                **self._get_variable_scope_records(),
            )
        else:
            scope = rendering.VariableScope(custom=dict(variable_values or {}))
        return RunValues.marked(scope) if can_name_secrets else RunValues(scope)

    def _read_values_of_all(self, texts, variable_values):
        """Return {target id: :class:`engine.run_request.RunValues`} for the same texts on all of these targets; one query.

        Malformed texts are left to the rendering. Secrets are looked for by :meth:`_find_missing_secrets`.
        """
        Variable = self.env["cx.tower.variable"]
        references = set().union(*(Variable._find_variables(text) for text in texts if text))
        # sudo: the caller may run the command; the values that it uses count, whoever runs it
        scopes = Variable.sudo()._variable_scopes(self.sudo(), variable_values, references)
        return {
            target_id: RunValues.marked(scope, checks_secrets=False) for target_id, scope in scopes.items()
        }

    # ------------------------------------------------------------------ secrets

    def _get_secrets__(self, references):
        """Return {reference: Secret} of the values that count on this target.

        :raise engine.errors.SecretNotFound: one has none
        """
        if not references:
            return {}
        return self.env["cx.tower.key"]._get_secrets__(references, **self._get_secret_owners())

    def _check_secrets_exist(self, references, values):
        """Raise :class:`engine.errors.SecretNotFound` for the first secret without a value here."""
        if values.checks_secrets:
            self._get_secrets__(references)

    def _find_missing_secrets(self, references_of):
        """Return {target id: references of secrets without a value there}, sorted; one query, nothing is decrypted.

        :param references_of: {target id: references that are needed there}
        """
        wanted = {
            target.id: (target._get_secret_owners(), references_of.get(target.id) or ()) for target in self
        }
        return self.env["cx.tower.key"]._find_missing_secrets(wanted)


def render_marked(template, values, where, mode=rendering.Mode.SHELL):
    """Return a template with its values, placeholders of secrets marked.

    :param values: :class:`engine.run_request.RunValues`
    :param where: what the template is, for messages
    :raise engine.errors.RenderingError: it cannot be rendered, or the database could not store what comes out
    """
    text = template or ""
    if values.nonce:
        text = placeholders.protect(text, values.nonce)
    rendered = rendering.render(text, values.scope, mode, rendering.UndefinedPolicy.ERROR, where)
    if not is_storable(rendered):  # a template may make it of its own literals, as ``{{ "\x00" }}``
        raise RenderingError(f"NUL and half characters cannot be in the {where}. Take them out.")
    return rendered


def is_storable(text):
    """Return whether the database and a host can take a text."""
    return not _UNSTORABLE.search(text)
