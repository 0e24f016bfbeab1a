-- What accompanies an encode beside its tracks: still pictures, embedded subtitles.

CREATE TABLE transcode_extras (
    video    TEXT COLLATE "C" NOT NULL,
    version  BIGINT NOT NULL,
    -- pictures or texts.
    kind     TEXT COLLATE "C" NOT NULL,
    -- What was accepted, as JSON.
    result   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (video, version, kind)
);

-- Whether the playback version has a poster and a storyboard.
ALTER TABLE video_media ADD COLUMN pictures BIGINT NOT NULL DEFAULT 0;
-- A JSON array of chapters.
ALTER TABLE video_media ADD COLUMN chapters TEXT COLLATE "C" NOT NULL DEFAULT '[]';
