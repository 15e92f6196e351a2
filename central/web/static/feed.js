// The live feed and its health.
//
// States: connecting -> live <-> stale (we try again for ever, with back-off) -> out (the session ended).
// `live` is entered on central's hello only. Two things leave it: the stream's own error, and a pulse that
// asks central every few seconds, because a cut cable says nothing on a stream for minutes.
import { call } from "./api.js";

const PULSE = 3000; // ms between two pulses
const PULSE_LIMIT = 3000; // ms for its answer
const RETRY = [500, 1000, 2000, 4000, 8000]; // ms, each with jitter
const SLEPT = 15000; // ms; timers that pause longer mean that the machine slept

export class Feed {
  constructor({ address, onEvent, onGap, onState, onHello }) {
    Object.assign(this, { address, onEvent, onGap, onState, onHello });
    this.state = "connecting";
    this.since = Date.now();
    this.change = 0; // everything up to here has been seen
    this.attempt = 0;
  }

  start(change) {
    this.change = change;
    this.#connect();
    let last = Date.now();
    setInterval(() => {
      if (Date.now() - last > SLEPT) this.restart();
      last = Date.now();
      this.#pulse();
    }, PULSE);
    window.addEventListener("offline", () => this.#lost());
    window.addEventListener("online", () => this.restart());
    // Browsers slow the timers of pages that are not looked at.
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#pulse(); });
  }

  // Connect anew at once: after sleep, or with another filter.
  restart() {
    if (this.state === "out") return;
    this.attempt = 0;
    this.#connect();
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.onState();
  }

  #connect() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource(this.address(this.change));
    this.source = source;
    const on = (type, handle) => source.addEventListener(type, (message) => {
      if (source === this.source) handle(JSON.parse(message.data), message);
    });
    on("hello", (hello) => {
      this.attempt = 0;
      const restored = hello.change < this.change; // central's store is an older one
      if (restored) this.change = hello.change;
      this.onHello(hello, restored);
      this.#set("live");
    });
    on("event", (event) => {
      this.change = Math.max(this.change, event.change);
      this.onEvent(event);
    });
    on("gap", (gap) => {
      this.change = gap.after;
      this.onGap(gap);
    });
    source.onerror = () => { if (source === this.source) this.#lost(); };
  }

  async #lost() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
    if (this.state === "out") return;
    this.#set("stale");
    const wait = RETRY[Math.min(this.attempt, RETRY.length - 1)] * (0.5 + Math.random() / 2);
    this.attempt += 1;
    this.timer = setTimeout(async () => {
      try {
        await call("GET", "/api/session");
      } catch (error) {
        if (error.status === 0) return this.#lost();
      }
      if (this.state !== "out") this.#connect();
    }, wait);
  }

  // The session is over; only signing in again helps.
  end() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
    this.#set("out");
  }

  async #pulse() {
    if (this.state !== "live" || this.pulsing) return;
    this.pulsing = true;
    try {
      await fetch("/api/health", { cache: "no-store", signal: AbortSignal.timeout(PULSE_LIMIT) });
    } catch {
      if (this.state === "live") this.#lost();
    } finally {
      this.pulsing = false;
    }
  }
}
