// Decisions: shown at once, taken back on the screen if central refuses, never silently over somebody else's.
import { call } from "./api.js";
import { notice } from "./notice.js";
import { choiceOf, words } from "./row.js";
import { t } from "./text.js";
import { minutes } from "./time.js";

const SURE = 6000; // ms in which a second press overrules somebody else's decision
const RECENT = 50; // own decisions that are watched for conflicts and can be undone

export class Decisions {
  // `marks`: event_id -> {saving, failed}, read by the list.
  constructor({ window, marks, user, now, live, refresh, accept, go }) {
    Object.assign(this, { window, marks, user, now, live, refresh, accept, go });
    this.taken = []; // {id, seen, stands, choice, before}, oldest first
    this.asked = null; // {id, choice, until}: waits for a second press
  }

  // True where the decision is on its way. `choice` may be "none".
  take(id, choice, note = "") {
    const event = this.window.known.get(id);
    if (!event || this.marks.get(id)?.saving !== undefined) return false;
    if (!this.live()) {
      notice(t("notice.stale"), { tone: "bad" });
      return false;
    }
    if (choiceOf(event) === choice && !note) return choice !== "none";
    if (event.decision && event.decision.by !== this.user && !this.#sure(event, choice)) return false;
    this.#send(event, choice, note, true);
    return true;
  }

  #sure(event, choice) {
    const asked = this.asked;
    this.asked = null;
    if (asked?.id === event.event_id && asked.choice === choice && Date.now() < asked.until) return true;
    this.asked = { id: event.event_id, choice, until: Date.now() + SURE };
    const { by, at, decision } = event.decision;
    notice(t("notice.confirm", { name: by, theirs: t(`decision.${decision}`), time: minutes(at) }), { tone: "warn" });
    return false;
  }

  undo() {
    const last = this.taken.pop();
    if (!last) return notice(t("notice.nothing"));
    const event = this.window.known.get(last.id) ?? last.event;
    // Only what was one's own can be brought back: nobody decides in another's name.
    const before = last.before?.by === this.user ? last.before : null;
    this.go(last.id);
    this.#send(event, before?.decision ?? "none", before?.note ?? "", false);
  }

  async #send(event, choice, note, undoable) {
    const id = event.event_id;
    const saving = choice === "none" ? null : { decision: choice, by: this.user, at: this.now(), note };
    this.marks.set(id, { saving });
    this.refresh(id);
    this.#announce(event, choice, undoable);
    const entry = { id, event, choice, seen: event.change, stands: null, before: event.decision };
    if (undoable) {
      this.taken.push(entry);
      if (this.taken.length > RECENT) this.taken.shift();
    }
    try {
      const answer = await call("POST", `/api/events/${id}/decision`, { decision: choice, note });
      entry.stands = answer.event.change;
      this.marks.delete(id);
      this.accept(answer.event);
    } catch (error) {
      const stored = this.window.known.get(id);
      if (stored?.change > entry.seen && stored.decision?.by === this.user && choiceOf(stored) === choice) {
        this.marks.delete(id); // only the answer was lost; the feed was faster
        return this.refresh(id);
      }
      this.taken = this.taken.filter((one) => one !== entry);
      this.marks.set(id, { failed: true });
      this.refresh(id);
      notice(t("notice.refused", { event: words(event), reason: error.reason }), {
        tone: "bad", label: t("notice.goto"), act: () => this.go(id),
      });
    }
  }

  #announce(event, choice, undoable) {
    const values = { event: words(event), decision: t(`decision.${choice}`) };
    if (!undoable) notice(t(choice === "none" ? "notice.undone" : "notice.restored", values));
    else if (choice === "none") notice(t("notice.undone", values));
    else notice(t("notice.decided", values), { tone: "done", label: t("notice.undo"), key: "U", act: () => this.undo() });
  }

  // Every event that central sends comes by here: another seat may have decided what this one just decided.
  watch(event) {
    const theirs = event.decision;
    // Whatever became of the request: this is what central has.
    if (theirs && this.marks.get(event.event_id)?.failed) this.marks.delete(event.event_id);
    if (!theirs || theirs.by === this.user) return;
    const mine = this.taken.findLast((one) => one.id === event.event_id);
    if (!mine || event.change <= mine.seen) return;
    const values = {
      name: theirs.by, event: words(event), mine: t(`decision.${mine.choice}`), theirs: t(`decision.${theirs.decision}`),
    };
    const act = { tone: "warn", label: t("notice.goto"), act: () => this.go(event.event_id) };
    if (mine.stands === null || event.change < mine.stands) notice(t("notice.conflict", values), act);
    else {
      if (theirs.decision !== mine.choice) notice(t("notice.overruled", values), act);
      this.taken = this.taken.filter((one) => one !== mine); // it is theirs now: undo must not touch it
    }
    mine.seen = event.change;
  }
}
