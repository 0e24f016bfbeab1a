-- What an account's encodes last, summed for its quota without reading the table.
CREATE INDEX transcodes_held ON transcodes (account, duration_us)
    WHERE state IN ('queued', 'encoding', 'ready');
