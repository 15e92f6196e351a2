// Whether somebody is at the desk. The open feed does not keep a session alive, people do: what they do here is
// passed on to central now and then, and before a quiet desk is signed out, it says so.
import { call } from "./api.js";

const TELL = 300000; // ms between two tellings
const WARN = 120000; // ms before the end

export function watchPresence(idle, { warn, back }) {
  let told = Date.now(); // central heard of us
  let warned = false;
  const here = () => {
    if (Date.now() - told < TELL && !warned) return;
    told = Date.now();
    if (warned) back();
    warned = false;
    call("GET", "/api/session").catch(() => {}); // an ended session is told by api.js, a lost central by the feed
  };
  for (const type of ["keydown", "pointerdown", "pointermove", "wheel"]) {
    document.addEventListener(type, here, { passive: true });
  }
  setInterval(() => {
    if (warned || Date.now() - told < idle - WARN) return;
    warned = true;
    warn();
  }, 5000);
}
