// Keeps the imports on the settings page fresh while they go on, and says at once that an order was heard. The page works
// without it.
"use strict";

const LOOK_MS = 2000;
// Here the buttons of an import lead; what was ordered shows a moment later.
let looksAnyway = location.hash === "#imports" ? 30 : 0;

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!event.target.closest("#imports") || !button) { return; }
  button.setAttribute("aria-busy", "true");
  button.textContent = { estimate: "Counting…", start: "Starting…", cancel: "Stopping…" }[button.value] ?? button.textContent;
});

// A look takes a moment: then the page tells what became of it.
const CHECKED_MS = 3000;
document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  if (!["sync_now", "force_full_resync"].includes(button?.value)) { return; }
  event.preventDefault();
  const body = new URLSearchParams([...new FormData(form), ["order", button.value]]);
  const said = button.innerHTML;
  button.setAttribute("aria-busy", "true");
  button.textContent = "Checking…";
  let became = "That did not work. Try again.";
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") { setTimeout(() => location.reload(), CHECKED_MS); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    became = page.querySelector(".message p")?.textContent ?? became;
  } catch (error) { console.warn(error); } // no network: it was not sent
  form.parentElement.querySelector("p").textContent = became;
  button.removeAttribute("aria-busy");
  button.innerHTML = said;
});

async function lookAtImports() {
  try {
    if (!document.hidden) {
      const response = await fetch("/fragments/imports", { headers: { Accept: "text/html" } });
      if (response.status === 401) { location.reload(); return; }
      if (!response.ok) { throw new Error(String(response.status)); }
      const holder = document.createElement("template");
      holder.innerHTML = await response.text(); // our own server's page, escaped there
      showImports(holder.content.firstElementChild);
    }
  } catch (error) {
    console.warn(error);
  }
  lookWhileChanging();
}

function showImports(fresh) {
  const current = document.getElementById("imports");
  if (current.outerHTML === fresh.outerHTML) { return; }
  const focused = current.contains(document.activeElement) ? document.activeElement.id : "";
  current.replaceWith(fresh);
  if (focused) { document.getElementById(focused)?.focus(); }
}

function lookWhileChanging() {
  const isChanging = document.getElementById("imports").dataset.changing === "yes";
  if (isChanging || looksAnyway-- > 0) { setTimeout(lookAtImports, LOOK_MS); }
}

lookWhileChanging();
