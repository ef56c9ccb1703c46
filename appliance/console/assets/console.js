// Copies the text a button points at, switches query tabs, and reloads a page that watches for news.
// Builds no markup: the server renders everything.
"use strict";

const REVISION_INTERVAL_MS = 3000;

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
}

const revision = document.body.dataset.revision;
if (revision !== undefined) {
  setInterval(async () => {
    const typing = document.activeElement && document.activeElement.matches("input, textarea, select");
    if (document.hidden || typing) return;
    const answer = await fetch("/api/v1/revision").catch(() => undefined);
    if (answer && answer.ok && (await answer.json()).revision !== revision) location.reload();
  }, REVISION_INTERVAL_MS);
}
