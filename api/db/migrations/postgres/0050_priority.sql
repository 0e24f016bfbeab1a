-- Whether somebody waits for a video: 'interactive' or 'bulk'.
ALTER TABLE videos ADD COLUMN priority TEXT COLLATE "C" NOT NULL DEFAULT 'interactive';
ALTER TABLE transcodes ADD COLUMN priority TEXT COLLATE "C" NOT NULL DEFAULT 'interactive';
-- 1 for jobs of bulk videos: they go when no other is due, or when they have waited too long.
ALTER TABLE jobs ADD COLUMN bulk BIGINT NOT NULL DEFAULT 0;

CREATE INDEX jobs_by_class ON jobs (state, bulk, account, priority, queued_at_us, position_us);
DROP INDEX jobs_backlog;
