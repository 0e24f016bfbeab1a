-- How fast jobs went of late: for the seconds of work that wait.
CREATE INDEX jobs_finished ON jobs (finished_at_us) WHERE state = 'done';
