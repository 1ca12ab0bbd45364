"""The lease under which a process holds its runs: its limits, and the statements that models and threads share.

The process renews the lease in its row of ``cx_tower_worker``. All times are the database's, so that the clock of a machine
neither loses nor keeps a lease.
"""

INTERVAL_S = 5  # between two heartbeats
LEASE_S = 30  # a run whose process was silent for this long is lost
ORPHAN_S = 20  # a run that the process holds, but does not execute, loses its lease after this long

#: Register a process, or renew its lease.
BEAT = """
INSERT INTO cx_tower_worker (code, host, process, started, heartbeat)
VALUES (%(code)s, %(host)s, %(process)s, clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC')
ON CONFLICT (code) DO UPDATE SET heartbeat = EXCLUDED.heartbeat
"""
#: Find the runs that a process holds.
HELD = "SELECT id FROM cx_tower_command_log WHERE worker = %(code)s AND state = 'running'"
#: Give up runs of a process, so that they are found as lost.
GIVE_UP = """
UPDATE cx_tower_command_log SET worker = NULL
 WHERE worker = %(code)s AND state = 'running' AND id = ANY(%(log_ids)s)
"""
