-- The transcoding service: one row an encode of a video, its jobs, and what their results were.

CREATE TABLE transcodes (
    video                TEXT COLLATE "C" NOT NULL,
    version              BIGINT NOT NULL,
    account              TEXT COLLATE "C" NOT NULL,
    state                TEXT COLLATE "C" NOT NULL,
    -- Counts changes of this row: writers that read it first name the revision they read.
    revision             BIGINT NOT NULL,
    source_key           TEXT COLLATE "C" NOT NULL,
    source_size          BIGINT NOT NULL,
    signed               BIGINT NOT NULL,
    captions             TEXT COLLATE "C" NOT NULL,
    duration_us          BIGINT,
    reason_code          TEXT COLLATE "C",
    reason_message       TEXT COLLATE "C",
    -- The publisher's intent: accepted results count `wanted` up, a stored head moves `published`.
    wanted               BIGINT NOT NULL,
    published            BIGINT NOT NULL,
    -- What players may have read and so never changes: tracks, target duration, first publish.
    frozen               TEXT COLLATE "C",
    front_us             BIGINT NOT NULL,
    front_at_us          BIGINT,
    front_speed          DOUBLE PRECISION NOT NULL,
    created_at_us        BIGINT NOT NULL,
    planned_at_us        BIGINT,
    playable_at_us       BIGINT,
    plays_through_at_us  BIGINT,
    finished_at_us       BIGINT,
    -- Work on the object store that is due at a time: remove, forget, sweep.
    chore                TEXT COLLATE "C",
    chore_at_us          BIGINT,
    PRIMARY KEY (video, version)
);

CREATE INDEX transcodes_unpublished ON transcodes (video, version) WHERE published < wanted;
CREATE INDEX transcodes_chores ON transcodes (chore_at_us) WHERE chore_at_us IS NOT NULL;

-- Apart from their rows: the plan of a long film is large, and read once.
CREATE TABLE transcode_plans (
    video    TEXT COLLATE "C" NOT NULL,
    version  BIGINT NOT NULL,
    plan     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (video, version)
);

CREATE TABLE jobs (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    video           TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    account         TEXT COLLATE "C" NOT NULL,
    class           TEXT COLLATE "C" NOT NULL,
    track           TEXT COLLATE "C",
    chunk           BIGINT,
    state           TEXT COLLATE "C" NOT NULL,
    -- Fences workers: only reports under the current attempt count.
    attempt         BIGINT NOT NULL,
    -- Tries that count against the job, and tries that count against the host.
    strikes         BIGINT NOT NULL,
    setbacks        BIGINT NOT NULL,
    -- Order of dispatch within an account.
    priority        BIGINT NOT NULL,
    queued_at_us    BIGINT NOT NULL,
    position_us     BIGINT NOT NULL,
    not_before_us   BIGINT NOT NULL,
    lease_until_us  BIGINT,
    -- Whether the queue has confirmed the message of this attempt.
    sent            BIGINT NOT NULL,
    worker          TEXT COLLATE "C",
    -- Frames of a chunk, or milliseconds of sound.
    work            BIGINT NOT NULL,
    progress_done   BIGINT,
    progress_total  BIGINT,
    -- Parts of a soundtrack that were accepted.
    parts           BIGINT NOT NULL,
    warnings        TEXT COLLATE "C",
    error_kind      TEXT COLLATE "C",
    error_code      TEXT COLLATE "C",
    error_message   TEXT COLLATE "C",
    created_at_us   BIGINT NOT NULL,
    started_at_us   BIGINT,
    finished_at_us  BIGINT
);

CREATE INDEX jobs_backlog ON jobs (state, account, priority, queued_at_us, position_us);
CREATE INDEX jobs_of_video ON jobs (video, version);
CREATE INDEX jobs_of_account ON jobs (account, created_at_us, id);
CREATE INDEX jobs_leases ON jobs (lease_until_us) WHERE lease_until_us IS NOT NULL;

-- The winners: for each track and chunk (or part of a soundtrack) the one object that counts.
CREATE TABLE media_objects (
    video           TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    track           TEXT COLLATE "C" NOT NULL,
    chunk           BIGINT NOT NULL,
    -- Which page of the segment index lists it.
    page            BIGINT NOT NULL,
    object          TEXT COLLATE "C" NOT NULL,
    codec           TEXT COLLATE "C" NOT NULL,
    priming         BIGINT NOT NULL,
    start_ticks     BIGINT NOT NULL,
    duration_ticks  BIGINT NOT NULL,
    segments        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (video, version, track, chunk)
);

CREATE INDEX media_objects_pages ON media_objects (video, version, page);
