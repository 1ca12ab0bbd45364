from odoo import models

from ...engine import states


class CxTowerNewsMixin(models.AbstractModel):
    """For runs whose end is announced to the person who started them: how bad the news is.

    They have ``state``, ``user_id`` and ``stop_requested_by_id``.
    """

    _name = "cx.tower.news.mixin"
    _description = "Tower news mixin"

    def _was_wanted(self):
        """Return whether the person who started the run also stopped it, which is no bad news for them."""
        return self.state == states.STOPPED and self.stop_requested_by_id == self.user_id

    def _notification_type(self):
        """Return the type of the notification about the end of this run."""
        if self.state == states.DONE:
            return "success"
        if self.state == states.SKIPPED or self._was_wanted():
            return "info"
        return "warning" if self.state == states.STOPPED else "danger"
