-- Plans whose rungs wait for samples of the title: what the profile alone says. A row goes when the
-- final plan is made.

CREATE TABLE transcode_drafts (
    video    TEXT COLLATE "C" NOT NULL,
    version  BIGINT NOT NULL,
    plan     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (video, version)
);
