from collections import defaultdict

from odoo import models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Jets that one graph shows at most.
LIMIT = 500
MAX_LEVELS = 10
#: Fields that a node shows, besides computed ones.
SHOWN = ["name", "reference", "server_id", "jet_template_id", "state_id", "movement", "last_problem"]


class CxTowerJet(models.Model):
    """Jets, their servers and what they depend on, as documents for the topology graph.

    A document contains only jets that the caller may read. Of the others it says how many there are beside a jet.
    """

    _inherit = "cx.tower.jet"

    def get_topology(self, levels=1):
        """Return this jet with the jets that it depends on, and those that depend on it.

        :param levels: how many dependencies to follow in each direction, 1 to 10. Jets behind one that the caller may not read
            are not found
        :return: dict as of ``cetmix.tower.get_topology``, without ``choices``
        :raise AccessError: the caller may not read the jet
        :raise ValidationError: ``levels`` is not a number from 1 to 10
        """
        self.ensure_one()
        self.check_access("read")
        if isinstance(levels, bool) or not isinstance(levels, int) or not 1 <= levels <= MAX_LEVELS:
            raise ValidationError(self.env._("Pass a number of levels from 1 to %s.", MAX_LEVELS))
        found = self._jets_around(levels)
        return found[:LIMIT]._topology() | {"total": len(found), "limit": LIMIT}

    def _jets_around(self, levels):
        """Return this jet and those that it is linked to, the nearest first, as far as the caller may read the way there."""
        self._flush_needs()
        needed = self._along_links(levels, SQL.identifier("jet_id"), SQL.identifier("jet_depends_on_id"))
        dependants = self._along_links(levels, SQL.identifier("jet_depends_on_id"), SQL.identifier("jet_id"))
        distances = defaultdict(lambda: levels)
        for number, distance in [*needed, *dependants]:
            distances[number] = min(distance, distances[number])
        distances[self.id] = 0
        return self.browse(sorted(distances, key=lambda number: (distances[number], number)))

    def _along_links(self, levels, here, there):
        """Return (jet id, number of links to it) for jets that links lead to in one direction, over readable jets only."""
        readable = self._search([]).subselect()
        return self.env.execute_query(
            SQL(
                """WITH RECURSIVE readable AS MATERIALIZED %(readable)s, way AS (
                       SELECT %(start)s AS jet_id, 0 AS distance
                        UNION
                       SELECT link.%(there)s, way.distance + 1
                         FROM way JOIN cx_tower_jet_dependency link ON link.%(here)s = way.jet_id
                        WHERE way.distance < %(levels)s AND link.%(there)s IN (SELECT id FROM readable))
                   SELECT jet_id, min(distance) FROM way GROUP BY jet_id""",
                readable=readable,
                start=self.id,
                here=here,
                there=there,
                levels=levels,
            )
        )

    # ------------------------------------------------------------------ documents

    def _topology(self):
        """Return the document of these jets, which the caller may read; the number of queries does not depend on theirs."""
        unmet = self._topology_unmet()
        rows = self._topology_links()
        links = [row for row in rows if row[2]]
        ends = self.browse({number for link in links for number in link[1:3]}) - self
        visible = set(self.ids) | set(ends._filtered_access("read").ids)
        needs = self._topology_needs({row[3] for row in rows})
        shown = [link for link in links if visible.issuperset(link[1:3])]
        return {
            "jets": self._topology_jets(self._topology_hidden(links, visible, unmet)),
            # sudo: names of servers, which are shown on each of these jets
            "servers": [{"id": one.id, "name": one.name} for one in self.sudo().server_id],
            "links": [
                {
                    "id": number,
                    "jet_id": jet_id,
                    "needs_id": other_id,
                    "is_unmet": (jet_id, need_id) in unmet,
                    **needs[need_id],
                }
                for number, jet_id, other_id, need_id in shown
            ],
            "missing": [
                {
                    "jet_id": jet_id,
                    "dependency_id": need_id,
                    "is_unmet": (jet_id, need_id) in unmet,
                    **needs[need_id],
                }
                for _number, jet_id, other_id, need_id in rows
                if not other_id and need_id and jet_id in visible
            ],
        }

    def _topology_links(self):
        """Return (id, jet, jet that it needs, template dependency) of all links from and to these jets; None for no such jet."""
        self._flush_needs()
        return self.env.execute_query(
            SQL(
                """SELECT link.id, dependant.id, other.id, link.jet_template_dependency_id
                     FROM cx_tower_jet_dependency link
                     JOIN cx_tower_jet dependant ON dependant.id = link.jet_id
                     LEFT JOIN cx_tower_jet other ON other.id = link.jet_depends_on_id
                                                  AND (other.active OR other.id = ANY(%(jets)s))
                    WHERE (link.jet_id = ANY(%(jets)s) OR link.jet_depends_on_id = ANY(%(jets)s))
                      AND (dependant.active OR dependant.id = ANY(%(jets)s))
                    ORDER BY link.id""",
                jets=list(self.ids),
            )
        )

    def _topology_unmet(self):
        """Return {(jet, template dependency)} of what these jets, and those that need them, lack."""
        self._flush_needs()
        jets = SQL(
            """(dependant.id = ANY(%(jets)s)
                OR dependant.id IN (SELECT jet_id FROM cx_tower_jet_dependency WHERE jet_depends_on_id = ANY(%(jets)s)))""",
            jets=list(self.ids),
        )
        return {row[:2] for row in self.env.execute_query(self._unmet_now_sql(jets))}

    def _topology_needs(self, need_ids):
        """Return {template dependency or None: what it asks for}."""
        # sudo: names of a template and a state, which everybody reads who sees the jet that has the dependency
        needs = self.env["cx.tower.jet.template.dependency"].sudo().browse(need_ids - {None})
        found = {
            need.id: {"template": need.template_required_id.name, "state": need.state_required_id.name}
            for need in needs
        }
        return found | {None: {"template": "", "state": ""}}

    def _topology_hidden(self, links, visible, unmet):
        """Return {jet: (hidden jets it needs, hidden jets that need it, whether a hidden one is in another state than needed)}."""
        needed, dependants, lacking = defaultdict(set), defaultdict(set), set()
        for _number, jet_id, other_id, need_id in links:
            if other_id not in visible:
                needed[jet_id].add(other_id)
                if (jet_id, need_id) in unmet:
                    lacking.add(jet_id)
            elif jet_id not in visible:
                dependants[other_id].add(jet_id)
        return {jet.id: (len(needed[jet.id]), len(dependants[jet.id]), jet.id in lacking) for jet in self}

    def _topology_jets(self, hidden):
        self.fetch(SHOWN)
        marks = self._topology_marks()
        documents = []
        for jet in self:
            state = jet.sudo().state_id  # sudo: name and colour of the state, as on the jet
            needs, serves, is_lacking = hidden[jet.id]
            documents.append(
                {
                    "id": jet.id,
                    "name": jet.name,
                    "reference": jet.reference or "",
                    "server_id": jet.server_id.id,
                    "template": jet.sudo().jet_template_id.name,  # sudo: as on the jet
                    "state": state.name or "",
                    "state_reference": state.reference or "",
                    "color": state.color or 0,
                    "movement": jet.movement,
                    "busy_text": jet.busy_text or "",
                    "problem": jet.last_problem or "",
                    "unmet_text": jet.unmet_dependency_text or "",
                    "hidden_needs": needs,
                    "hidden_needs_unmet": is_lacking,
                    "hidden_serves": serves,
                    "marks": marks.get(jet.id, []),
                }
            )
        return documents

    def _topology_marks(self):
        """Return {jet id: list of marks} that nodes show beside their own. Extension point, called once for all jets.

        :return: a mark is a dict: ``id`` (unique on the jet), ``icon`` (one character), ``text`` (what it means, for tooltips and
            screen readers). Only what the caller may read
        """
        return {}
