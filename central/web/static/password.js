import "./page.js";
import { call } from "./api.js";
import { t } from "./text.js";

const LEAST = 12;

const form = document.getElementById("change");
const message = document.getElementById("message");
const submit = document.getElementById("submit");
const [old, fresh, again] = ["old", "new", "again"].map((id) => document.getElementById(id));

const rules = {
  length: () => [...fresh.value].length >= LEAST,
  new: () => fresh.value !== "" && fresh.value !== old.value,
  same: () => fresh.value !== "" && fresh.value === again.value,
};

function check() {
  let good = true;
  for (const [rule, holds] of Object.entries(rules)) {
    const item = document.querySelector(`[data-rule=${rule}]`);
    const met = holds();
    good &&= met;
    item.classList.toggle("met", met);
    item.querySelector("use").setAttribute("href", met ? "#i-met" : "#i-closed");
    item.querySelector(".spoken").textContent = t(met ? "password.rule.met" : "password.rule.unmet");
  }
  return good;
}

form.addEventListener("input", check);
form.addEventListener("submit", async (e) => {
  e.preventDefault();
  if (!old.value) return old.focus();
  if (!check()) return (rules.length() && rules.new() ? again : fresh).focus();
  submit.disabled = true;
  submit.textContent = t("password.busy");
  message.textContent = "";
  try {
    await call("PUT", "/api/session/password", { old: old.value, new: fresh.value });
    location.replace(form.dataset.back);
  } catch (error) {
    if (error.status === 401) return location.replace("/login");
    const own = { "wrong-password": "error.password-old", "weak-password": "error.password", "same-password": "error.password" };
    message.textContent = own[error.code] ? t(own[error.code]) : error.reason;
    submit.disabled = false;
    submit.textContent = t("password.submit");
  }
});
check();
