from odoo import api, fields, models
from odoo.tools import SQL

from ...engine.run_lease import BEAT, INTERVAL_S, LEASE_S


class CxTowerWorker(models.Model):
    """A process that executes runs. One row a process: renewing it renews the lease of all its runs.

    Times are the database's clock, so that a wrong clock on a machine neither loses nor keeps a lease.
    """

    _name = "cx.tower.worker"
    _description = "Tower Worker"
    _rec_name = "code"
    _order = "heartbeat desc"
    _log_access = False

    code = fields.Char(required=True, readonly=True)
    host = fields.Char(readonly=True)
    process = fields.Integer(readonly=True, aggregator=None)
    started = fields.Datetime(readonly=True)
    heartbeat = fields.Datetime(readonly=True)

    _code_unique = models.UniqueIndex("(code)")

    @api.model
    def _beat(self, code, host, process):
        """Register a worker, or renew its lease. :mod:`worker.heartbeat` renews it from then on."""
        self.env.cr.execute(BEAT, {"code": code, "host": host, "process": process})

    @api.model
    def _alive_sql(self):
        """Return the codes of the workers whose lease has not run out, as a sub-select.

        Nobody could renew a lease while the database was down. So after its start the leases of those who beat within
        the day before begin anew: a restart of the database interrupts no run whose process lives.
        """
        return SQL(
            """SELECT code FROM cx_tower_worker,
                      (SELECT (clock_timestamp() AT TIME ZONE 'UTC') - make_interval(secs => %s) AS lease_start,
                              pg_postmaster_start_time() AT TIME ZONE 'UTC' AS started) database
                WHERE heartbeat > lease_start
                   OR (database.started > lease_start AND heartbeat > database.started - interval '1 day')""",
            LEASE_S,
        )

    @api.model
    def _alive_codes(self):
        """Return the codes of the workers whose lease has not run out."""
        return [code for (code,) in self.env.execute_query(self._alive_sql())]

    @api.model
    def _bring_back_from_the_future(self):
        """Set heartbeats to now that are in the future because the database's clock was set back.

        They would keep leases for as long. A worker that lives writes a new one within seconds; another one loses its lease.
        """
        self.env.cr.execute(
            """UPDATE cx_tower_worker SET heartbeat = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE heartbeat > (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => %s)""",
            (INTERVAL_S,),
        )

    @api.autovacuum
    def _gc_workers(self):
        """Forget workers that have been silent for a week."""
        self.env.cr.execute(
            "DELETE FROM cx_tower_worker WHERE heartbeat < now() AT TIME ZONE 'UTC' - interval '7 days'"
        )
