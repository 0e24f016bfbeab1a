-- Which encode of a video is under way or plays: counts up when a failed one is tried again.
ALTER TABLE videos ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
