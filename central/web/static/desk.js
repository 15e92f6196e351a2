// The desk: ties the feed, the window, the list, the details and the keys together.
import "./page.js";
import { call } from "./api.js";
import { Decisions } from "./decide.js";
import { Details } from "./details.js";
import { Feed } from "./feed.js";
import { Filter } from "./filter.js";
import { FilterBar } from "./filterbar.js";
import { listen } from "./keys.js";
import { List } from "./list.js";
import { notice, say } from "./notice.js";
import { watchPresence } from "./presence.js";
import { choiceOf, put, words } from "./row.js";
import { plural, t } from "./text.js";
import { clock } from "./time.js";
import { MAX_WAITING, Window } from "./window.js";

const PAGE = 100; // events read at a time
const SETTLE = 250; // ms after a decision in which no other is taken: nobody judges an event faster
const AGAIN = 3000; // ms after which a list that could not be read is asked for again
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

// --- what comes in

let inbox = [];
let due = 0;
let loading = null; // the list is being read again: what comes meanwhile waits in the inbox

function receive(event) {
  inbox.push(event);
  // Once a frame, however many came; pages that are not looked at have no frames.
  if (!due && !loading) due = document.hidden ? setTimeout(flush, 200) : requestAnimationFrame(flush);
}

const deep = new Map(); // late events whose place lies below the list: event_id -> event

function flush() {
  due = 0;
  if (loading) return;
  const batch = inbox;
  inbox = [];
  const flowing = list.calm;
  const fresh = new Map();
  for (const event of batch) {
    decisions.watch(event);
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
    else if (what === "changed") changed(event.event_id);
    else if (what === "below" && event.late && !event.decision) deep.set(event.event_id, event);
  }
  letIn([...fresh.values()].filter((event) => filter.accepts(event)));
  headline();
}

function changed(id) {
  list.refresh(id);
  if (details.event?.event_id !== id) return;
  const before = details.event.decision?.at;
  details.show(list.shown(id));
  if (marks.get(id) === undefined && details.event.decision?.at !== before) details.look();
}

function letIn(events) {
  if (!events.length) return;
  for (const event of events) held.insert(event);
  const gone = new Set(held.trim(list.selected ? held.indexOf(list.selected) : list.atTop ? 0 : held.rows.length));
  list.add(events.filter((event) => !gone.has(event.event_id)), true);
  list.remove([...gone]);
  foot(t("list.older.end"));
  if (events.length === 1) say(words(events[0]));
  else say(plural("list.new", events.length));
}

// Let in what waits. Where too much waits, the list is read again instead.
async function takeIn() {
  if (held.detached || held.uncounted) return reload();
  letIn([...held.waiting.values()].filter((event) => filter.accepts(event)));
  held.waiting.clear();
  headline();
}

// Read the newest events that fit the filter.
async function reload() {
  const mine = Symbol("reload");
  loading = mine;
  reloadWhenLive = false;
  try {
    const query = filter.query();
    query.set("limit", PAGE);
    const page = await call("GET", `/api/events?${query}`);
    if (loading !== mine) return;
    held.reset(page.events, page.next);
    deep.clear();
    list.redraw();
    selected();
    list.scroller.scrollTop = 0;
    foot(t(held.rows.length ? "list.older.end" : filter.active ? "list.empty.filtered" : "list.empty"));
  } catch {
    if (loading !== mine) return;
    reloadWhenLive = true;
    if (feed.state === "live") setTimeout(() => { if (reloadWhenLive && !loading) reload(); }, AGAIN);
    foot(t("list.failed"));
  }
  loading = null;
  flush();
}

let reloadWhenLive = false;
let readingOlder = false;

async function older() {
  if (readingOlder || loading || !held.hasOlder) return;
  readingOlder = true;
  $("older").textContent = t("list.older.busy");
  const query = filter.query();
  query.set("limit", PAGE);
  if (held.cursor) query.set("cursor", held.cursor);
  else if (held.rows.length) query.set("until", Math.min(held.rows.at(-1).opened_at + 1, filter.until ?? Infinity));
  const rows = held.rows;
  try {
    const page = await call("GET", `/api/events?${query}`);
    if (rows !== held.rows) return; // read again meanwhile
    list.add(held.append(page.events, page.next));
    for (const event of page.events) deep.delete(event.event_id);
    list.remove(held.trim(held.rows.length));
    $("older").textContent = t("list.older");
  } catch {
    $("older").textContent = t("list.older.failed");
  } finally {
    readingOlder = false;
    foot(t("list.older.end"));
    headline();
  }
}

function foot(text) {
  $("older").hidden = !held.hasOlder;
  $("older-text").textContent = held.hasOlder ? "" : text;
}

// --- what stands above the list

const plainTitle = document.title;
let shownGap = "";

function headline() {
  const n = held.waitingCount;
  const waiting = [...held.waiting.values()];
  const late = waiting.filter((event) => event.late).length;
  const fresh = plural("list.new", held.uncounted ? `${MAX_WAITING}+` : n);
  $("new").hidden = n === 0 && !held.detached;
  put($("new-text"), n === 0 ? t("list.newest") : late ? `${fresh} · ${t("list.new.late", { n: late })}` : fresh);
  $("deep").hidden = deep.size === 0;
  put($("deep"), plural("list.below", deep.size));
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
  onEvent: receive,
  onGap: ({ missed }) => {
    shownGap = missed === null ? t("list.gap.unknown") : t("list.gap", { n: missed });
    notice(shownGap, { tone: "warn" });
    reload();
  },
  onHello: (hello, restored) => {
    if (hello.now) ahead = hello.now - Date.now();
    if (restored || reloadWhenLive) reload();
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
  if (feed.state === "stale" || feed.state === "out") $("stale").textContent = t("connection.stale.explain", { time });
  if (feed.state === "out") {
    held.reset([], null); // what was shown was for whoever was signed in
    list.redraw();
    foot("");
    const back = encodeURIComponent(location.pathname + location.search);
    const link = Object.assign(document.createElement("a"), {
      href: `/login?lapsed=1&back=${back}`, textContent: t("connection.out.action"),
    });
    $("connection").replaceChildren(t("connection.out"), " · ", link);
  }
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
    await takeIn();
    next = list.next(undecided);
  }
  if (next !== null) list.select(next);
  else if (!held.hasOlder) say(t("notice.finished"));
  else older().then(() => { const found = list.next(undecided); if (found !== null) list.select(found); });
}

function go(id) {
  if (held.waiting.has(id)) letIn([held.waiting.get(id)]);
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
    await older();
    list.move(steps);
  } else if (held.waitingCount) {
    await takeIn();
    list.move(-1);
  }
}

async function top() {
  list.select(null);
  shownGap = "";
  await takeIn();
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
  if (list.calm) takeIn();
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
  filter: () => bar.focus(), todo: () => bar.quick("decision", "none"), help: () => $("help").showModal(),
}, { single: () => single.checked });

list.addEventListener("selected", selected);
list.addEventListener("open", open);
list.addEventListener("calm", () => { if (list.calm && held.waitingCount) takeIn(); });
list.addEventListener("scrolled", () => {
  const { scrollTop, scrollHeight, clientHeight } = list.scroller;
  if (scrollHeight - scrollTop - clientHeight < NEAR && scrollTop > 0) older();
});
filter.addEventListener("change", () => {
  const query = String(filter.query());
  history.replaceState(null, "", query ? `/?${query}` : "/");
  list.select(null);
  shownGap = "";
  reload();
  feed.restart();
});
$("new").addEventListener("click", top);
$("deep").addEventListener("click", () => {
  const times = [...deep.values()].map((event) => event.opened_at);
  filter.range(Math.min(...times), Math.max(...times) + 1);
});
$("older").addEventListener("click", older);
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

document.addEventListener("visibilitychange", flush); // a page that was just hidden gets no more frames
list.adopt();
headline();
feed.start(boot.change);
setInterval(() => {
  list.tick();
  details.tick();
  if (list.calm && held.waitingCount && feed.state === "live") takeIn();
  else headline();
}, 1000);
watchPresence(boot.idle, {
  warn: () => notice(t("notice.idle"), { tone: "warn" }),
  back: () => notice(t("notice.stay"), { tone: "done" }),
});
