// Which events the desk shows. The filter lives in the address, so that it can be shared and survives a reload.
import { choiceOf, isClosed } from "./row.js";

// Names as central's API has them; what of an event they look at.
export const FIELDS = {
  tier: (e) => String(e.tier), severity: (e) => e.severity, site: (e) => e.site, pilot: (e) => e.pilot,
  camera: (e) => e.camera_id, rule: (e) => e.rule, kind: (e) => e.kind, state: (e) => (isClosed(e) ? "closed" : "open"), decision: choiceOf,
};
export const FIXED = {
  tier: ["1", "2", "3"], severity: ["alarm", "warning", "info"], state: ["open", "closed"],
  decision: ["none", "true", "false_alarm", "test", "duplicate"],
};
// These change in an event's life: the stream brings every event, and the desk itself sorts them out, so that it
// also learns of those that no longer fit.
const CHANGING = new Set(["state", "decision"]);
// Counts and the like stay out until one of these fields asks for them; central/web/pages.py does the same.
const ASKING = ["severity", "kind", "rule"];
const TOLD = new Set(["alarm", "warning"]);

export class Filter extends EventTarget {
  constructor(search) {
    super();
    const given = new URLSearchParams(search);
    this.values = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, new Set(given.getAll(field))]));
    this.since = this.#time(given.get("since"));
    this.until = this.#time(given.get("until"));
  }

  #time(text) {
    return text && /^\d{1,15}$/.test(text) ? Number(text) : null;
  }

  get active() {
    return this.since !== null || this.until !== null || Object.values(this.values).some((set) => set.size);
  }

  get hidesInfo() {
    return ASKING.every((field) => !this.values[field].size);
  }

  // Everything is asked for.
  get showsInfo() {
    return this.values.severity.size === FIXED.severity.length;
  }

  showInfo(on) {
    this.values.severity = new Set(on ? FIXED.severity : []);
    this.#changed();
  }

  has(field, value) {
    return this.values[field].has(value);
  }

  toggle(field, value) {
    if (!this.values[field].delete(value)) this.values[field].add(value);
    this.#changed();
  }

  // One value alone, or none.
  only(field, value) {
    this.values[field] = new Set(value === null ? [] : [value]);
    this.#changed();
  }

  range(since, until) {
    Object.assign(this, { since, until });
    this.#changed();
  }

  clear() {
    for (const set of Object.values(this.values)) set.clear();
    this.range(null, null);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  // What is wanted of a field; empty: anything.
  #wanted(field) {
    return field === "severity" && this.hidesInfo ? TOLD : this.values[field];
  }

  // As central is asked.
  query({ live = false } = {}) {
    return this.#written((field) => (live && CHANGING.has(field) ? [] : this.#wanted(field)));
  }

  // As it stands in the page's address.
  get address() {
    const query = String(this.#written((field) => this.values[field]));
    return query ? `/?${query}` : "/";
  }

  #written(of) {
    const query = new URLSearchParams();
    for (const field of Object.keys(FIELDS)) for (const value of of(field)) query.append(field, value);
    if (this.since !== null) query.set("since", this.since);
    if (this.until !== null) query.set("until", this.until);
    return query;
  }

  accepts(event) {
    return (
      Object.entries(FIELDS).every(([field, of]) => !this.#wanted(field).size || this.#wanted(field).has(of(event))) &&
      (this.since === null || event.opened_at >= this.since) && (this.until === null || event.opened_at < this.until)
    );
  }
}
