-- Which profile was asked for; NULL for the one in force where nobody asks.
ALTER TABLE transcodes ADD COLUMN profile TEXT COLLATE "C";
