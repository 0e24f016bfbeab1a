-- Which profile a video is encoded by; NULL for those from before there was a choice.
ALTER TABLE videos ADD COLUMN profile TEXT COLLATE "C";
