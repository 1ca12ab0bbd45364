import threading
from collections import OrderedDict

from odoo import api, models

from ...engine.plan.definition import freeze

INPUTS_KEPT = 64


class FrozenInputs:
    """What an outermost run keeps of the moment it was started.

    :param run_input: the document in its log
    """

    def __init__(self, run_input):
        self.plans = {int(plan_id): freeze(document) for plan_id, document in run_input["plans"].items()}
        self.tools = run_input.get("tools") or {}


class _InputsOfRuns:
    """The frozen inputs of runs that are going on in this process. A run's never change, so nothing expires.

    The key is the random reference of a run: a database that is restored under the same name has other runs with the same
    ids, and what is found here must never be another plan's code.
    """

    def __init__(self):
        self._known = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key, load):
        """Return the :class:`FrozenInputs` of an outermost run; ``load()`` gives its document when it is not known."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        inputs = FrozenInputs(load())
        with self._lock:
            self._known[key] = inputs
            while len(self._known) > INPUTS_KEPT:
                self._known.popitem(last=False)
        return inputs


_inputs_of_runs = _InputsOfRuns()


class CxTowerPlanLog(models.Model):
    """What a run keeps of the moment in which it was started: changing a plan does not change its runs.

    The document is in ``run_input`` of the outermost run; a run inside has only the plans around it there.
    """

    _inherit = "cx.tower.plan.log"

    @api.model
    def _freeze_inputs(self, plan, variable_values):
        """Return the document of a run's inputs: the definitions of the plan and all plans inside it, custom values, time."""
        plans = {str(plan_id): document for plan_id, document in plan._with_nested()._definition().items()}
        tools = self.env["cx.tower.variable"]._make_tools_values()
        return {"plans": plans, "variable_values": variable_values or {}, "tools": tools}

    def _path(self):
        """Return the ids of the plans that this run is inside of."""
        return self._inputs__()[0]["path"] if self.parent_flight_plan_log_id else []

    def _frozen_plan(self):
        """Return this run's plan as it was when the outermost run was started."""
        return self._frozen_inputs().plans[self.plan_id.id or self.kept_target_id]

    def _frozen_inputs(self):
        """Return the inputs of the outermost run. Read once a process and run."""
        top = self.top_plan_log_id
        return _inputs_of_runs.get(top.reference, lambda: top._inputs__()[0])

    def _tools(self):
        """Return ``tower.tools`` of the whole run: identifier and time do not change between its steps."""
        return self._frozen_inputs().tools
