// What the desk holds of the feed: a sorted, bounded window, and the new events that wait to be let in.
//
// Invariants: `rows` is newest first by (opened_at, event_id), without gaps between its first and last row
// except for what waits; an event is in `rows` or in `waiting`, never in both; a change never goes backwards.
// Full policy: rows beyond MAX_ROWS leave at the end that is not looked at and are read again from central when
// wanted; waiting events beyond MAX_WAITING are only counted, and the list is read again when they are let in.

export const MAX_ROWS = 400;
export const MAX_WAITING = 200;

// Negative where `a` stands above `b`.
export function order(a, b) {
  return b.opened_at - a.opened_at || (a.event_id < b.event_id ? 1 : a.event_id > b.event_id ? -1 : 0);
}

export class Window {
  rows = [];
  known = new Map(); // event_id -> event, of rows
  waiting = new Map(); // event_id -> event
  uncounted = 0; // waiting events that were only counted
  hasOlder = false;
  cursor = null; // where central goes on below the last row; null: ask by time
  detached = false; // newer rows were dropped: only a reload brings the newest back

  reset(events, next) {
    this.rows = [...events].sort(order);
    this.known = new Map(events.map((event) => [event.event_id, event]));
    this.waiting.clear();
    this.uncounted = 0;
    this.detached = false;
    this.cursor = next;
    this.hasOlder = next !== null;
  }

  get waitingCount() {
    return this.waiting.size + this.uncounted;
  }

  // Where an event stands or would stand.
  place(event) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(this.rows[middle], event) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  indexOf(id) {
    const event = this.known.get(id);
    return event ? this.place(event) : -1;
  }

  // "old" | "changed" | "waiting" | "below" (older than the window) | "fresh" (to be let in now)
  offer(event, flowing) {
    const known = this.known.get(event.event_id) ?? this.waiting.get(event.event_id);
    if (known && known.change >= event.change) return "old";
    if (this.known.has(event.event_id)) {
      this.rows[this.place(known)] = event;
      this.known.set(event.event_id, event);
      return "changed";
    }
    if (!known && this.hasOlder && this.rows.length && order(this.rows.at(-1), event) < 0) return "below";
    if (!known && flowing && !this.detached) return "fresh";
    if (!known && this.waiting.size >= MAX_WAITING) this.uncounted += 1;
    else this.waiting.set(event.event_id, event);
    return "waiting";
  }

  // Returns the index. The event must not be in the window.
  insert(event) {
    const at = this.place(event);
    this.rows.splice(at, 0, event);
    this.known.set(event.event_id, event);
    this.waiting.delete(event.event_id);
    return at;
  }

  // Older events, as central gave them. Returns those that are new here.
  append(events, next) {
    const added = events.filter((event) => !this.known.has(event.event_id));
    for (const event of added) this.known.set(event.event_id, event);
    this.rows.push(...added);
    this.rows.sort(order);
    this.cursor = next;
    this.hasOlder = next !== null;
    return added;
  }

  // Cut down to MAX_ROWS, keeping what is near `anchor`. Returns the ids that left.
  trim(anchor) {
    const excess = this.rows.length - MAX_ROWS;
    if (excess <= 0) return [];
    let gone;
    if (anchor < this.rows.length / 2) {
      gone = this.rows.splice(MAX_ROWS);
      this.cursor = null;
      this.hasOlder = true;
    } else {
      gone = this.rows.splice(0, excess);
      this.detached = true;
    }
    for (const event of gone) this.known.delete(event.event_id);
    return gone.map((event) => event.event_id);
  }
}
