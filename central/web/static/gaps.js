// What is missing, above the list: a line an edge, by what central knows of its records' numbers.
import { call } from "./api.js";
import { notice } from "./notice.js";
import { put } from "./row.js";
import { plural, t } from "./text.js";
import { minutes, otherDay, utc } from "./time.js";

const FRESH = 10000; // ms for which the lines are good
const LINES = 5;

export class Gaps {
  #asked = 0; // questions so far: answers to all but the last come too late

  // `live`: whether central can be asked now. `scroller` holds the list: what is looked at in it stays where it is.
  constructor({ live, now, scroller }) {
    Object.assign(this, { live, now, scroller });
    this.lines = document.getElementById("gaps");
    setInterval(() => { if (!document.hidden) this.ask(); }, FRESH);
  }

  async ask() {
    if (!this.live()) return;
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const { edges, more } = await call("GET", `/api/gaps?limit=${LINES}`);
      if (mine === this.#asked) this.show(edges, more);
    } catch {
      // Asked again soon; until then the lines are a little old.
    }
  }

  // Signed out: what was shown was for whoever was signed in.
  empty() {
    this.#asked += 1;
    this.show([], 0);
  }

  show(edges, more) {
    const height = () => this.lines.getBoundingClientRect().height;
    const before = height();
    const held = new Map([...this.lines.children].map((line) => [line.dataset.edge, line]));
    const lines = edges.map((edge) => this.#line(held.get(edge.edge_id) ?? this.#empty(edge.edge_id), edge));
    if (more > 0) {
      const rest = held.get("") ?? this.#empty("");
      put(rest.firstChild, plural("gaps.more", more));
      lines.push(rest);
    }
    // Only what is another than before: a button keeps its focus.
    if (lines.length !== this.lines.children.length || lines.some((line, i) => line !== this.lines.children[i])) {
      this.lines.replaceChildren(...lines);
    }
    this.lines.hidden = lines.length === 0;
    if (this.scroller.scrollTop > 0) this.scroller.scrollTop += height() - before;
  }

  #empty(edge) {
    const line = document.createElement("li");
    line.dataset.edge = edge;
    line.append(document.createElement("span"));
    return line;
  }

  #line(line, edge) {
    const { edge_id, late, lost, forked_at } = edge;
    const counts = { edge: edge_id, times: times(edge, this.now()), late, lost };
    const parts = [];
    if (late || lost) parts.push(t(counts.times ? "gaps.line" : "gaps.line.timeless", counts));
    if (forked_at !== null) parts.push(t("gaps.forked", { edge: edge_id }));
    put(line.firstChild, parts.join(" · "));
    line.title = late || lost ? [t("gaps.title"), ...moments(edge)].join("\n") : t("gaps.forked.title");
    line.toggleAttribute("data-lost", lost > 0 || forked_at !== null);
    let button = line.querySelector("button");
    if (!lost) button?.remove();
    if (lost && !button) {
      button = Object.assign(document.createElement("button"), { type: "button", title: t("gaps.note.title") });
      put(button, t("gaps.note"));
      line.append(button);
    }
    if (lost) button.onclick = () => this.#note(edge);
    return line;
  }

  async #note({ edge_id, lost_at }) {
    try {
      await call("POST", `/api/gaps/${edge_id}/note`, { until: lost_at });
      notice(t("gaps.noted", { edge: edge_id }), { tone: "done" });
    } catch (error) {
      notice(error.reason, { tone: "bad" });
    }
    this.ask();
  }
}

// From when to when, as far as the records around tell.
function times({ since, until }, now) {
  const moment = (millis) => [otherDay(millis, now), minutes(millis)].filter(Boolean).join(" ");
  if (since !== null && until !== null) return `${moment(since)}-${moment(until)}`;
  if (since !== null) return t("gaps.since", { time: moment(since) });
  return until === null ? "" : t("gaps.until", { time: moment(until) });
}

function moments({ since, until }) {
  return since === null || until === null ? [] : [`${utc(since)} - ${utc(until)}`];
}
