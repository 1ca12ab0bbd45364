-- a copy of a database must not run on the real hosts by itself
UPDATE cx_tower_scheduled_task
   SET active = FALSE;
