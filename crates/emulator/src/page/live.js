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
      old.replaceWith(section);
      document.getElementById(focused)?.focus();
    }
  }
}

source.addEventListener("update", (event) => update(JSON.parse(event.data)));
source.addEventListener("open", () => { status.textContent = "Live."; });
source.addEventListener("error", () => { status.textContent = "Not connected: what you see may be old."; });
