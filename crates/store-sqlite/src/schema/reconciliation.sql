-- What the provider says of a day, compared with what is here.
CREATE TABLE reconciliation (
    provider      TEXT NOT NULL,
    compartment   INTEGER NOT NULL,
    day           INTEGER NOT NULL,
    arrived_at    INTEGER NOT NULL,
    missing_here  TEXT NOT NULL,
    missing_there TEXT NOT NULL,
    PRIMARY KEY (provider, compartment, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX reconciliation_uneven ON reconciliation (provider, day)
    WHERE missing_here <> '[]' OR missing_there <> '[]';
CREATE INDEX reconciliation_copy ON reconciliation (provider, compartment, day, arrived_at,
    missing_here, missing_there);
