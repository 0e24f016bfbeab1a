-- The trace of the request that made a video, as a W3C traceparent.
ALTER TABLE videos ADD COLUMN trace TEXT;
ALTER TABLE transcodes ADD COLUMN trace TEXT;
