-- a copy of a database must not run on the real hosts by itself
UPDATE cx_tower_scheduled_task
   SET active = FALSE;
UPDATE cx_tower_file
   SET auto_sync = FALSE, sync_wanted = FALSE;
UPDATE cx_tower_file_template
   SET auto_sync = FALSE;
-- queued and active runs belong to the original database
UPDATE cx_tower_command_log
   SET state = 'stopped', command_status = -208, message = 'Stopped: this is a neutralized copy of the database.',
       finish_date = now() AT TIME ZONE 'UTC'
 WHERE state IN ('queued', 'running', 'waiting');
UPDATE cx_tower_plan_log
   SET state = 'stopped', plan_status = -308, message = 'Stopped: this is a neutralized copy of the database.',
       finish_date = now() AT TIME ZONE 'UTC'
 WHERE state IN ('queued', 'running', 'waiting');
UPDATE cx_tower_fleet_run
   SET state = 'stopped', message = 'Stopped: this is a neutralized copy of the database.',
       finish_date = now() AT TIME ZONE 'UTC'
 WHERE state IN ('running', 'stopping');
