// Keeps the sections of the page up to date. Without it, the page is a snapshot.
"use strict";

const live = document.getElementById("live");
const status = document.getElementById("status");
const source = new EventSource("/_page/live" + location.search);

function update(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const section of [...template.content.children]) {
    const old = document.getElementById(section.id);
    if (old === null) {
      live.append(section);
    } else if (old.outerHTML !== section.outerHTML) {
      const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
      const secrets = [...old.querySelectorAll("input[type=password]")];
      old.replaceWith(section);
      // The server does not know what was typed. Other fields are only in a section that does not change.
      for (const { id, value } of secrets) {
        const field = document.getElementById(id);
        if (field !== null) {
          field.value = value;
        }
      }
      document.getElementById(focused)?.focus();
    }
  }
}

source.addEventListener("update", (event) => update(JSON.parse(event.data)));
source.addEventListener("open", () => { status.textContent = "Live."; });
source.addEventListener("error", () => { status.textContent = "Not connected: what you see may be old."; });
