// One line at the foot of the desk: what was just done or refused, and one thing to do about it.
const line = document.getElementById("notice");
const voice = document.getElementById("say");

export function notice(text, { tone = "plain", label = "", key = "", act = null } = {}) {
  const words = document.createElement("span");
  words.textContent = text;
  line.dataset.tone = tone;
  line.replaceChildren(words);
  if (act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    if (key) button.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    button.addEventListener("click", act);
    line.append(button);
  }
}

// For those who listen to the page rather than look at it.
export function say(text) {
  voice.textContent = text;
}
