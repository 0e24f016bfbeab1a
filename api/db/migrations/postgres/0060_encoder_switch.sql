-- From which chunk on a title that began on a graphics processor is encoded on the CPU; NULL where
-- nothing failed. Set once, never changed.
ALTER TABLE transcodes ADD COLUMN software_from BIGINT;
