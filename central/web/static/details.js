// The pane beside the list: one event in full, its place in the picture, its decisions.
import { call } from "./api.js";
import { about, choiceOf, isClosed, isNewer, lasted, objectText, own, shown, sortOf } from "./row.js";
import { name, t } from "./text.js";
import { duration, full, utc, zone } from "./time.js";

const LOOK = 300; // ms an event stays selected before its decisions are read, which counts as a look

const $ = (id) => document.getElementById(id);

export class Details {
  constructor({ now }) {
    this.now = now;
    this.pane = $("details");
    this.event = null;
    this.history = [];
    this.notes = new Map(); // event_id -> what was typed and not yet sent
    $("note").addEventListener("input", () => this.notes.set(this.event.event_id, $("note").value));
  }

  get note() {
    return $("note").value.trim();
  }

  clear() {
    clearTimeout(this.timer);
    this.event = null;
    this.pane.dataset.empty = "yes";
  }

  show(event) {
    const other = this.event?.event_id !== event.event_id;
    this.event = event;
    this.pane.dataset.empty = "no";
    this.#words();
    if (!other) return;
    $("note").value = this.notes.get(event.event_id) ?? "";
    this.pane.scrollTop = 0;
    this.history = [];
    this.#tell(t("details.history.loading"));
    this.look(LOOK);
  }

  // Read the decisions after `wait` ms.
  look(wait = 0) {
    clearTimeout(this.timer);
    const id = this.event?.event_id;
    if (!id) return;
    this.timer = setTimeout(async () => {
      try {
        const { decisions } = await call("GET", `/api/events/${id}`);
        if (this.event?.event_id === id) this.#entries(decisions);
      } catch {
        if (this.event?.event_id === id) this.#tell(t("details.history.failed"));
      }
    }, wait);
  }

  forget(id) {
    this.notes.delete(id);
    if (this.event?.event_id === id) $("note").value = "";
  }

  #words() {
    const event = this.event;
    const choice = choiceOf(event);
    $("d-tier").textContent = event.tier;
    $("d-tier").dataset.tier = event.tier;
    $("d-tier").title = t(`tier.${event.tier}`);
    $("d-severity").dataset.severity = event.severity;
    $("d-severity").querySelector("use").setAttribute("href", `#i-${event.severity}`);
    $("d-severity").querySelector("span").textContent = t(`severity.${event.severity}`);
    $("details-title").textContent = name("kind", event.kind);
    $("d-about").textContent = about(event);
    $("d-about").hidden = !sortOf(event);
    const ofEdge = sortOf(event) === "edge";
    $("d-advice").hidden = !ofEdge;
    $("d-figure").hidden = ofEdge;
    $("d-place").textContent = `${event.site} · ${event.camera_id}`;
    this.pane.dataset.decision = choice;
    for (const button of this.pane.querySelectorAll("[data-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
    }
    $("takeback").hidden = !event.decision;
    $("takeback").removeAttribute("aria-pressed");
    const standing = event.decision;
    $("d-decision").textContent = standing ? this.#entry(standing) : t("decision.none");
    this.#picture(event);
    $("d-fields").replaceChildren(...this.#fields(event));
  }

  #picture(event) {
    const box = event.box;
    for (const id of ["d-box", "d-box-text"]) $(id).style.display = box ? "" : "none";
    if (!box) {
      $("d-picture-text").textContent = t("details.picture.none");
      $("d-caption").textContent = t("details.picture.none");
      return;
    }
    const [left, top, right, bottom] = [box[0] * 1600, box[1] * 900, box[2] * 1600, box[3] * 900];
    const set = (id, values) => Object.entries(values).forEach(([key, value]) => $(id).setAttribute(key, value));
    set("d-box", { x: left, y: top, width: Math.max(4, right - left), height: Math.max(4, bottom - top) });
    set("d-box-text", {
      x: Math.min(1588, Math.max(12, (left + right) / 2)), y: top > 90 ? top - 24 : Math.min(880, bottom + 68),
      "text-anchor": left < 300 ? "start" : right > 1300 ? "end" : "middle",
    });
    if (left < 300) $("d-box-text").setAttribute("x", Math.max(12, left));
    else if (right > 1300) $("d-box-text").setAttribute("x", Math.min(1588, right));
    $("d-box-text").textContent = objectText(event);
    const percent = box.map((share) => Math.round(share * 100));
    $("d-picture-text").textContent = t("details.picture.alt", {
      left: percent[0], top: percent[1], right: percent[2], bottom: percent[3],
    });
    $("d-caption").textContent = t("details.picture.caption");
  }

  #fields(event) {
    const both = (millis) => [full(millis), utc(millis)];
    const none = t("details.none");
    const rows = [
      [t("details.state"), `${t(isClosed(event) ? "state.closed" : "state.open")} · ${lasted(event, this.now())}`, "duration"],
      [t("details.opened"), both(shown(event).opened_at)],
      event.closed_at !== null && [t("details.closed"), both(shown(event).closed_at)],
      event.corrected && [t("details.clock"), own(event)],
      [t("details.received"), [full(event.received_at), this.#after(event)]],
      [t("details.kind"), isNewer(event) ? `${event.kind} (${t("mark.newer.title")})` : name("kind", event.kind)],
      [t("details.severity"), t(`severity.${event.severity}`)],
      [t("details.rule"), event.rule],
      [t("details.zone"), event.zone ?? none],
      [t("details.object"), event.label === null ? none : name("label", event.label)],
      event.count !== null && [t("details.count"), event.of === null ? event.count : `${event.count} / ${event.of}`],
      event.confidence !== null && [t("details.confidence"), `${Math.round(event.confidence * 100)} %`],
      event.track !== null && [t("details.track"), t("details.track.note", { n: event.track })],
      [t("details.site"), event.site],
      sortOf(event) !== "edge" && [t("details.camera"), event.camera_id],
      [t("details.pilot"), name("pilot", event.pilot)],
      [t("details.tier"), t(`tier.${event.tier}`)],
      [t("details.model"), event.model],
      [t("details.edge"), event.edge_id],
      [t("details.event"), event.event_id],
    ].filter(Boolean);
    return rows.flatMap(([title, value, mark]) => {
      const dt = Object.assign(document.createElement("dt"), { textContent: title });
      const dd = document.createElement("dd");
      if (mark) dd.dataset.mark = mark;
      const [first, second] = [value].flat();
      dd.textContent = first;
      if (second) {
        if (second.endsWith("UTC")) dd.title = `${zone} · ${second}`;
        dd.append(Object.assign(document.createElement("small"), { textContent: second }));
      }
      return [dt, dd];
    });
  }

  // How long the newest record was on its way; nothing worth saying below a second.
  #after(event) {
    return event.delay < 1000 ? "" : t("details.received.after", { duration: duration(event.delay) });
  }

  tick() {
    const field = this.event && this.pane.querySelector("[data-mark=duration]");
    if (field && !isClosed(this.event)) field.textContent = `${t("state.open")} · ${lasted(this.event, this.now())}`;
  }

  #entry({ decision, by, at }) {
    const what = t(decision && decision !== "none" ? `decision.${decision}` : "decision.taken-back");
    return `${what} · ${t("details.history.entry", { name: by, time: full(at).slice(0, 19) })}`;
  }

  #entries(decisions) {
    if (!decisions.length) return this.#tell(t("details.history.none"));
    $("d-history").replaceChildren(...decisions.map((row) => {
      const item = Object.assign(document.createElement("li"), { textContent: this.#entry(row), title: utc(row.at) });
      if (row.note) item.append(Object.assign(document.createElement("q"), { textContent: row.note }));
      return item;
    }));
  }

  #tell(text) {
    $("d-history").replaceChildren(Object.assign(document.createElement("li"), { textContent: text, className: "hint" }));
  }
}
