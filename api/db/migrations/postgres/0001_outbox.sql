-- Events on their way to other services, and what this database's services have seen of others'.

-- The last version of each aggregate: its row lock orders a producer's events about a video.
CREATE TABLE event_versions (
    producer        TEXT COLLATE "C" NOT NULL,
    video           TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    occurred_at_us  BIGINT NOT NULL,
    PRIMARY KEY (producer, video)
);

CREATE TABLE outbox (
    id                 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    producer           TEXT COLLATE "C" NOT NULL,
    video              TEXT COLLATE "C" NOT NULL,
    aggregate_version  BIGINT NOT NULL,
    occurred_at_us     BIGINT NOT NULL,
    event              TEXT COLLATE "C" NOT NULL,
    published_at_us    BIGINT,
    UNIQUE (producer, video, aggregate_version)
);

CREATE INDEX outbox_unpublished ON outbox (occurred_at_us, aggregate_version)
    WHERE published_at_us IS NULL;
CREATE INDEX outbox_published ON outbox (published_at_us) WHERE published_at_us IS NOT NULL;

-- The last version a consumer group has taken in.
CREATE TABLE inbox (
    consumer  TEXT COLLATE "C" NOT NULL,
    producer  TEXT COLLATE "C" NOT NULL,
    video     TEXT COLLATE "C" NOT NULL,
    version   BIGINT NOT NULL,
    PRIMARY KEY (consumer, producer, video)
);

-- Events that arrived before one of lower version.
CREATE TABLE inbox_deferred (
    consumer           TEXT COLLATE "C" NOT NULL,
    producer           TEXT COLLATE "C" NOT NULL,
    video              TEXT COLLATE "C" NOT NULL,
    aggregate_version  BIGINT NOT NULL,
    event              TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (consumer, producer, video, aggregate_version)
);
