// On every page: images that fail, and a connection that is gone. No page needs it.
"use strict";

// An image without a picture shows an empty frame, rather than a torn one. Those that failed before this ran, too.
const missing = (image) => image.classList.add("missing");
document.addEventListener("error", (event) => { if (event.target instanceof HTMLImageElement) { missing(event.target); } }, true);
for (const image of document.images) { if (image.complete && image.naturalWidth === 0 && image.loading !== "lazy") { missing(image); } }

const offline = document.getElementById("offline");
const loadedAt = new Date().toISOString().slice(11, 16);
function showConnection() {
  offline.hidden = navigator.onLine;
  offline.textContent = navigator.onLine ? "" : `You are offline. What you see is from ${loadedAt} EVE time; it goes on when the connection is back.`;
}
addEventListener("online", showConnection);
addEventListener("offline", showConnection);
if (!navigator.onLine) { showConnection(); }
