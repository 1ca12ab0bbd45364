from odoo import api, models
from odoo.exceptions import AccessError

from .levels import level_in_tower

#: Jets that a message names at most.
NAMED = 5


class CxTowerJet(models.Model):
    """What the caller may do with a jet."""

    _inherit = "cx.tower.jet"

    @api.model
    def _get_linked_access_fields(self):
        # The name of the original is shown.
        return [*super()._get_linked_access_fields(), "jet_cloned_from_id"]

    @api.model
    def _get_links_left_out_of_copies(self):
        return [*super()._get_links_left_out_of_copies(), "jet_cloned_from_id"]

    @api.model
    def _empty_hint(self):
        if self._may_create():
            return self.env._(
                "You see jets where you are one of the Users or Managers, on servers where you have a role, too. Launch a new"
                " one from a jet template."
            )
        return self.env._(
            "You see jets that have you in their Users, on servers that have you in their Users, too. Launch one, or ask a"
            " Manager to add you."
        )

    def _level_of_caller(self):
        """Return the access level that counts for the caller on this jet: "1" User, "2" Manager, "3" Root.

        A Manager who is only in the jet's Users counts as User there. It does not change what the record rules let them read.
        """
        self.ensure_one()
        return self._levels_of_caller()[0]

    def _levels_of_caller(self):
        """Return the access level that counts for the caller on each of these jets, in their order."""
        level = level_in_tower(self.env)
        if level != "2":
            return [level] * len(self)
        jets = self.sudo()  # sudo: whether the caller is in it
        return ["2" if self.env.uid in jet.manager_ids.ids else "1" for jet in jets]

    def _check_may_trigger(self, action):
        """Raise AccessError unless the caller may trigger this action on this jet, whether it is available or not.

        Reading both, and the action's level on this jet, are enough; the rest was decided by the template's author.
        """
        self.check_access("read")
        action.check_access("read")
        self._check_level_of(action, action.name)

    def _check_may_continue(self, transition):
        """Raise AccessError unless the caller may trigger the action of a transition, as it was then, on this jet."""
        self.check_access("read")
        facts = transition.sudo()  # sudo: the level that it takes, for whoever may read the jet
        facts.action_id.with_env(self.env).check_access("read")
        self._check_level_of(facts, facts.action_name or "")

    def _check_level_of(self, what, name):
        """Raise AccessError if an action, or a transition, is above the caller's level on this jet."""
        if what.access_level > self._level_of_caller():
            raise AccessError(
                self.env._(
                    "You may not trigger “%(action)s” on “%(jet)s”: it needs the access level %(level)s. Ask a Manager of the jet.",
                    action=name,
                    jet=self.name,
                    level=what._access_level_label(),
                )
            )

    def _check_may_stop(self):
        """Raise AccessError unless the caller may stop what this jet is busy with."""
        self.check_access("read")
        if not self._is_stopper():
            raise AccessError(
                self.env._(
                    "You may not stop what “%s” is busy with: only the person who started it, Managers of the jet or of its server,"
                    " and Root may.",
                    self.sudo().name,  # sudo: the caller may read it
                )
            )

    def _is_stopper(self):
        """Return whether the caller, who may read this jet, may stop what it is busy with."""
        self.ensure_one()
        user = self.env.user
        if self.env.su or user.has_group("cetmix_tower_server.group_root"):
            return True
        jet = self.sudo()  # sudo: compares people with the caller
        return user == jet.current_transition_id.user_id or user in jet._get_stop_managers()

    def _names_for_caller(self):
        """Return these jets for a sentence: names of those that the caller may read, the others are only counted."""
        shown = self._filtered_access("read")[:NAMED]
        names = [f"“{jet.sudo().name}”" for jet in shown]  # sudo: a name that the caller may read
        others = len(self) - len(shown)
        if others > 1:
            names.append(self.env._("%s other jets", others) if names else self.env._("%s jets", others))
        elif others:
            names.append(self.env._("another jet") if names else self.env._("a jet that you cannot see"))
        return ", ".join(names)
