-- The catalogue. `videos`, `uploads` and `video_captions` hold what owners said and sent; only
-- `videos.state` and `video_media` also follow what transcoding says.

CREATE TABLE videos (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account         TEXT COLLATE "C" NOT NULL,
    title           TEXT COLLATE "C" NOT NULL,
    visibility      TEXT COLLATE "C" NOT NULL,
    -- For people: never part of a key or path.
    file_name       TEXT COLLATE "C",
    -- Bytes of the source, once it is stored whole.
    size            BIGINT,
    state           TEXT COLLATE "C" NOT NULL,
    -- The order of states: an update names a higher one, so that states only move forward.
    state_rank      BIGINT NOT NULL,
    reason_code     TEXT COLLATE "C",
    reason_message  TEXT COLLATE "C",
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
    video             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    duration_us       BIGINT NOT NULL,
    width             BIGINT NOT NULL,
    height            BIGINT NOT NULL,
    -- A JSON array of sentences.
    warnings          TEXT COLLATE "C" NOT NULL,
    -- The encode that players are sent to, once there is one.
    playback_version  BIGINT
);

CREATE TABLE video_captions (
    video          TEXT COLLATE "C" NOT NULL,
    language       TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    cues           BIGINT NOT NULL,
    object         TEXT COLLATE "C" NOT NULL,
    created_at_us  BIGINT NOT NULL,
    PRIMARY KEY (video, language)
);

CREATE TABLE uploads (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    video          TEXT COLLATE "C" NOT NULL,
    account        TEXT COLLATE "C" NOT NULL,
    -- active, finished, terminated or expired.
    state          TEXT COLLATE "C" NOT NULL,
    size           BIGINT NOT NULL,
    -- Bytes that are durable: never more than what a crash leaves in the spool.
    received       BIGINT NOT NULL,
    -- Upload-Metadata as it came.
    metadata       TEXT COLLATE "C",
    created_at_us  BIGINT NOT NULL,
    updated_at_us  BIGINT NOT NULL,
    expires_at_us  BIGINT NOT NULL
);

CREATE UNIQUE INDEX uploads_active ON uploads (video) WHERE state = 'active';
CREATE INDEX uploads_of_account ON uploads (account) WHERE state = 'active';
CREATE INDEX uploads_expiry ON uploads (state, expires_at_us);
