"""What the SQLite store keeps of edges, users and sessions: plain statements, each a job for writer or reader."""

from __future__ import annotations

import sqlite3

from central.store.base import EdgeRow, SessionRow, UserRow

Db = sqlite3.Connection


def add_edge(db: Db, edge_id: str, token_hash: bytes, at: int, replace: bool) -> bool:
    keep = "UPDATE SET token_hash = excluded.token_hash" if replace else "NOTHING"
    done = db.execute(
        f"INSERT INTO edges (edge_id, token_hash, created_at, records) VALUES (?, ?, ?, 0)"  # noqa: S608
        f" ON CONFLICT (edge_id) DO {keep}",
        (edge_id, token_hash, at),
    )
    return done.rowcount > 0


def edge_of(db: Db, token_hash: bytes) -> str | None:
    row = db.execute("SELECT edge_id FROM edges WHERE token_hash = ?", (token_hash,)).fetchone()
    return row and str(row[0])


def edges(db: Db) -> list[EdgeRow]:
    rows = db.execute(
        "SELECT edge_id, created_at, last_seen, epoch, last_seq, records, clock_offset, waiting FROM edges"
        " ORDER BY edge_id"
    )
    return [EdgeRow(*row) for row in rows]


def has_users(db: Db) -> bool:
    return db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is not None


def user(db: Db, name: str) -> UserRow | None:
    row = db.execute("SELECT name, password_hash, one_time_until FROM users WHERE name = ?", (name,)).fetchone()
    return row and UserRow(*row)


def add_user(db: Db, row: UserRow) -> bool:
    done = db.execute(
        "INSERT INTO users (name, password_hash, one_time_until) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
        (row.name, row.password_hash, row.one_time_until),
    )
    return done.rowcount > 0


def set_password(db: Db, row: UserRow) -> bool:
    done = db.execute(
        "UPDATE users SET password_hash = ?, one_time_until = ? WHERE name = ?",
        (row.password_hash, row.one_time_until, row.name),
    )
    db.execute("DELETE FROM sessions WHERE user = ?", (row.name,))
    return done.rowcount > 0


def add_session(db: Db, token_hash: bytes, name: str, at: int) -> None:
    db.execute(
        "INSERT INTO sessions (token_hash, user, created_at, seen_at) VALUES (?, ?, ?, ?)", (token_hash, name, at, at)
    )


def session(db: Db, token_hash: bytes) -> SessionRow | None:
    row = db.execute(
        "SELECT s.user, s.created_at, s.seen_at, u.one_time_until IS NOT NULL FROM sessions s"
        " JOIN users u ON u.name = s.user WHERE s.token_hash = ?",
        (token_hash,),
    ).fetchone()
    return row and SessionRow(row[0], row[1], row[2], bool(row[3]))


def touch_session(db: Db, token_hash: bytes, at: int) -> None:
    db.execute("UPDATE sessions SET seen_at = max(seen_at, ?) WHERE token_hash = ?", (at, token_hash))


def end_session(db: Db, token_hash: bytes) -> None:
    db.execute("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))


def drop_sessions(db: Db, created_before: int, seen_before: int) -> None:
    db.execute("DELETE FROM sessions WHERE created_at < ? OR seen_at < ?", (created_before, seen_before))
