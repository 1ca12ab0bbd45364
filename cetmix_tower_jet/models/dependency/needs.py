"""What jets need, and who needs a jet: questions that are asked about any number of jets with one query each."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from odoo import api, models
from odoo.tools import SQL

from ...engine.choice import Candidate

#: Fields that the queries below read, of each model.
READ = {
    "cx.tower.jet": [
        "active",
        "state_id",
        "target_state_id",
        "current_transition_id",
        "jet_template_id",
        "server_id",
    ],
    "cx.tower.jet.transition": ["state", "jet_id", "state_to_id", "command_log_id", "action_id"],
    "cx.tower.jet.dependency": ["jet_id", "jet_template_dependency_id", "jet_depends_on_id"],
    "cx.tower.jet.template.dependency": [
        "template_id",
        "template_required_id",
        "state_required_id",
        "needed_in_state_ids",
    ],
    "cx.tower.jet.request": ["state", "jet_id", "transition_id", "requested_by_jet_id"],
}

#: Whether a dependency (``need``) counts while the jet that has it (``dependant``, with its running transition ``moving``) is
#: where it is: it lives, and the dependency is for its state, for the state that it is entering, or for all states. A new jet
#: that a movement without an action fills lives, too.
COUNTS = SQL(
    """dependant.active AND (dependant.state_id IS NOT NULL OR moving.id IS NOT NULL AND moving.action_id IS NULL)
       AND (NOT EXISTS (SELECT FROM cx_tower_jet_template_dependency_needed_state_rel needed
                         WHERE needed.dependency_id = need.id)
            OR EXISTS (SELECT FROM cx_tower_jet_template_dependency_needed_state_rel needed
                        WHERE needed.dependency_id = need.id
                          AND needed.state_id IN (dependant.state_id, moving.state_to_id)))"""
)
DEPENDANTS = SQL(
    """cx_tower_jet_dependency link
       JOIN cx_tower_jet_template_dependency need ON need.id = link.jet_template_dependency_id
       JOIN cx_tower_jet dependant ON dependant.id = link.jet_id
       LEFT JOIN cx_tower_jet_transition moving
              ON moving.id = dependant.current_transition_id AND moving.state = 'running'"""
)


@dataclass(frozen=True)
class Wish:
    """A jet that is looked for.

    :param key: number by which the answer is found
    :param template: jet template
    :param server: where it is to be, unless the dependency allows other servers
    :param state: in which state
    :param person: who may use it; empty when it was deleted
    :param asker: jet that needs it; empty for none, or one that does not exist yet
    :param need: template dependency that it is for; empty for none
    :param transition: transition that waits for it; empty for none
    :param only: the only jet that will do; empty for any
    """

    key: int
    template: Any
    server: Any
    state: Any
    person: Any
    asker: Any
    need: Any
    transition: Any
    only: Any

    def states_leading_there(self):
        """Return the states (None: no state) from which a jet of the template can be brought to the state."""
        return self.template._lifecycle().leading_to(self.state.id or None)


class CxTowerJet(models.Model):
    """What jets need, and who needs them."""

    _inherit = "cx.tower.jet"

    @api.model
    def _flush_needs(self):
        for model, names in READ.items():
            self.env[model].flush_model(names)

    # ------------------------------------------------------------------ what a jet needs

    @api.model
    def _unmet_before(self, entering):
        """Return which dependencies are to be met before jets enter states.

        A dependency is met by a linked jet that is idle in the required state.

        :param entering: (jet id, id of the state or None, whether the create action leads there) tuples
        :return: {jet id: ids of template dependencies, in order of creation}
        """
        entering = [row for row in entering if row[1]]
        if not entering:
            return {}
        self._flush_needs()
        rows = self.env.execute_query(
            SQL(
                """SELECT jet.id, need.id
                     FROM (VALUES %s) AS entering (jet_id, state_id, is_create)
                     JOIN cx_tower_jet jet ON jet.id = entering.jet_id
                     JOIN cx_tower_jet_template_dependency need ON need.template_id = jet.jet_template_id
                    WHERE (EXISTS (SELECT FROM cx_tower_jet_template_dependency_needed_state_rel needed
                                    WHERE needed.dependency_id = need.id AND needed.state_id = entering.state_id)
                           OR entering.is_create
                              AND NOT EXISTS (SELECT FROM cx_tower_jet_template_dependency_needed_state_rel needed
                                               WHERE needed.dependency_id = need.id))
                      AND NOT EXISTS (SELECT FROM cx_tower_jet_dependency link
                                        JOIN cx_tower_jet other ON other.id = link.jet_depends_on_id
                                       WHERE link.jet_id = jet.id AND link.jet_template_dependency_id = need.id
                                         AND other.active AND other.current_transition_id IS NULL
                                         AND other.state_id = need.state_required_id)
                    ORDER BY need.id""",
                SQL(", ").join(SQL("(%s::int, %s::int, %s::bool)", *row) for row in entering),
            )
        )
        unmet = defaultdict(list)
        for jet_id, need_id in rows:
            unmet[jet_id].append(need_id)
        return unmet

    def _find_unmet_dependencies(self, state, is_create):
        unmet = self._unmet_before([(self.id, state.id or None, is_create)])
        return self.env["cx.tower.jet.template.dependency"].browse(unmet.get(self.id, ()))

    @api.model
    def _unmet_now_sql(self, condition):
        """Return a query of (jet id, template dependency id, id of the linked jet's state) for what jets lack as they are.

        :param condition: SQL condition on ``dependant``
        """
        return SQL(
            """SELECT dependant.id AS jet_id, need.id AS need_id, other.state_id, other.id AS other_id
                 FROM cx_tower_jet dependant
                 JOIN cx_tower_jet_template_dependency need ON need.template_id = dependant.jet_template_id
                 LEFT JOIN cx_tower_jet_transition moving
                        ON moving.id = dependant.current_transition_id AND moving.state = 'running'
                 LEFT JOIN cx_tower_jet_dependency link
                        ON link.jet_id = dependant.id AND link.jet_template_dependency_id = need.id
                 LEFT JOIN cx_tower_jet other ON other.id = link.jet_depends_on_id AND other.active
                WHERE %s AND %s AND other.state_id IS DISTINCT FROM need.state_required_id""",
            condition,
            COUNTS,
        )

    # ------------------------------------------------------------------ who needs a jet

    def _dependants_here(self):
        """Return [(id of a jet that needs this jet in its present state, id of the template dependency)]."""
        self.ensure_one()
        self._flush_needs()
        return self.env.execute_query(
            SQL(
                """SELECT dependant.id, need.id FROM %s
                    WHERE link.jet_depends_on_id = %s AND need.state_required_id = %s AND %s
                    ORDER BY dependant.id""",
                DEPENDANTS,
                self.id,
                self.state_id.id or None,
                COUNTS,
            )
        )

    @api.model
    def _is_needed_here_sql(self, asker_id):
        """Return the condition that another jet than the one that asks needs the row ``jet`` in its present state.

        Such a jet lives and is linked to it, or its transition still waits and was served by it.
        """
        return SQL(
            """EXISTS (SELECT FROM %(dependants)s
                        WHERE link.jet_depends_on_id = jet.id AND link.jet_id != %(asker)s
                          AND need.state_required_id = jet.state_id AND %(counts)s)
               OR EXISTS (SELECT FROM cx_tower_jet_request served
                            JOIN cx_tower_jet_transition waiting ON waiting.id = served.transition_id
                           WHERE served.jet_id = jet.id AND served.state = 'success' AND waiting.state = 'waiting'
                             AND waiting.jet_id != %(asker)s AND served.state_requested_id = jet.state_id)""",
            dependants=DEPENDANTS,
            counts=COUNTS,
            asker=asker_id or 0,
        )

    # ------------------------------------------------------------------ what waits for what

    @api.model
    def _busy_around(self, transition_ids, log_ids=()):
        """Return which jets are busy with what a transition, or a run, belongs to: waiting for them would never end.

        Followed are the run that asked for a transition, to the transition whose flight plan it is part of, and requests, to the
        transitions that wait for a jet.

        :param transition_ids: transitions that ask
        :param log_ids: runs of commands that ask
        :return: ids of jets, those of the transitions included
        """
        if not transition_ids and not log_ids:
            return set()
        self._flush_needs()
        rows = self.env.execute_query(
            SQL(
                """WITH RECURSIVE around AS (
                       SELECT id, jet_id, command_log_id FROM cx_tower_jet_transition WHERE id = ANY(%(transitions)s)
                        UNION
                       SELECT outer_one.id, outer_one.jet_id, outer_one.command_log_id FROM (%(asked)s) outer_one
                        UNION
                       SELECT outer_one.id, outer_one.jet_id, outer_one.command_log_id
                         FROM around
                        CROSS JOIN LATERAL (
                              %(run)s
                               UNION ALL
                              SELECT waiting.id, waiting.jet_id, waiting.command_log_id
                                FROM cx_tower_jet_request request
                                JOIN cx_tower_jet_transition waiting ON waiting.id = request.transition_id
                               WHERE request.jet_id = around.jet_id AND request.state IN ('new', 'processing')
                                 AND waiting.state = 'waiting'
                               UNION ALL
                              SELECT parent.id, parent.jet_id, parent.command_log_id
                                FROM cx_tower_jet_transition inside
                                JOIN cx_tower_jet_transition parent ON parent.id = inside.parent_id
                               WHERE inside.id = around.id) outer_one)
                   SELECT DISTINCT jet_id FROM around""",
                transitions=list(transition_ids),
                asked=self._transition_of_run_sql(SQL("log.id = ANY(%s)", list(log_ids))),
                run=self._transition_of_run_sql(SQL("log.id = around.command_log_id")),
            )
        )
        return {row[0] for row in rows}

    @api.model
    def _transition_of_run_sql(self, condition):
        """Return a query of the live transitions whose flight plan the run ``log`` is a part of."""
        return SQL(
            """SELECT moving.id, moving.jet_id, moving.command_log_id
                 FROM cx_tower_command_log log
                 JOIN cx_tower_plan_log run ON run.id = log.plan_log_id
                 JOIN cx_tower_plan_log top ON top.id = COALESCE(run.top_plan_log_id, run.id)
                 JOIN cx_tower_jet_transition moving ON moving.id = top.jet_transition_id
                WHERE %s AND moving.state IN ('waiting', 'running')""",
            condition,
        )

    # ------------------------------------------------------------------ what could serve

    @api.model
    def _candidates(self, wishes):
        """Return the jets that could be what is looked for, as the engine takes them.

        Those that the person may read, and a jet that is linked already. One query for the jets, whatever their number, and one
        for each waiting transition that meets a busy jet.

        :param wishes: [:class:`Wish`]
        :return: {key of the wish: [:class:`engine.choice.Candidate`]}
        """
        found = {wish.key: [] for wish in wishes}
        if not wishes:
            return found
        self._flush_needs()
        by_key = {wish.key: wish for wish in wishes}
        leading = {wish.key: wish.states_leading_there() for wish in wishes}
        around = {}
        rows = self.env.execute_query(SQL(" UNION ALL ").join(map(self._candidates_sql, wishes)))
        for key, jet_id, state_id, target_id, is_idle, is_linked, is_needed in rows:
            asking = by_key[key].transition
            if not is_idle and asking and asking not in around:
                around[asking] = self._busy_around(asking.ids)
            found[key].append(
                Candidate(
                    id=jet_id,
                    state=state_id,
                    target=target_id,
                    is_idle=is_idle,
                    is_linked=is_linked,
                    can_reach=state_id in leading[key],
                    is_needed_here=is_needed,
                    asks_itself=not is_idle and jet_id in around.get(asking, ()),
                )
            )
        return found

    @api.model
    def _candidates_sql(self, wish):
        linked = SQL(
            """EXISTS (SELECT FROM cx_tower_jet_dependency link WHERE link.jet_depends_on_id = jet.id
                          AND link.jet_id = %s AND link.jet_template_dependency_id = %s)""",
            wish.asker.id or 0,
            wish.need.id or 0,
        )
        conditions = [
            SQL("jet.active AND jet.id != %s", wish.asker.id or 0),
            SQL("jet.jet_template_id = %s", wish.template.id),
        ]
        if wish.need.where != "any":
            # a jet that followed a transfer to another server still serves what it is linked to
            conditions.append(SQL("(jet.server_id = %s OR %s)", wish.server.id, linked))
        if wish.only:
            conditions.append(SQL("jet.id = %s", wish.only.id))
        if not wish.person._is_superuser():
            readable = self.with_user(wish.person)._search([("jet_template_id", "=", wish.template.id)])
            conditions.append(SQL("(jet.id IN %s OR %s)", readable.subselect(), linked))
        return SQL(
            """SELECT %s, jet.id, jet.state_id, jet.target_state_id, jet.current_transition_id IS NULL, %s, %s
                 FROM cx_tower_jet jet WHERE %s""",
            wish.key,
            linked,
            self._is_needed_here_sql(wish.asker.id),
            SQL(" AND ").join(conditions),
        )

    @api.model
    def _why_no_new_jet_for(self, wish):
        """Return why no jet can be created for a wish, as a sentence; "" if one can."""
        template, server = wish.template.with_user(wish.person), wish.server.with_user(wish.person)
        if wish.only:
            return self.env._("only “%s” was asked for.", wish.only.name)
        for record in (template, server):
            if not record.has_access("read"):
                return self.env._("“%s” may not be used by the person who started it.", record.sudo().name)
                # sudo: the name of what the dependency, or the jet that has it, names
        problem = template._why_no_new_jet(server)
        if problem or None in wish.states_leading_there():
            return problem
        return self.env._(
            "no actions of “%(template)s” lead a new jet to the state.", template=wish.template.name
        )

    @api.model
    def _refused_text(self, wish, candidates):
        """Return why nothing can serve a wish, as the end of a sentence.

        :param candidates: [:class:`engine.choice.Candidate`]
        """
        names = {"state": wish.state.name, "server": wish.server.name}
        if not candidates:
            text = self.env._("there is no jet of it on “%(server)s” that may be used", **names)
        elif any(one.is_needed_here and one.can_reach for one in candidates):
            text = self.env._(
                "its jets are needed in their present states, so none can be brought to “%(state)s”", **names
            )
        else:
            text = self.env._("none of its jets can be brought to “%(state)s”", **names)
        return self.env._(
            "%(text)s, and a new one cannot be created: %(problem)s",
            text=text,
            problem=self._why_no_new_jet_for(wish),
        )
