-- What an account's uploads hold, summed for its quota without reading the table.
CREATE INDEX uploads_held ON uploads (account, size) WHERE state IN ('active', 'finished');
