-- The catalogue: what is known of all mail of a site without reading git. Disposable: git is the truth.

-- One row: which catalogue this is, and what the full-text index was told when the last batch was committed.
CREATE TABLE site (
    id     TEXT NOT NULL,
    words  TEXT,
    purges INTEGER NOT NULL DEFAULT 0      -- grows when something was purged: nothing read before may be kept
);
INSERT INTO site (id) VALUES (lower(hex(randomblob(8))));

-- An inbox is known by the directory that holds its repositories.
CREATE TABLE inbox (
    id       INTEGER PRIMARY KEY,
    dir      TEXT    NOT NULL UNIQUE,
    created  INTEGER NOT NULL,            -- seconds; also the IMAP UIDVALIDITY of the inbox
    last_num INTEGER NOT NULL DEFAULT 0,  -- highest article number ever given: none is given twice
    last_own INTEGER NOT NULL DEFAULT 0,  -- lowest number below zero, for mail without a Message-ID
    state    INTEGER NOT NULL DEFAULT 0,  -- grows with every change that a page could show
    articles INTEGER NOT NULL DEFAULT 0,  -- how many there are
    changed  INTEGER NOT NULL DEFAULT 0,  -- date of the last change, by the history of the inbox alone
    graves   TEXT,                        -- length and SHA-1 of the tombstones that were followed
    words    INTEGER NOT NULL DEFAULT 1,  -- whether all words of its mail are indexed, or only its ids
    wanted   INTEGER NOT NULL DEFAULT 1   -- whether they should be, by the config
);

-- How far each epoch has been read.
CREATE TABLE epoch (
    inbox  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    head   BLOB    NOT NULL,              -- last commit that was indexed
    loose  INTEGER NOT NULL DEFAULT 0,    -- whether numbers need not follow its history: another one brought new mail
    PRIMARY KEY (inbox, number)
) WITHOUT ROWID;

-- Every Message-ID that a mail has or refers to. One that no mail has is a ghost.
-- `thread` is the id of one of its members: ids are never used again.
CREATE TABLE mid (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    hash   INTEGER NOT NULL,              -- first 8 bytes of the SHA-1: a third of the size of an index over text
    thread INTEGER NOT NULL,
    text   TEXT    NOT NULL
);
CREATE INDEX mid_hash ON mid (hash);
CREATE INDEX mid_thread ON mid (thread);

-- A message, once for the whole site however many lists it went to. Nothing but `thread` ever changes in a row.
CREATE TABLE message (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    mid         INTEGER NOT NULL,         -- the first of its own Message-IDs
    thread      INTEGER NOT NULL,
    subject_key INTEGER,                  -- equal for subjects that differ in `Re:` and the like; NULL for none
    bytes       INTEGER NOT NULL,
    lines       INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL,
    ids         BLOB    NOT NULL,         -- its further Message-IDs, as varints
    refs        BLOB    NOT NULL,         -- what it answers, the parent last, as varints
    subject     TEXT    NOT NULL,
    author      TEXT    NOT NULL
);
CREATE INDEX message_thread ON message (thread);
CREATE INDEX message_subject ON message (subject_key);

-- Which messages a Message-ID leads to.
CREATE TABLE carries (
    mid     INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (mid, message)
) WITHOUT ROWID;

-- Where a message stands: one row for each list that has it, with that list's own copy of the bytes.
CREATE TABLE place (
    message  INTEGER NOT NULL,
    inbox    INTEGER NOT NULL,
    num      INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    sent     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    mid      INTEGER NOT NULL,            -- the Message-ID that holds the number
    blob     BLOB    NOT NULL,
    PRIMARY KEY (message, inbox, num)
) WITHOUT ROWID;
CREATE UNIQUE INDEX place_num ON place (inbox, num);
CREATE UNIQUE INDEX place_mid ON place (inbox, mid);
-- All that a list of the newest needs: it has two hundred rows, and looking each of them up costs more than to read them.
CREATE INDEX place_received ON place (inbox, received, num, epoch, sent, blob);
CREATE INDEX place_of_all ON place (received);
