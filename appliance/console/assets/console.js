// Copies the text a button carries, and notices when what a page shows has changed.
// Builds no markup: the server renders everything.
"use strict";

const WATCH_INTERVAL_MS = 3000;

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // Browsers may refuse: then the text is at least selected.
      getSelection().selectAllChildren(document.getElementById(button.getAttribute("aria-describedby")));
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
