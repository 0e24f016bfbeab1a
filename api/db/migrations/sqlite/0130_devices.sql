-- The family of graphics processors that a job is for; '' where the processor does it.
ALTER TABLE jobs ADD COLUMN device TEXT NOT NULL DEFAULT '';
-- Why a title left its graphics processor: 'failed' or 'gone'; NULL where it did not, and where it
-- failed before this was kept.
ALTER TABLE transcodes ADD COLUMN software_because TEXT;

CREATE INDEX jobs_by_lane ON jobs (state, device, bulk, account, priority, queued_at_us, position_us);
DROP INDEX jobs_by_class;
