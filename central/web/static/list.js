// The list on the screen: rows in the order of the window, one of them selected.
import { create, fill, isClosed, tick } from "./row.js";

const STILL = 30000; // ms; a pointer that lies still this long holds nothing in place

export class List extends EventTarget {
  constructor(window_, { now, marks }) {
    super();
    this.window = window_;
    this.now = now;
    this.marks = marks; // event_id -> {saving, failed}
    this.grid = document.getElementById("list");
    this.scroller = document.getElementById("scroll");
    this.rows = document.getElementById("rows");
    this.elements = new Map();
    this.selected = null;
    this.pointerAt = 0;
    this.scroller.addEventListener("pointermove", (e) => { if (e.pointerType === "mouse") this.pointerAt = Date.now(); });
    this.scroller.addEventListener("pointerleave", () => { this.pointerAt = 0; this.#tell("calm"); });
    this.scroller.addEventListener("scroll", () => this.#tell("scrolled"), { passive: true });
    this.rows.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (row) { this.select(row.id.slice(2)); this.grid.focus({ preventScroll: true }); }
    });
    this.rows.addEventListener("dblclick", (e) => { if (e.target.closest(".row")) this.#tell("open"); });
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }

  // Take over the rows that the server wrote.
  adopt() {
    for (const row of this.rows.querySelectorAll(".row")) {
      const event = this.window.known.get(row.id.slice(2));
      this.elements.set(event.event_id, row);
      fill(row, event, this.now());
    }
  }

  redraw() {
    this.elements.clear();
    const now = this.now();
    for (const event of this.window.rows) this.elements.set(event.event_id, create(event, now));
    this.rows.replaceChildren(...this.elements.values());
    for (const id of this.marks.keys()) this.refresh(id);
    const kept = this.window.known.has(this.selected) ? this.selected : null;
    this.selected = undefined; // the rows are other ones, also the selected one's
    this.select(kept);
  }

  // Rows for events that the window just took in, in one go.
  add(events, arriving = false) {
    const now = this.now();
    for (const event of [...events].sort((a, b) => this.window.indexOf(b.event_id) - this.window.indexOf(a.event_id))) {
      const row = create(event, now);
      if (arriving) row.dataset.new = "";
      const below = this.window.rows[this.window.indexOf(event.event_id) + 1];
      this.rows.insertBefore(row, below ? this.elements.get(below.event_id) ?? null : null);
      this.elements.set(event.event_id, row);
    }
  }

  // Rows that leave above the view must not move what is looked at.
  remove(ids) {
    const height = this.scroller.scrollHeight;
    const above = ids.length > 0 && this.elements.get(ids[0]) === this.rows.firstElementChild;
    for (const id of ids) {
      this.elements.get(id)?.remove();
      this.elements.delete(id);
      if (this.selected === id) this.select(null);
    }
    if (above) this.scroller.scrollTop -= height - this.scroller.scrollHeight;
  }

  refresh(id) {
    const row = this.elements.get(id);
    if (row) fill(row, this.shown(id), this.now(), this.marks.get(id));
  }

  // The event as this desk shows it: a decision on its way counts as taken.
  shown(id) {
    const event = this.window.known.get(id);
    const saving = this.marks.get(id)?.saving;
    return event && saving !== undefined ? { ...event, decision: saving } : event;
  }

  tick() {
    const now = this.now();
    for (const event of this.window.rows) if (!isClosed(event)) tick(this.elements.get(event.event_id), event, now);
  }

  get atTop() {
    return this.scroller.scrollTop < 4;
  }

  // Whether new rows may come in without moving anything that is looked at or held.
  get calm() {
    return this.atTop && this.selected === null && Date.now() - this.pointerAt > STILL;
  }

  select(id) {
    if (id === this.selected) return;
    this.elements.get(this.selected)?.setAttribute("aria-selected", "false");
    this.selected = id;
    const row = this.elements.get(id);
    if (row) {
      row.setAttribute("aria-selected", "true");
      this.grid.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else {
      this.grid.removeAttribute("aria-activedescendant");
    }
    this.#tell("selected");
  }

  // True where there was somewhere to go.
  move(steps) {
    const rows = this.window.rows;
    if (!rows.length) return false;
    const at = this.window.indexOf(this.selected);
    const to = at < 0 ? this.#firstVisible() : Math.min(rows.length - 1, Math.max(0, at + steps));
    this.select(rows[to].event_id);
    return to !== at;
  }

  #firstVisible() {
    const view = this.grid.querySelector(".head").getBoundingClientRect().bottom;
    const first = this.rows.firstElementChild.getBoundingClientRect();
    return Math.max(0, Math.min(this.window.rows.length - 1, Math.ceil((view - first.top) / first.height - 0.5)));
  }

  // The next event that `wanted` accepts: below first, as a person reads, then the nearest above.
  next(wanted) {
    const rows = this.window.rows;
    const at = this.window.indexOf(this.selected);
    for (let i = at + 1; i < rows.length; i += 1) if (wanted(this.shown(rows[i].event_id))) return rows[i].event_id;
    for (let i = at - 1; i >= 0; i -= 1) if (wanted(this.shown(rows[i].event_id))) return rows[i].event_id;
    return null;
  }
}
