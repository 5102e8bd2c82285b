-- What a force's records have added to the store on its latest day in Europe/London.
CREATE TABLE growth (
    force INTEGER PRIMARY KEY,
    day   INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
