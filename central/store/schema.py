"""The SQLite schema as an ordered, recorded list of migrations. One that was released is never edited."""

from __future__ import annotations

from sqlite_utils import Database, Migrations
from sqlite_utils.db import NotFoundError

from central.errors import StoreUnsuited

migrations = Migrations("central")


@migrations()
def first(db: Database) -> None:
    events = db.table("events").create(
        {
            "id": int,
            "event_id": bytes,
            "edge_id": str,
            "epoch": int,
            "seq": int,
            "camera_id": str,
            "tier": int,
            "pilot": str,
            "site": str,
            "rule": str,
            "kind": str,
            "zone": str,
            "state": str,
            "opened_at": int,
            "at": int,
            "closed_at": int,
            "label": str,
            "count": int,
            "confidence": float,
            "box": str,  # JSON
            "track": int,
            "model": str,
            "clock_offset": int,
            "newer": str,  # JSON
            "received_at": int,
            "change": int,
            "decision": str,
            "decision_by": str,
            "decision_at": int,
            "decision_note": str,
        },
        pk="id",
        not_null={"event_id", "edge_id", "epoch", "seq", "camera_id", "tier", "opened_at", "at", "state", "change"},
        strict=True,
    )
    events.create_index(["event_id"], "events_event_id", unique=True)
    events.create_index(["change"], "events_change", unique=True)
    # Tier leads, the feed's order ends: a page is read off an index and never sorted.
    events.create_index(["tier", "opened_at", "event_id"], "events_tier")
    events.create_index(["tier", "site", "opened_at", "event_id"], "events_site")
    events.create_index(["tier", "camera_id", "opened_at", "event_id"], "events_camera")
    events.create_index(["tier", "kind", "opened_at", "event_id"], "events_kind")
    # Few events are open at a time, and few are ever decided: both indexes stay small.
    db.execute("CREATE INDEX events_open ON events (tier, opened_at, event_id) WHERE state <> 'closed'")
    db.execute("CREATE INDEX events_decided ON events (tier, decision, opened_at, event_id) WHERE decision IS NOT NULL")
    db.execute(
        """CREATE TABLE records (
            edge_id TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
            event INTEGER NOT NULL REFERENCES events (id),
            PRIMARY KEY (edge_id, epoch, seq)
        ) STRICT, WITHOUT ROWID"""
    )
    decisions = db.table("decisions").create(
        {"id": int, "event_id": bytes, "decision": str, "by": str, "at": int, "note": str},
        pk="id",
        not_null={"event_id", "by", "at", "note"},
        strict=True,
    )
    decisions.create_index(["event_id"], "decisions_event_id")
    looks = db.table("looks").create(
        {"id": int, "event_id": bytes, "by": str, "at": int}, pk="id", not_null={"event_id", "by", "at"}, strict=True
    )
    looks.create_index(["event_id"], "looks_event_id")
    db.execute(
        "CREATE TABLE facets (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value)) STRICT, WITHOUT ROWID"
    )
    edges = db.table("edges").create(
        {
            "edge_id": str,
            "token_hash": bytes,
            "created_at": int,
            "last_seen": int,
            "epoch": int,
            "last_seq": int,
            "records": int,
            "clock_offset": int,
        },
        pk="edge_id",
        not_null={"edge_id", "token_hash", "created_at", "records"},
        strict=True,
    )
    edges.create_index(["token_hash"], "edges_token_hash", unique=True)
    db.table("users").create(
        {"name": str, "password_hash": str, "one_time_until": int},
        pk="name",
        not_null={"name", "password_hash"},
        strict=True,
    )
    sessions = db.table("sessions").create(
        {"token_hash": bytes, "user": str, "created_at": int, "seen_at": int},
        pk="token_hash",
        not_null={"token_hash", "user", "created_at", "seen_at"},
        strict=True,
    )
    sessions.create_index(["user"], "sessions_user")
    db.table("meta").create({"name": str, "value": int}, pk="name", not_null={"name", "value"}, strict=True)


@migrations()
def severity(db: Database) -> None:
    # What came before edges sent it counts as a warning; SQLite rewrites no row for that.
    db.execute("ALTER TABLE events ADD COLUMN severity TEXT NOT NULL DEFAULT 'warning'")
    # A desk leaves `info` out by default, and that may be most of what there is: it must not be sifted out row by row.
    db.table("events").create_index(["tier", "severity", "opened_at", "event_id"], "events_severity")


@migrations()
def out_of(db: Database) -> None:
    db.execute('ALTER TABLE events ADD COLUMN "of" INTEGER')


@migrations()
def gaps(db: Database) -> None:
    db.execute(
        """CREATE TABLE epochs (
            edge_id TEXT NOT NULL, epoch INTEGER NOT NULL, given INTEGER NOT NULL, at INTEGER,
            overlooked INTEGER NOT NULL, PRIMARY KEY (edge_id, epoch)
        ) STRICT, WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX epochs_overlooked ON epochs (edge_id, overlooked) WHERE overlooked > 0")
    db.execute(
        """CREATE TABLE gaps (
            edge_id TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            after_at INTEGER, before_at INTEGER, noticed_at INTEGER NOT NULL, reason TEXT,
            PRIMARY KEY (edge_id, epoch, first)
        ) STRICT, WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX gaps_late ON gaps (edge_id, epoch, first) WHERE reason IS NULL")
    db.execute("CREATE INDEX gaps_lost ON gaps (noticed_at) WHERE reason IS NOT NULL")
    notes = db.table("gap_notes").create(
        {"id": int, "edge_id": str, "until": int, "by": str, "at": int},
        pk="id",
        not_null={"edge_id", "until", "by", "at"},
        strict=True,
    )
    notes.create_index(["edge_id", "until"], "gap_notes_edge_id")
    for column in ("waiting", "beat_epoch", "beat_before", "forked_at"):
        db.execute(f"ALTER TABLE edges ADD COLUMN {column} INTEGER")
    # Of what is in the store already. An event's row has the `at` of its newest record alone: the times are bounds.
    db.execute(
        """WITH steps AS (
            SELECT edge_id, epoch, seq, event,
                lag(seq, 1, 0) OVER before AS earlier, lag(event) OVER before AS event_before
            FROM records WINDOW before AS (PARTITION BY edge_id, epoch ORDER BY seq)
        ), holes AS (
            SELECT *, row_number() OVER (PARTITION BY edge_id ORDER BY epoch DESC, seq DESC) AS rank
            FROM steps WHERE seq > earlier + 1
        )
        INSERT INTO gaps SELECT h.edge_id, h.epoch, h.earlier + 1, h.seq - 1, b.opened_at, a.at,
            coalesce(a.received_at, 0), NULL
        FROM holes h JOIN events a ON a.id = h.event LEFT JOIN events b ON b.id = h.event_before
        WHERE h.rank <= 10000"""
    )
    db.execute(
        """INSERT INTO epochs SELECT r.edge_id, r.epoch, max(r.seq),
            (SELECT e.at FROM records l JOIN events e ON e.id = l.event
                WHERE l.edge_id = r.edge_id AND l.epoch = r.epoch ORDER BY l.seq DESC LIMIT 1),
            max(r.seq) - count(*) - (SELECT coalesce(sum(g.last - g.first + 1), 0) FROM gaps g
                WHERE g.edge_id = r.edge_id AND g.epoch = r.epoch)
        FROM records r GROUP BY r.edge_id, r.epoch"""
    )


def prepare(db: Database, now: int) -> int:
    """Bring the schema up to date; returns central_epoch, made here if the store is new. Raises StoreUnsuited."""
    known = {migration.name for migration in migrations.pending(Database(memory=True))}
    if unknown := [migration.name for migration in migrations.applied(db) if migration.name not in known]:
        raise StoreUnsuited(
            f"the store was made by a newer Vedette (it knows {', '.join(unknown)})",
            hint="install that version again, or restore a backup made before it",
        )
    migrations.apply(db)
    meta = db.table("meta")
    try:
        return int(meta.get("central_epoch")["value"])
    except NotFoundError:
        meta.insert_all([{"name": "central_epoch", "value": now}, {"name": "change", "value": 0}])
        return now
