from odoo import models

from ...engine import states


class CxTowerNewsMixin(models.AbstractModel):
    """For runs whose end is told to whoever started them: how bad the news is. They have ``state``, ``user_id``,
    ``stop_requested_by_id``.
    """

    _name = "cx.tower.news.mixin"
    _description = "Tower news mixin"

    def _was_wanted(self):
        """Return whether the starter stopped the run: no bad news. What somebody else stopped stays until it is read."""
        return self.state == states.STOPPED and self.stop_requested_by_id == self.user_id

    def _notification_type(self):
        """Return the colour of the news that this run has ended."""
        if self.state == states.DONE:
            return "success"
        if self.state == states.SKIPPED or self._was_wanted():
            return "info"
        return "warning" if self.state == states.STOPPED else "danger"
