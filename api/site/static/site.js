// On every page: images that fail, and a connection that is gone. No page needs it.
"use strict";

// An image without a picture shows an empty frame, rather than a torn one. Those that failed before this ran, too.
const missing = (image) => image.classList.add("missing");
document.addEventListener("error", (event) => { if (event.target instanceof HTMLImageElement) { missing(event.target); } }, true);
for (const image of document.images) { if (image.complete && image.naturalWidth === 0) { missing(image); } }

/** 1 kill, 2 losses; the twin of `contracts/plurals.py`. */
function counted(count, noun) { return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`; }

// Times are EVE's; who points at one is told their own.
document.addEventListener("pointerover", (event) => {
  const time = event.target.closest?.("time[datetime]");
  if (!time || time.title) { return; }
  time.title = `${new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })} your time`;
});

const offline = document.getElementById("offline");
const loadedAt = new Date().toISOString().slice(11, 16);
function showConnection() {
  offline.hidden = navigator.onLine;
  offline.textContent = navigator.onLine ? "" : `You are offline. This page was loaded at ${loadedAt} EVE time and may be out of date.`;
}
addEventListener("online", showConnection);
addEventListener("offline", showConnection);
if (!navigator.onLine) { showConnection(); }

// --- notes that one has read

/** A note with `data-dismiss` gets a button, and stays away once it was pressed. */
function dismissible(root) {
  for (const note of root.querySelectorAll("[data-dismiss]")) {
    const key = `dismissed:${note.dataset.dismiss}`;
    if (localStorage.getItem(key)) { note.hidden = true; continue; }
    if (note.querySelector(".dismiss")) { continue; }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "dismiss";
    button.textContent = "×";
    button.setAttribute("aria-label", "Dismiss");
    button.addEventListener("click", () => { localStorage.setItem(key, "1"); note.hidden = true; });
    note.append(button);
  }
}
dismissible(document);

// --- search: suggestions beneath the box; the form works without them

const box = document.getElementById("q");
const suggestions = document.getElementById("suggestions");
const suggested = document.getElementById("suggested");
let asking = null;
async function suggest() {
  const asked = box.value.trim();
  if (asked.length < 2) { hideSuggestions(); return; }
  const response = await fetch(`/fragments/search?q=${encodeURIComponent(asked)}`);
  if (!response.ok || box.value.trim() !== asked) { return; } // an older answer than the question
  suggestions.innerHTML = await response.text(); // our own server's, escaped there
  const count = suggestions.querySelectorAll("a").length;
  suggestions.hidden = count === 0;
  suggested.textContent = `${counted(count, "suggestion")} below.`;
}
function hideSuggestions() { suggestions.hidden = true; suggested.textContent = ""; }

if (box) {
  box.addEventListener("input", () => {
    clearTimeout(asking);
    asking = setTimeout(() => suggest().catch(hideSuggestions), 150);
  });
  box.form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { hideSuggestions(); box.focus(); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || suggestions.hidden) { return; }
    event.preventDefault();
    const stops = [box, ...suggestions.querySelectorAll("a")];
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  });
  box.form.addEventListener("focusout", ({ relatedTarget }) => { if (relatedTarget && !box.form.contains(relatedTarget)) { hideSuggestions(); } });
  document.addEventListener("click", (event) => { if (!box.form.contains(event.target)) { hideSuggestions(); } });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select, textarea")) { event.preventDefault(); box.focus(); }
  });
}

// A form pressed twice is sent once, for 10 s. At the window: scripts that send one themselves come first.
const sent = new WeakMap();
addEventListener("submit", (event) => {
  const { target, timeStamp } = event;
  if (event.defaultPrevented || target.method !== "post") { return; }
  if (timeStamp - sent.get(target) < 10000) { event.preventDefault(); } else { sent.set(target, timeStamp); }
});

// --- copying

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      document.getElementById(`${text.id}-copied`).textContent = "Copied.";
    } catch { // not over https, or not allowed: it is shown and selected
      text.closest("details")?.setAttribute("open", "");
      text.select();
      document.getElementById(`${text.id}-copied`).textContent = "Press Ctrl+C to copy.";
    }
  });
}
