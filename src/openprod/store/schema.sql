-- The tables of workspace.db that do not depend on any module. docs/formats/workspace-db.md explains each.
-- Log: what was signed. Everything below "State" is derived from it and can be dropped and rebuilt.
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE log(no INTEGER PRIMARY KEY, id BLOB NOT NULL, parent INT, fork_seq INT NOT NULL DEFAULT 0, actor BLOB NOT NULL, seq INT NOT NULL, tip BLOB NOT NULL, eff BLOB NOT NULL, closed INT NOT NULL DEFAULT 0);
CREATE TABLE bundle(no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, place INT NOT NULL, eff BLOB NOT NULL, at INT NOT NULL, unread TEXT, header BLOB NOT NULL, signature BLOB NOT NULL);
CREATE INDEX bundle_place ON bundle(place);
CREATE TABLE chunk(no INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE seen(log INT NOT NULL, other INT NOT NULL, seq INT NOT NULL, other_seq INT NOT NULL, PRIMARY KEY(log, other, seq)) WITHOUT ROWID;
CREATE TABLE pending(id BLOB PRIMARY KEY, log BLOB NOT NULL, seq INT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, claimed INT NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX pending_why ON pending(reason, detail);
-- Staging: what nobody but this device has, and what is not derived from the log either.
CREATE TABLE overlay(id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL, made INT NOT NULL, cause BLOB, rev INT NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE staged(overlay BLOB NOT NULL, n INT NOT NULL, subject BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY(overlay, subject)) WITHOUT ROWID;
CREATE TABLE step(overlay BLOB NOT NULL, n INT NOT NULL, label TEXT NOT NULL, before BLOB NOT NULL, PRIMARY KEY(overlay, n)) WITHOUT ROWID;
-- State: the truth derived from the log.
CREATE TABLE key(no INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE shape(no INTEGER PRIMARY KEY, keys BLOB NOT NULL UNIQUE);
CREATE TABLE entity(eid INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, alive INT NOT NULL DEFAULT 0, born INT NOT NULL DEFAULT 0, shape INT NOT NULL DEFAULT 0, mask INT NOT NULL DEFAULT 0, ver BLOB);
CREATE TABLE head(eid INT NOT NULL, key INT NOT NULL, oid INT NOT NULL, PRIMARY KEY(eid, key, oid)) WITHOUT ROWID;
CREATE TABLE conflict(eid INT NOT NULL, key INT NOT NULL, main INT NOT NULL, PRIMARY KEY(eid, key)) WITHOUT ROWID;
CREATE TABLE carried(eid INT NOT NULL, key INT NOT NULL, oid INT NOT NULL, by INT NOT NULL, PRIMARY KEY(eid, key, oid, by)) WITHOUT ROWID;
CREATE TABLE mapped(subject BLOB PRIMARY KEY, low TEXT NOT NULL, high TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE merged(subject BLOB PRIMARY KEY, low BLOB NOT NULL, high BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE taken(eid INT NOT NULL, key INT NOT NULL, source INT NOT NULL, field INT NOT NULL, PRIMARY KEY(eid, key, source, field)) WITHOUT ROWID;
CREATE INDEX taken_source ON taken(source);
CREATE TABLE shadow(eid INT NOT NULL, key INT NOT NULL, oid INT NOT NULL, PRIMARY KEY(eid, key, oid)) WITHOUT ROWID;
CREATE TABLE text(heads BLOB PRIMARY KEY, base BLOB NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE loose(key INT NOT NULL, eid INT NOT NULL, PRIMARY KEY(key, eid)) WITHOUT ROWID;
CREATE TABLE edge(eid INTEGER PRIMARY KEY, type INT NOT NULL, src INT NOT NULL, dst INT NOT NULL, live INT NOT NULL);
CREATE INDEX edge_src ON edge(src);
CREATE INDEX edge_dst ON edge(dst);
CREATE TABLE invite(public BLOB PRIMARY KEY, label TEXT NOT NULL, open INT NOT NULL, oid INT NOT NULL) WITHOUT ROWID;
CREATE TABLE admitted(log BLOB NOT NULL, actor BLOB NOT NULL, PRIMARY KEY(log, actor)) WITHOUT ROWID;
CREATE TABLE accepted(bundle BLOB PRIMARY KEY, at INT NOT NULL) WITHOUT ROWID;
CREATE TABLE flag(kind TEXT NOT NULL, bundle INT NOT NULL, ordinal INT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY(kind, bundle, ordinal)) WITHOUT ROWID;
