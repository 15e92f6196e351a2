// The desk: ties the feed, the window, the list, the details and the keys together.
import "./page.js";
import { call } from "./api.js";
import { Decisions } from "./decide.js";
import { Details } from "./details.js";
import { Feed } from "./feed.js";
import { Filter } from "./filter.js";
import { FilterBar } from "./filterbar.js";
import { Gaps } from "./gaps.js";
import { Hidden } from "./hidden.js";
import { Inflow } from "./inflow.js";
import { listen } from "./keys.js";
import { List } from "./list.js";
import { notice, say } from "./notice.js";
import { watchPresence } from "./presence.js";
import { choiceOf, put } from "./row.js";
import { plural, t } from "./text.js";
import { clock } from "./time.js";
import { MAX_WAITING, Window } from "./window.js";

const SETTLE = 250; // ms after a decision in which no other is taken: nobody judges an event faster
const NEAR = 600; // px from the end at which older events are fetched

const $ = (id) => document.getElementById(id);
const desk = $("desk");
const boot = JSON.parse(desk.dataset.boot); // {user, now, idle, change, next, events}
let ahead = boot.now - Date.now(); // ms of central's clock before the browser's
const now = () => Date.now() + ahead;

const held = new Window();
held.reset(boot.events, boot.next);
const marks = new Map();
const list = new List(held, { now, marks });
const details = new Details({ now });
const filter = new Filter(location.search);
const bar = new FilterBar(filter, { now });
const hidden = new Hidden(filter, {
  live: () => feed.state === "live",
  oldest: () => (held.hasOlder ? held.rows.at(-1).opened_at : null),
});
const gaps = new Gaps({ live: () => feed.state === "live", now, scroller: list.scroller });

// --- what comes in

const inflow = new Inflow({
  held, list, filter,
  live: () => feed.state === "live",
  watch: (event) => decisions.watch(event),
  changed,
  reset: () => { selected(); hidden.count(); },
  after: headline,
});

function changed(id) {
  list.refresh(id);
  if (details.event?.event_id !== id) return;
  const before = details.event.decision?.at;
  details.show(list.shown(id));
  if (marks.get(id) === undefined && details.event.decision?.at !== before) details.look();
}

// --- what stands above the list

const plainTitle = document.title;
let shownGap = "";

function headline() {
  const n = held.waitingCount;
  const waiting = [...held.waiting.values()];
  const late = waiting.filter((event) => event.late).length;
  const fresh = plural("list.new", held.uncounted ? `${MAX_WAITING}+` : n);
  const alarms = waiting.filter((event) => event.severity === "alarm").length;
  const parts = [fresh, alarms && plural("list.new.alarm", alarms), late && t("list.new.late", { n: late })];
  $("new").hidden = n === 0 && !held.detached;
  $("new").toggleAttribute("data-alarm", alarms > 0);
  put($("new-text"), n === 0 ? t("list.newest") : parts.filter(Boolean).join(" · "));
  $("deep").hidden = inflow.deep.size === 0;
  put($("deep"), plural("list.below", inflow.deep.size));
  const standing = feed.state === "live" ? t(list.calm ? "list.uptodate" : "list.held") : "";
  put($("standing"), n || held.detached ? "" : shownGap || standing);
  const undecided = (event) => choiceOf(list.shown(event.event_id) ?? event) === "none";
  const todo = held.rows.filter(undecided).length + waiting.filter(undecided).length;
  const count = `${todo}${held.hasOlder || held.uncounted ? "+" : ""}`;
  put($("todo-count"), count);
  const title = todo ? `(${count}) ${plainTitle}` : plainTitle;
  if (document.title !== title) document.title = title;
}

// --- connection

const feed = new Feed({
  address: (change) => {
    const query = filter.query({ live: true });
    query.set("after", change);
    return `/api/feed?${query}`;
  },
  onEvent: (event) => inflow.receive(event),
  onGap: ({ missed }) => {
    shownGap = missed === null ? t("list.gap.unknown") : t("list.gap", { n: missed });
    notice(shownGap, { tone: "warn" });
    inflow.reload();
  },
  onHello: (hello, restored) => {
    if (hello.now) ahead = hello.now - Date.now();
    if (restored || inflow.owed) inflow.reload();
  },
  onState: connection,
});

document.addEventListener("signed-out", () => feed.end());

function connection() {
  const was = desk.dataset.connection;
  const time = clock(feed.since);
  desk.dataset.connection = feed.state;
  $("connection-icon").setAttribute("href", `#i-${feed.state}`);
  $("connection").textContent = feed.state === "stale" ? t("connection.stale", { time }) : t(`connection.${feed.state}`);
  $("stale").textContent = "";
  headline();
  if (feed.state === "stale") $("stale").textContent = t("connection.stale.explain", { time });
  if (feed.state === "out") {
    $("stale").textContent = t("login.lapsed");
    inflow.empty();
    gaps.empty();
    const back = encodeURIComponent(location.pathname + location.search);
    const link = Object.assign(document.createElement("a"), {
      href: `/login?lapsed=1&back=${back}`, textContent: t("connection.out.action"),
    });
    $("connection").replaceChildren(t("connection.out"), " · ", link);
  }
  if (feed.state === "live") hidden.count();
  if (feed.state === "live") gaps.ask();
  if (feed.state === "live" && was === "stale") notice(t("connection.back"), { tone: "done" });
}

// --- decisions

const decisions = new Decisions({
  window: held, marks, user: boot.user, now,
  live: () => feed.state === "live",
  refresh: (id) => { changed(id); headline(); },
  accept: (event) => {
    if (held.known.has(event.event_id)) held.offer(event, false);
    changed(event.event_id); // also where the feed was faster
    headline();
  },
  go,
});

let settled = 0;

function decide(choice) {
  if (performance.now() < settled) return;
  const id = list.selected;
  if (id === null) {
    list.select(list.next((event) => choiceOf(event) === "none") ?? held.rows[0]?.event_id ?? null);
    if (list.selected) notice(t("notice.select"));
    return;
  }
  if (!decisions.take(id, choice, details.note)) return;
  details.forget(id);
  if (choice === "none") return;
  settled = performance.now() + SETTLE;
  details.pane.dataset.settling = "yes";
  setTimeout(() => delete details.pane.dataset.settling, SETTLE);
  forward();
}

// To the next event that nobody has decided; new ones are let in when the list is done.
async function forward() {
  const undecided = (event) => choiceOf(event) === "none";
  let next = list.next(undecided);
  if (next === null && held.waitingCount) {
    await inflow.takeIn();
    next = list.next(undecided);
  }
  if (next !== null) list.select(next);
  else if (!held.hasOlder) say(t("notice.finished"));
  else inflow.older().then(() => { const found = list.next(undecided); if (found !== null) list.select(found); });
}

function go(id) {
  if (held.waiting.has(id)) inflow.letIn([held.waiting.get(id)]);
  if (held.known.has(id)) list.select(id);
  else notice(t("details.gone"));
}

// --- commands

function selected() {
  if (list.selected === null) details.clear();
  else details.show(list.shown(list.selected));
  if (list.selected === null) desk.removeAttribute("data-pane");
  headline();
}

async function move(steps) {
  if (list.move(steps)) return;
  if (steps > 0) {
    await inflow.older();
    list.move(steps);
  } else if (held.waitingCount) {
    await inflow.takeIn();
    list.move(-1);
  }
}

async function top() {
  list.select(null);
  shownGap = "";
  await inflow.takeIn();
  list.scroller.scrollTop = 0;
  headline();
}

function escape() {
  if (bar.close()) return $("list").focus({ preventScroll: true });
  const inside = document.activeElement.closest("input, select, textarea, .details, .user");
  if (inside) {
    $("user").open = false;
    desk.removeAttribute("data-pane");
    return $("list").focus({ preventScroll: true });
  }
  if (desk.hasAttribute("data-pane")) return desk.removeAttribute("data-pane");
  list.select(null);
  if (list.calm) inflow.takeIn();
}

function open() {
  if (list.selected === null) list.move(1);
  if (list.selected === null) return;
  desk.setAttribute("data-pane", "open");
  $("details-title").focus();
}

const single = $("single");
single.checked = localStorage.getItem("single") !== "off";
single.addEventListener("change", () => localStorage.setItem("single", single.checked ? "on" : "off"));

listen({
  next: () => move(1), previous: () => move(-1), further: () => move(10), back: () => move(-10),
  top, details: open, escape,
  true: () => decide("true"), false_alarm: () => decide("false_alarm"), test: () => decide("test"),
  duplicate: () => decide("duplicate"), none: () => decide("none"), undo: () => decisions.undo(),
  note: () => { if (list.selected) { desk.setAttribute("data-pane", "open"); $("note").focus(); } },
  filter: () => bar.focus(), todo: () => bar.quick("decision", "none"),
  info: () => hidden.toggle(), help: () => $("help").showModal(),
}, { single: () => single.checked });

list.addEventListener("selected", selected);
list.addEventListener("open", open);
list.addEventListener("calm", () => { if (list.calm && held.waitingCount) inflow.takeIn(); });
list.addEventListener("scrolled", () => {
  const { scrollTop, scrollHeight, clientHeight } = list.scroller;
  if (scrollHeight - scrollTop - clientHeight < NEAR && scrollTop > 0) inflow.older();
});
filter.addEventListener("change", () => {
  history.replaceState(null, "", filter.address);
  list.select(null);
  shownGap = "";
  inflow.reload();
  feed.restart();
});
$("new").addEventListener("click", top);
$("deep").addEventListener("click", () => {
  const times = [...inflow.deep.values()].map((event) => event.opened_at);
  filter.range(Math.min(...times), Math.max(...times) + 1);
});
$("older").addEventListener("click", () => inflow.older());
$("details-close").addEventListener("click", () => { list.select(null); $("list").focus({ preventScroll: true }); });
$("help-open").addEventListener("click", () => $("help").showModal());
$("help-close").addEventListener("click", () => $("help").close());
for (const button of details.pane.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", () => decide(button.dataset.choice));
}
$("note").addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.isComposing) return;
  e.preventDefault();
  $("list").focus({ preventScroll: true });
});
$("logout").addEventListener("click", async () => {
  try {
    await call("DELETE", "/api/session");
  } catch (error) {
    if (error.status !== 401) return notice(t("notice.logout"), { tone: "bad" });
  }
  location.replace("/login");
});

list.adopt();
headline();
feed.start(boot.change);
setInterval(() => {
  list.tick();
  details.tick();
  if (list.calm && held.waitingCount && feed.state === "live") inflow.takeIn();
  else headline();
}, 1000);
watchPresence(boot.idle, {
  warn: () => notice(t("notice.idle"), { tone: "warn" }),
  back: () => notice(t("notice.stay"), { tone: "done" }),
});
