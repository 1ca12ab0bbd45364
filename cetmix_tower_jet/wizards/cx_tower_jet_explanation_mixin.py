from markupsafe import Markup
from odoo import models


class CxTowerJetExplanationMixin(models.AbstractModel):
    """Says before something starts what it will make, use and run."""

    _name = "cx.tower.jet.explanation.mixin"
    _description = "Tower Jet Explanation Mixin"

    def _as_html(self, items, plan, last=()):
        """Return a plan as HTML.

        :param items: sentences about what is made
        :param plan: dict as of ``cx.tower.jet.template._plan_launch``
        :param last: sentences about what follows the steps
        """
        parts = [self._as_list(items)]
        if plan["dependencies"]:
            parts.append(Markup("<p class='mb-1'>%s</p>") % self.env._("First, what it depends on:"))
            parts.append(self._as_list([step["text"] for step in plan["dependencies"]], "ol"))
        parts.append(Markup("<p class='mb-1'>%s</p>") % self._steps_title(plan["steps"]))
        parts.append(self._as_list([*map(self._step_text, plan["steps"]), *last], "ol"))
        return Markup("").join(parts)

    def _as_list(self, items, tag="ul"):
        """Return texts as an HTML list, "" without any."""
        if not items:
            return Markup("")
        rows = Markup("").join(Markup("<li>%s</li>") % item for item in items)
        return Markup(f"<{tag} class='mb-2 ps-4'>%s</{tag}>") % rows

    def _value_texts(self, plan):
        """Return sentences about the values that will be allocated."""
        return [
            self.env._(
                "%(name)s: the lowest free of %(range)s, now %(value)s",
                name=value["name"],
                range=value["range"],
                value=value["value"],
            )
            for value in plan["values"]
            if value["value"]
        ]

    def _steps_title(self, steps):
        if not steps:
            return self.env._("Nothing runs: the jet stays without a state.")
        if not steps[-1]["state"]:
            return self.env._("Then it runs:")
        return self.env._("To get to “%s”, it runs:", steps[-1]["state"])

    def _step_text(self, step):
        if not step["plan"]:
            return self.env._("%(action)s, which runs nothing", action=step["name"])
        return self.env._(
            "%(action)s, with the flight plan “%(plan)s”", action=step["name"], plan=step["plan"]
        )
