"""What the SQLite store tells of missing numbers, an edge a line; and who has noted what is lost."""

from __future__ import annotations

import sqlite3

from central.store.base import EpochGap, Missing, Shown
from central.store.gaps import Gap

Db = sqlite3.Connection

MOST = 2**53  # an edge may claim so many numbers an epoch: sums are made as floats, and cut

_LINES = """
    SELECT edge_id, total(late), total(lost), min(coalesce(after_at, before_at)),
        CASE WHEN max(goes_on) THEN NULL ELSE max(coalesce(before_at, after_at)) END, max(lost_at)
    FROM (
        SELECT edge_id, last - first + 1 AS late, 0 AS lost, after_at, before_at, before_at IS NULL AS goes_on,
            NULL AS lost_at
        FROM gaps WHERE reason IS NULL AND noticed_at <= :late_by
        UNION ALL
        SELECT edge_id, 0, last - first + 1, after_at, before_at, 0, noticed_at
        FROM gaps g WHERE reason IS NOT NULL AND noticed_at > :lost_since AND noticed_at > coalesce(
            (SELECT max(until) FROM gap_notes n WHERE n.edge_id = g.edge_id), 0)
        UNION ALL
        SELECT edge_id, overlooked, 0, NULL, NULL, 0, NULL FROM epochs WHERE overlooked > 0
    ) GROUP BY edge_id"""


def lines(db: Db, shown: Shown) -> list[Missing]:
    forked = dict(db.execute("SELECT edge_id, forked_at FROM edges WHERE forked_at > ?", (shown.forked_since,)))
    found = [
        Missing(edge_id, _count(late), _count(lost), since, until, lost_at, forked.pop(edge_id, None))
        for edge_id, late, lost, since, until, lost_at in db.execute(
            _LINES, {"late_by": shown.late_by, "lost_since": shown.lost_since}
        )
    ]
    found += [Missing(edge_id, 0, 0, None, None, None, at) for edge_id, at in forked.items()]
    return sorted(found, key=lambda line: (not line.forked_at, not line.late, line.edge_id))


def gaps(db: Db, edge_id: str, limit: int) -> list[EpochGap]:
    rows = db.execute(
        "SELECT epoch, first, last, after_at, before_at, noticed_at, reason FROM gaps WHERE edge_id = ?"
        " ORDER BY epoch, first LIMIT ?",
        (edge_id, limit),
    )
    return [EpochGap(epoch, Gap(*row)) for epoch, *row in rows]


def note(db: Db, edge_id: str, until: int, by: str, at: int) -> bool:
    done = db.execute(
        'INSERT INTO gap_notes (edge_id, until, "by", at) SELECT edge_id, ?, ?, ? FROM edges WHERE edge_id = ?',
        (min(until, at), by, at, edge_id),
    )
    return done.rowcount > 0


def _count(total: float) -> int:
    return min(int(total), MOST)
