-- The catalogue. `videos`, `uploads` and `video_captions` hold what owners said and sent; only
-- `videos.state` and `video_media` also follow what transcoding says.

CREATE TABLE videos (
    id              TEXT   NOT NULL PRIMARY KEY,
    account         TEXT   NOT NULL,
    title           TEXT   NOT NULL,
    visibility      TEXT   NOT NULL,
    -- For people: never part of a key or path.
    file_name       TEXT,
    -- Bytes of the source, once it is stored whole.
    size            BIGINT,
    state           TEXT   NOT NULL,
    -- The order of states: an update names a higher one, so that states only move forward.
    state_rank      BIGINT NOT NULL,
    reason_code     TEXT,
    reason_message  TEXT,
    created_at_us   BIGINT NOT NULL,
    updated_at_us   BIGINT NOT NULL,
    deleted_at_us   BIGINT,
    -- Whether this service still has to remove objects of a deleted video: those of one that was
    -- never handed to transcoding.
    cleanup         BIGINT NOT NULL
);

CREATE INDEX videos_of_account ON videos (account, created_at_us, id) WHERE deleted_at_us IS NULL;
CREATE INDEX videos_cleanup ON videos (id) WHERE cleanup = 1;

CREATE TABLE video_media (
    video             TEXT   NOT NULL PRIMARY KEY,
    duration_us       BIGINT NOT NULL,
    width             BIGINT NOT NULL,
    height            BIGINT NOT NULL,
    -- A JSON array of sentences.
    warnings          TEXT   NOT NULL,
    -- The encode that players are sent to, once there is one.
    playback_version  BIGINT
);

CREATE TABLE video_captions (
    video          TEXT   NOT NULL,
    language       TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    cues           BIGINT NOT NULL,
    object         TEXT   NOT NULL,
    created_at_us  BIGINT NOT NULL,
    PRIMARY KEY (video, language)
);

CREATE TABLE uploads (
    id             TEXT   NOT NULL PRIMARY KEY,
    video          TEXT   NOT NULL,
    account        TEXT   NOT NULL,
    -- active, finished, terminated or expired.
    state          TEXT   NOT NULL,
    size           BIGINT NOT NULL,
    -- Bytes that are durable: never more than what a crash leaves in the spool.
    received       BIGINT NOT NULL,
    -- Upload-Metadata as it came.
    metadata       TEXT,
    created_at_us  BIGINT NOT NULL,
    updated_at_us  BIGINT NOT NULL,
    expires_at_us  BIGINT NOT NULL
);

CREATE UNIQUE INDEX uploads_active ON uploads (video) WHERE state = 'active';
CREATE INDEX uploads_of_account ON uploads (account) WHERE state = 'active';
CREATE INDEX uploads_expiry ON uploads (state, expires_at_us);
