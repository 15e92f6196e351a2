// What every page has: language, theme, the browser's zone for the next visit.
import { zone } from "./time.js";

const YEAR = 31536000;

export function keep(cookie, value) {
  document.cookie = `${cookie}=${value}; Path=/; Max-Age=${YEAR}; SameSite=Lax`;
}

keep("zone", zone);

document.getElementById("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const light = root.dataset.theme ? root.dataset.theme === "light" : matchMedia("(prefers-color-scheme: light)").matches;
  root.dataset.theme = light ? "dark" : "light";
  keep("theme", root.dataset.theme);
});

for (const field of document.querySelectorAll("[data-here]")) {
  field.form.addEventListener("submit", () => { field.value = location.pathname + location.search; });
}

for (const box of document.querySelectorAll("[data-shows]")) {
  box.addEventListener("change", () => {
    for (const id of box.dataset.shows.split(" ")) document.getElementById(id).type = box.checked ? "text" : "password";
  });
}
