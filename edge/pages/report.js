const tip = document.getElementById("tip");
const chosen = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
document.getElementById(chosen).checked = true;
function spoken() {
  const zh = document.getElementById("zh").checked;
  document.documentElement.lang = zh ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-en]")) node.setAttribute("aria-label", zh ? node.dataset.zh : node.dataset.en);
}
spoken();
document.addEventListener("change", spoken);
function show(mark) {
  if (!mark) { tip.hidden = true; return; }
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const at = mark.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
  const above = at.top - tip.offsetHeight - 6;
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${(above < 4 ? at.bottom + 6 : above) + scrollY}px`;
}
const lanes = document.querySelector(".lanes");
for (const kind of ["pointerover", "focusin"]) lanes.addEventListener(kind, (event) => show(event.target.closest(".mark")));
for (const kind of ["pointerleave", "focusout"]) lanes.addEventListener(kind, () => show(null));
addEventListener("keydown", (event) => { if (event.key === "Escape") show(null); });
