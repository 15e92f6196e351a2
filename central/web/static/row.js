// One row of the list. Says the same as central/web/view.py, which writes the first page.
import { hasName, name, plural, t } from "./text.js";
import { clock, duration, minutes, otherDay, utc } from "./time.js";

const CAMERA = new Set(["offline", "frozen", "dark", "covered", "blurred", "moved", "clock_skew"]);
const template = document.getElementById("row").content.querySelector(".row");

// Writing only what changed spares the browser most of its work.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function isClosed(event) {
  return event.state === "closed";
}

export function choiceOf(event) {
  return event.decision?.decision ?? "none";
}

export function isNewer(event) {
  return event.newer_kind || !hasName("kind", event.kind);
}

export function objectText(event) {
  if (event.label === null) return event.count === null ? "–" : `× ${event.count}`;
  const label = name("label", event.label);
  return event.count === null || event.count === 1 ? label : `${label} × ${event.count}`;
}

// What is no happening: "camera", a fault of the camera's; "edge", an edge with too much to do; "storm", events too many
// to list; "flow", a count.
export function sortOf(event) {
  if (CAMERA.has(event.kind)) return "camera";
  if (event.kind === "degraded") return "edge";
  return event.kind === "storm" || event.kind === "flow" ? event.kind : "";
}

// The times to show: by central's clock where the edge's is wrong. Order and filters go by the event's own.
export function shown(event) {
  return event.corrected ?? event;
}

// What the edge's own clock said; empty where that is right.
export function own(event) {
  if (!event.corrected) return "";
  const values = { duration: duration(Math.abs(event.clock_offset)), time: utc(event.opened_at) };
  return t(event.clock_offset > 0 ? "mark.clock.behind" : "mark.clock.ahead", values);
}

// 5 min, 1 h 30 min or 45 s: a length of time in a sentence.
function span(millis) {
  const seconds = Math.floor((millis + 500) / 1000);
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const parts = [["span.h", h], ["span.min", min], ["span.s", s]];
  return parts.filter(([, n]) => n).map(([key, n]) => t(key, { n })).join(" ") || t("span.s", { n: 0 });
}

// The second line: which rule and where; of a fault, an overload, a storm or a count what it is.
export function about(event) {
  const { count, of, zone: line, closed_at: closed } = event;
  const plain = [event.rule, line].filter(Boolean).join(" · ");
  const sort = sortOf(event);
  if (sort === "camera") return t("about.camera");
  if (sort === "edge" && count !== null && of !== null) return t("about.degraded", { count, of });
  if (sort === "storm" && count !== null) return plural("about.storm", count, { rule: plain });
  if (sort !== "flow" || count === null || !line || closed === null) return plain;
  const values = { object: objectText(event), line, span: span(closed - event.opened_at) };
  return t(count === 0 ? "about.flow.none" : "about.flow", values);
}

export function lasted(event, now) {
  return duration((isClosed(event) ? shown(event).closed_at : now) - shown(event).opened_at);
}

// A few words by which a person knows which event is meant.
export function words(event) {
  const plain = t("notice.event", {
    kind: name("kind", event.kind), site: event.site, camera: event.camera_id, time: clock(shown(event).opened_at),
  });
  return event.severity === "alarm" ? t("notice.alarm", { event: plain }) : plain;
}

export function create(event, now) {
  const row = template.cloneNode(true);
  row.id = `e-${event.event_id}`;
  if (!sortOf(event)) row.querySelector(".sort").remove(); // most rows: hundreds of them are on the page
  fill(row, event, now);
  return row;
}

// `marks`: {saving, failed} of this desk.
export function fill(row, event, now, marks = {}) {
  const find = (selector) => row.querySelector(selector);
  const state = isClosed(event) ? "closed" : "open";
  const choice = choiceOf(event);
  const late = event.late ? duration(event.delay) : "";
  const sort = sortOf(event);
  Object.assign(row.dataset, { tier: event.tier, severity: event.severity, sort, state, decision: choice });
  row.toggleAttribute("data-failed", Boolean(marks.failed));
  put(find(".tier"), String(event.tier));
  find(".tier").title = t(`tier.${event.tier}`);
  const time = find("time");
  const opened = shown(event).opened_at;
  put(time, clock(opened));
  time.title = [utc(opened), own(event)].filter(Boolean).join("\n");
  time.dateTime = new Date(opened).toISOString();
  time.toggleAttribute("data-clock", Boolean(event.corrected));
  put(find(".day"), otherDay(opened, now));
  put(find(".late"), late && t("mark.late", { duration: late }));
  find(".late").title = late && t("mark.late.title", { duration: late });
  find(".c-severity use").setAttribute("href", `#i-${event.severity}`);
  const severity = t(`severity.${event.severity}`);
  find(".c-severity").title = severity;
  find(".c-severity").setAttribute("aria-label", severity);
  if (event.severity === "alarm") find(".c-what").dataset.alarm = severity;
  else delete find(".c-what").dataset.alarm;
  find(".sort use")?.setAttribute("href", `#i-${sort}`);
  put(find(".c-what b"), name("kind", event.kind));
  put(find(".newer"), isNewer(event) ? t("mark.newer") : "");
  put(find(".c-what small"), about(event));
  put(find(".c-object b"), objectText(event));
  put(find(".c-object small"), event.confidence === null ? "" : `${Math.round(event.confidence * 100)} %`);
  put(find(".c-where b"), event.site);
  put(find(".c-where small"), `${event.camera_id} · ${name("pilot", event.pilot)}`);
  find(".c-state use").setAttribute("href", `#i-${state}`);
  put(find(".c-state b"), t(`state.${state}`));
  put(find(".duration"), lasted(event, now));
  find(".c-decision use").setAttribute("href", `#i-${choice}`);
  put(find(".c-decision b"), t(`decision.${choice}`));
  put(find(".decided"), decided(event, marks));
}

function decided(event, { saving, failed }) {
  if (failed) return t("mark.failed");
  if (saving) return t("mark.saving");
  return event.decision ? `${event.decision.by} ${minutes(event.decision.at)}` : "";
}

export function tick(row, event, now) {
  put(row.querySelector(".duration"), lasted(event, now));
}
