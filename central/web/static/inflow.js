// Events on their way into the list: live ones, those that waited, a list that is read again, older ones.
//
// While the list is being read again everything that comes meanwhile stays in the inbox, so that nothing is lost
// between; the inbox is emptied once a frame, so that a burst costs one redraw.
import { call } from "./api.js";
import { say } from "./notice.js";
import { words } from "./row.js";
import { plural, t } from "./text.js";

const PAGE = 100; // events read at a time
const AGAIN = 3000; // ms after which a list that could not be read is asked for again

const $ = (id) => document.getElementById(id);

export class Inflow {
  deep = new Map(); // late events whose place lies below the list: event_id -> event
  owed = false; // the list could not be read and must be, once central answers again
  #inbox = [];
  #due = 0;
  #loading = null;
  #older = false; // older events are being read

  // `watch` sees every event, `changed` hears of rows that now say something else, `after` of every other change.
  constructor({ held, list, filter, live, watch, changed, reset, after }) {
    Object.assign(this, { held, list, filter, live, watch, changed, reset, after });
    // A page that was just hidden gets no more frames.
    document.addEventListener("visibilitychange", () => this.flush());
  }

  receive(event) {
    this.#inbox.push(event);
    if (this.#due || this.#loading) return;
    this.#due = document.hidden ? setTimeout(() => this.flush(), 200) : requestAnimationFrame(() => this.flush());
  }

  flush() {
    this.#due = 0;
    if (this.#loading) return;
    const { held, filter } = this;
    const batch = this.#inbox;
    this.#inbox = [];
    const flowing = this.list.calm;
    const fresh = new Map();
    for (const event of batch) {
      this.watch(event);
      const before = fresh.get(event.event_id);
      if (before) {
        if (event.change > before.change) fresh.set(event.event_id, event);
        continue;
      }
      if (!held.known.has(event.event_id) && !filter.accepts(event)) {
        held.waiting.delete(event.event_id);
        continue;
      }
      const what = held.offer(event, flowing);
      if (what === "fresh") fresh.set(event.event_id, event);
      else if (what === "changed") this.changed(event.event_id);
      else if (what === "below" && event.late && !event.decision) this.deep.set(event.event_id, event);
    }
    this.letIn([...fresh.values()]);
    this.after();
  }

  letIn(events) {
    const { held, list } = this;
    const fitting = events.filter((event) => this.filter.accepts(event));
    if (!fitting.length) return;
    for (const event of fitting) held.insert(event);
    const gone = new Set(held.trim(list.selected ? held.indexOf(list.selected) : list.atTop ? 0 : held.rows.length));
    list.add(fitting.filter((event) => !gone.has(event.event_id)), true);
    list.remove([...gone]);
    this.foot(t("list.older.end"));
    say(fitting.length === 1 ? words(fitting[0]) : plural("list.new", fitting.length));
  }

  // Let in what waits. Where too much waits, the list is read again instead.
  async takeIn() {
    const { held } = this;
    if (held.detached || held.uncounted) return this.reload();
    this.letIn([...held.waiting.values()]);
    held.waiting.clear();
    this.after();
  }

  // Read the newest events that fit the filter.
  async reload() {
    const { held, list, filter } = this;
    const mine = Symbol("reload");
    this.#loading = mine;
    this.owed = false;
    try {
      const page = await this.#page(filter.query());
      if (this.#loading !== mine) return;
      held.reset(page.events, page.next);
      this.deep.clear();
      list.redraw();
      list.scroller.scrollTop = 0;
      this.reset();
      this.foot(t(held.rows.length ? "list.older.end" : filter.active ? "list.empty.filtered" : "list.empty"));
    } catch {
      if (this.#loading !== mine) return;
      this.owed = true;
      if (this.live()) setTimeout(() => { if (this.owed && !this.#loading) this.reload(); }, AGAIN);
      this.foot(t("list.failed"));
    }
    this.#loading = null;
    this.flush();
  }

  async older() {
    const { held, list } = this;
    if (this.#older || this.#loading || !held.hasOlder) return;
    this.#older = true;
    $("older").textContent = t("list.older.busy");
    const query = this.filter.query();
    const last = held.rows.at(-1);
    if (held.cursor) query.set("cursor", held.cursor);
    else if (last) query.set("until", Math.min(last.opened_at + 1, this.filter.until ?? Infinity));
    const rows = held.rows;
    try {
      const page = await this.#page(query);
      if (rows !== held.rows) return; // read again meanwhile
      list.add(held.append(page.events, page.next));
      for (const event of page.events) this.deep.delete(event.event_id);
      list.remove(held.trim(held.rows.length));
      $("older").textContent = t("list.older");
    } catch {
      $("older").textContent = t("list.older.failed");
    } finally {
      this.#older = false;
      this.foot(t("list.older.end"));
      this.after();
    }
  }

  // Signed out: what was shown was for whoever was signed in.
  empty() {
    this.held.reset([], null);
    this.deep.clear();
    this.list.redraw();
    this.foot("");
  }

  foot(text) {
    $("older").hidden = !this.held.hasOlder;
    $("older-text").textContent = this.held.hasOlder ? "" : text;
  }

  #page(query) {
    query.set("limit", PAGE);
    return call("GET", `/api/events?${query}`);
  }
}
