// Copies the text a button points at, and notices when what a page shows has changed.
// Builds no markup: the server renders everything.
"use strict";

const WATCH_INTERVAL_MS = 3000;

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      // Browsers may refuse: then the text is at least selected.
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: copy it by hand";
    }
  });
}

const { watch, revision } = document.body.dataset;
const news = document.getElementById("news");
if (watch !== undefined) {
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(watch).catch(() => undefined);
    if (!answer || !answer.ok || (await answer.json()).revision === revision) return;
    clearInterval(timer);
    if (news) news.hidden = false;
    else location.reload();
  }, WATCH_INTERVAL_MS);
}
