// Keys to commands. Single letters and digits can be switched off (WCAG 2.1.4); the rest always works.
const NAMED = {
  ArrowDown: "next", ArrowUp: "previous", PageDown: "further", PageUp: "back", Home: "top", Enter: "details",
  Escape: "escape",
};
const SINGLE = {
  j: "next", k: "previous", g: "top", u: "undo", n: "note", q: "todo", i: "info", "/": "filter", "?": "help", 0: "none",
  1: "true", 2: "false_alarm", 3: "test", 4: "duplicate", t: "true", f: "false_alarm", x: "test", d: "duplicate",
};
const ONCE = new Set(["undo", "none", "true", "false_alarm", "test", "duplicate", "todo", "info"]);

// With a Chinese input method switched on, `key` is "Process": the key's place on the keyboard tells the letter.
function character(e) {
  if (e.key !== "Process" && !e.isComposing) return e.key.toLowerCase();
  if (e.code === "Slash") return e.shiftKey ? "?" : "/";
  return e.code.replace(/^(Key|Digit|Numpad)/, "").toLowerCase();
}

export function listen(commands, { single }) {
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || document.querySelector("dialog[open]")) return;
    const typing = e.target.closest("input:not([type=checkbox]), textarea, select");
    if (typing && e.key !== "Escape") return;
    if (e.key === "Enter" && e.target.closest("a, button, summary")) return;
    const command = NAMED[e.key] ?? (single() ? SINGLE[character(e)] : undefined);
    // A key held down or stuck must not decide a whole list.
    if (!command || (e.repeat && ONCE.has(command))) return;
    if (commands[command](e) !== false) e.preventDefault();
  });
}
