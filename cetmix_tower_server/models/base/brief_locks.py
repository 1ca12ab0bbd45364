"""Statements that wait for what others hold, but not for long."""

from contextlib import contextmanager

GUARD_WAIT_S = 5  # for whoever takes, without a commit yet, the key that keeps something from running twice


@contextmanager
def brief_locks(env, seconds, flush=True):
    """Do a block in a savepoint of its own, in which no statement waits longer than this for a lock.

    For what follows from a run: who holds the lock may itself be waiting for this transaction, in another process or in
    the same thread, where the database sees no deadlock.

    :param seconds: whole seconds
    :param flush: send what the block has written through the ORM while the limit holds; without, nothing is flushed at all
    :raise psycopg2.errors.LockNotAvailable: somebody holds the lock for longer; the block is undone
    """
    cr = env.cr
    with cr.savepoint(flush=flush):
        cr.execute("SET LOCAL lock_timeout = %s", (f"{seconds}s",))
        yield
        if flush:
            env.flush_all()
        cr.execute("SET LOCAL lock_timeout = 0")
