import re

from odoo import models
from odoo.exceptions import AccessError

from .new_jets import GROUP_MANAGER

#: What means something to a shell, to templates, or to programs as an option. A text without it is only text.
ACTIVE = re.compile(r"[$`\"'\\;&|<>(){}\[\]*?!#^\x00-\x1f\x7f]|(?:^|\s)-(?!\s|$)")


class CxTowerJetTemplate(models.Model):
    """Texts that people of level User enter for a new jet.

    Flight plans insert them into shell code as they are, so entering them freely would mean running anything.
    """

    _inherit = "cx.tower.jet.template"

    def _check_user_texts(self, name=None, url=None, texts=None):
        """Raise AccessError for a text that the caller may not enter; see :meth:`_problem_with_user_texts`."""
        problem = self._problem_with_user_texts(name, url, texts)
        if problem:
            raise AccessError(problem)

    def _problem_with_user_texts(self, name=None, url=None, texts=None):
        """Return why the caller may not enter these texts for a new jet, as a sentence; "" if they may.

        Managers enter anything. Values that a variable's author provided for, or that the template has anyway, are nobody's
        own texts.

        :param name: name of the jet
        :param url: its URL
        :param texts: {variable reference: text or False}
        """
        if self.env.su or self.env.user.has_group(GROUP_MANAGER):
            return ""
        address = (url or "").replace("?", "")  # no shell expands it in an address
        entered = {
            self.env._("Name"): name,
            self.env._("URL"): address,
            **self._texts_without_author(texts or {}),
        }
        for label, text in entered.items():
            found = ACTIVE.search(text) if isinstance(text, str) else None
            if found:
                return self.env._(
                    "“%(label)s” contains “%(found)s”, which can mean something in shell code. Only Managers may use it. Leave it"
                    " out, or ask a Manager of “%(template)s”.",
                    label=label,
                    found=found[0].strip() or repr(found[0])[1:-1],
                    template=self.name,
                )
        return ""

    def _texts_without_author(self, texts):
        """Return those of these values that neither the template nor an option or pattern of the variable provides."""
        # sudo: compared with what the caller enters, not shown
        of_template = {value.variable_reference: value.value_char for value in self._values_of_template()}
        known = self.env["cx.tower.variable"].sudo().search([("reference", "in", [*map(str, texts)])])
        variables = {variable.reference: variable for variable in known}
        is_vetted = self.env["cx.tower.jet"]._is_vetted_value
        return {
            reference: text
            for reference, text in texts.items()
            if text != of_template.get(reference)
            and not (reference in variables and is_vetted(variables[reference], text))
        }
