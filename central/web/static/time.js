// Times in words. Everything is shown in the browser's zone with the full UTC beside it or in the title.
const two = (n) => String(n).padStart(2, "0");

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function clock(millis) {
  const d = new Date(millis);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function minutes(millis) {
  return clock(millis).slice(0, 5);
}

export function day(millis) {
  const d = new Date(millis);
  return `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

// Empty on the same local day as `now`.
export function otherDay(millis, now) {
  return new Date(millis).toDateString() === new Date(now).toDateString() ? "" : day(millis);
}

export function full(millis) {
  const d = new Date(millis);
  return `${d.getFullYear()}-${day(millis)} ${clock(millis)}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

export function utc(millis) {
  return new Date(millis).toISOString().replace("T", " ").replace("Z", " UTC");
}

// 2:13, 1:02:13 or 26:02:13.
export function duration(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// What <input type="datetime-local"> takes.
export function localInput(millis) {
  return full(millis).slice(0, 19).replace(" ", "T");
}
