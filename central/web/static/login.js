import "./page.js";
import { call } from "./api.js";
import { t } from "./text.js";

const form = document.getElementById("login");
const message = document.getElementById("message");
const submit = document.getElementById("submit");

form.password.addEventListener("keyup", (e) => {
  document.getElementById("caps").textContent = e.getModifierState?.("CapsLock") ? t("login.caps") : "";
});

form.addEventListener("submit", async (e) => {
  e.preventDefault();
  const empty = [form.elements.name, form.password].find((field) => !field.value);
  if (empty) return empty.focus();
  submit.disabled = true;
  submit.textContent = t("login.busy");
  message.textContent = "";
  try {
    const { must_change_password: change } = await call("POST", "/api/session", {
      name: form.elements.name.value.trim(), password: form.password.value,
    });
    const back = form.dataset.back;
    location.replace(change ? `/password?back=${encodeURIComponent(back)}` : back);
  } catch (error) {
    message.textContent = error.status === 401 ? t("error.credentials") : error.reason;
    submit.disabled = false;
    submit.textContent = t("login.submit");
    form.password.select();
  }
});
