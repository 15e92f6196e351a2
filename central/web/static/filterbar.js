// The filter on the screen: one box to type into that knows every field, quick buttons, chips.
import { call } from "./api.js";
import { FIELDS, FIXED } from "./filter.js";
import { name, t } from "./text.js";
import { localInput, minutes, day } from "./time.js";

const SHOWN = 60; // choices at a time
const EACH = 8; // of one field while nothing is typed
const FRESH = 60000; // ms for which central's list of values is good
const HOUR = 3600000;

const $ = (id) => document.getElementById(id);

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function display(field, value) {
  if (field === "tier") return FIXED.tier.includes(value) ? t(`tier.${value}`) : value;
  if (["severity", "state", "decision"].includes(field)) return FIXED[field].includes(value) ? t(`${field}.${value}`) : value;
  return field === "kind" || field === "pilot" ? name(field, value) : value;
}

export class FilterBar {
  constructor(filter, { now }) {
    this.filter = filter;
    this.now = now;
    this.facets = { ...FIXED };
    this.facetsAt = 0;
    this.input = $("filter");
    this.list = $("choices");
    this.at = -1;
    this.input.addEventListener("focus", () => this.#open());
    this.input.addEventListener("input", () => { this.at = -1; this.#open(); });
    this.input.addEventListener("keydown", (e) => this.#key(e));
    this.input.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (e) => e.preventDefault()); // the box keeps the focus
    this.list.addEventListener("click", (e) => {
      const option = e.target.closest("[role=option]");
      if (option) this.#choose(option);
    });
    $("todo").addEventListener("click", () => this.quick("decision", "none"));
    $("open-now").addEventListener("click", () => this.quick("state", "open"));
    $("range").addEventListener("change", () => this.#range());
    $("custom").addEventListener("submit", (e) => {
      e.preventDefault();
      const read = (field) => { const ms = Date.parse($("custom").elements[field].value); return Number.isNaN(ms) ? null : ms; };
      $("custom").hidden = true;
      filter.range(read("since"), read("until"));
    });
    filter.addEventListener("change", () => this.draw());
    this.draw();
  }

  quick(field, value) {
    const alone = this.filter.values[field].size === 1 && this.filter.has(field, value);
    this.filter.only(field, alone ? null : value);
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  // True where there was something to close.
  close() {
    const was = !this.list.hidden || !$("custom").hidden;
    this.list.hidden = true;
    $("custom").hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = "";
    this.at = -1;
    return was;
  }

  draw() {
    const pressed = (id, field, value) => $(id).setAttribute("aria-pressed", String(this.filter.has(field, value)));
    pressed("todo", "decision", "none");
    pressed("open-now", "state", "open");
    const chips = [];
    const info = this.filter.showsInfo;
    if (info) chips.push(this.#chip(t("filter.info"), () => this.filter.showInfo(false)));
    for (const [field, set] of Object.entries(this.filter.values)) {
      if (field === "severity" && info) continue;
      for (const value of set) {
        chips.push(this.#chip(`${t(`filter.${field}`)}: ${display(field, value)}`, () => this.filter.toggle(field, value)));
      }
    }
    const moment = (ms) => `${day(ms)} ${minutes(ms)}`;
    const { since, until } = this.filter;
    if (since !== null) chips.push(this.#chip(t("filter.since", { time: moment(since) }), () => this.filter.range(null, until)));
    if (until !== null) chips.push(this.#chip(t("filter.until", { time: moment(until) }), () => this.filter.range(since, null)));
    if (chips.length > 1) {
      const clear = make("button", { type: "button", className: "plain", textContent: t("filter.clear") });
      clear.addEventListener("click", () => this.filter.clear());
      chips.push(make("li", {}, clear));
    }
    $("chips").replaceChildren(...chips);
    if (since === null && until === null) $("range").value = "";
    else if ($("range").value === "") $("range").value = "custom";
  }

  #chip(text, remove) {
    const button = make("button", { type: "button", textContent: text, title: t("filter.remove", { name: text }) });
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", remove);
    return make("li", {}, button);
  }

  #range() {
    const value = $("range").value;
    if (value !== "custom") return this.filter.range(value ? this.now() - Number(value) * HOUR : null, null);
    const form = $("custom").elements;
    form.since.value = localInput(this.filter.since ?? this.now() - 8 * HOUR);
    form.until.value = this.filter.until === null ? "" : localInput(this.filter.until);
    $("custom").hidden = false;
    form.since.focus();
  }

  async #open() {
    this.#show();
    if (Date.now() - this.facetsAt < FRESH) return;
    try {
      const facets = await call("GET", "/api/facets");
      this.facetsAt = Date.now();
      for (const field of Object.keys(FIELDS)) {
        this.facets[field] = FIXED[field] ?? (facets[`${field}s`] ?? []).map(String);
      }
      if (document.activeElement === this.input) this.#show();
    } catch {
      // What is known already stays; the next focus asks again.
    }
  }

  #show() {
    const words = this.input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const groups = [];
    let [shown, more] = [0, 0];
    for (const field of Object.keys(FIELDS)) {
      const title = t(`filter.${field}`);
      const fitting = (this.facets[field] ?? []).filter((value) => {
        const text = `${title} ${display(field, value)} ${value}`.toLowerCase();
        return words.every((word) => text.includes(word));
      });
      const room = Math.min(SHOWN - shown, words.length ? SHOWN : EACH);
      const taken = fitting.slice(0, room);
      more += fitting.length - taken.length;
      shown += taken.length;
      if (taken.length) groups.push(this.#group(field, title, taken));
    }
    if (!shown) groups.push(make("p", { className: "hint", textContent: t("filter.none") }));
    if (more) groups.push(make("p", { className: "hint", textContent: t("filter.more", { n: more }) }));
    this.list.replaceChildren(...groups);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#mark(words.length && shown ? Math.max(0, this.at) : this.at);
  }

  #group(field, title, values) {
    const group = make("div", { className: "group" }, make("b", { textContent: title }));
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", title);
    for (const value of values) {
      const option = make("div", { id: `o-${field}-${value}`, textContent: display(field, value) });
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(this.filter.has(field, value)));
      Object.assign(option.dataset, { field, value });
      group.append(option);
    }
    return group;
  }

  #mark(at) {
    const options = [...this.list.querySelectorAll("[role=option]")];
    this.at = options.length ? Math.min(at, options.length - 1) : -1;
    options.forEach((option, i) => option.classList.toggle("at", i === this.at));
    const option = options[this.at];
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  #key(e) {
    if (e.isComposing) return;
    if (e.key === "ArrowDown") this.#mark(this.at + 1);
    else if (e.key === "ArrowUp") this.#mark(Math.max(0, this.at - 1));
    else if (e.key === "Enter") {
      const option = this.list.querySelectorAll("[role=option]")[this.at];
      if (option) {
        this.#choose(option);
        $("list").focus({ preventScroll: true }); // which closes the menu; by the mouse it stays, for the next choice
      }
    } else return;
    e.preventDefault();
  }

  #choose({ dataset: { field, value } }) {
    this.input.value = "";
    this.at = -1;
    this.filter.toggle(field, value);
    this.#show();
  }
}
