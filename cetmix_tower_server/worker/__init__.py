"""The threads of a process that execute runs. Models call :mod:`worker`; nothing in here knows a model's code.

* ``worker``: what all threads share, and what other code asks for; ``in_hand``: the runs of this moment
* ``conductor``: looks after the runs; ``taking``: claims and prepares them; ``lanes``: the threads that execute them
* ``job``: one run, its work and its end; ``recorder``: its live output; ``ends``: ends that are written together;
  ``kept_cursor``: their connection
* ``file_work``, ``file_store``: runs that transfer files; ``connections``: SSH connections of the process
* ``waited``: work inside the caller's transaction; ``stops_and_time_limits``: ending runs early
* ``heartbeat``: renews the lease; ``cron_service``: keeps Odoo's crons alive; ``crash_points``: where tests let it die
"""
