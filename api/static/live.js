// What is live on the front page. The page works without it: everything here is a fresher copy of what the server drew.
"use strict";

const feedBox = document.getElementById("feed-live");
const charactersBox = document.getElementById("characters-live");
const newButton = document.getElementById("new-killmails");
const news = document.getElementById("feed-news");
const liveSign = document.getElementById("live");
const followsFeed = document.getElementById("feed").dataset.newest === "yes";

const SUBSCRIPTION = "subscription Live($filter: KillmailFilter) { killmailAdded(filter: $filter) { id } }";
const LOOK_OFTEN_MS = 1500;
const LOOK_SELDOM_MS = 10000;
const GATHER_MS = 300; // killmails of one sync come in a burst: one request for all
const UNREAD = new Set();

async function fragment(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (response.status === 401) { location.reload(); throw new Error("logged out"); }
  if (!response.ok) { throw new Error(`${address}: ${response.status}`); }
  const holder = document.createElement("template");
  holder.innerHTML = await response.text(); // our own server's page, escaped there
  return holder.content.firstElementChild;
}

// --- killmails ---------------------------------------------------------------------------------------------------

function reading() {
  return feedBox.getBoundingClientRect().top < 0 || feedBox.contains(document.activeElement);
}

let showing = Promise.resolve();
function showNewest() { showing = showing.then(replaceFeed, replaceFeed).catch((error) => console.warn(error)); return showing; }

async function replaceFeed() {
  const fresh = await fragment(feedBox.dataset.address);
  const current = document.getElementById("feed");
  const known = new Map([...current.querySelectorAll("li[id]")].map((row) => [row.id, row]));
  let added = 0;
  for (const row of fresh.querySelectorAll("li[id]")) {
    const old = known.get(row.id);
    if (old && withoutFreshness(old) === row.outerHTML) { row.replaceWith(old); }
    if (!old) { row.classList.add("fresh"); added += 1; }
  }
  current.replaceWith(fresh);
  UNREAD.clear();
  showUnread();
  if (added) { news.textContent = added === 1 ? "One new killmail." : `${added} new killmails.`; }
}

function withoutFreshness(row) {
  row.classList.remove("fresh");
  return row.outerHTML;
}

function showUnread() {
  newButton.hidden = UNREAD.size === 0;
  newButton.textContent = `${UNREAD.size} new`;
}

let gathering = null;
function killmailAdded(id) {
  UNREAD.add(id);
  gathering ??= setTimeout(() => {
    gathering = null;
    if (reading()) { showUnread(); } else { showNewest(); }
  }, GATHER_MS);
}

newButton.addEventListener("click", () => {
  showNewest().then(() => {
    document.getElementById("feed-title").scrollIntoView();
  });
});

// --- the characters' syncs ---------------------------------------------------------------------------------------

let looking = null;
let unnamedLooks = 0;
async function look() {
  clearTimeout(looking);
  let pause = LOOK_SELDOM_MS;
  try {
    if (!document.hidden) {
      const fresh = await fragment("/fragments/characters");
      const wasChanging = document.getElementById("characters").dataset.changing === "yes";
      const changing = fresh.dataset.changing === "yes";
      showCharacters(fresh);
      if (changing) { pause = LOOK_OFTEN_MS; }
      // A sync that just ended has named what it stored.
      if (followsFeed && wasChanging && !changing && !reading()) { showNewest(); }
      if (followsFeed && unnamed() && unnamedLooks < 20 && !reading()) {
        unnamedLooks += 1;
        pause = Math.min(pause, LOOK_OFTEN_MS * unnamedLooks);
        showNewest();
      }
    }
  } catch (error) {
    console.warn(error);
  }
  looking = setTimeout(look, pause);
}

function unnamed() {
  return /Unknown (character|corporation|alliance|faction|type|system) \d/.test(feedBox.textContent);
}

function showCharacters(fresh) {
  const current = document.getElementById("characters");
  if (current.outerHTML === fresh.outerHTML) { return; }
  const focused = current.contains(document.activeElement) ? document.activeElement.id : "";
  current.replaceWith(fresh);
  if (focused) { document.getElementById(focused)?.focus(); }
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) { look(); } });

// A ship without a picture shows none, rather than a torn one.
document.addEventListener("error", (event) => {
  if (event.target instanceof HTMLImageElement) { event.target.classList.add("missing"); }
}, true);

// --- the socket --------------------------------------------------------------------------------------------------

let attempts = 0;
function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/graphql`, "graphql-transport-ws");
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => send({ type: "connection_init" });
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "connection_ack") {
      const { character, corporation } = feedBox.dataset;
      const filter = corporation ? { corporationId: corporation } : character ? { characterId: character } : null;
      send({ type: "subscribe", id: "live", payload: { query: SUBSCRIPTION, variables: { filter } } });
      liveSign.textContent = "Live: new killmails appear here by themselves.";
      if (!reading()) { showNewest(); } // what came between the page and the socket, or while it was lost
      attempts = 0;
    } else if (message.type === "next" && message.payload.data) {
      unnamedLooks = 0;
      killmailAdded(message.payload.data.killmailAdded.id);
      if (gathering !== null) { clearTimeout(looking); looking = setTimeout(look, LOOK_OFTEN_MS); }
    } else if (message.type === "ping") {
      send({ type: "pong" });
    } else if (message.type === "complete" || message.type === "error") {
      socket.close(); // and connect again
    }
  };
  socket.onclose = (event) => {
    if (event.code === 4401) { liveSign.textContent = "Not live: reload the page to log in again."; return; }
    attempts += 1;
    liveSign.textContent = "Not live at the moment; connecting again.";
    setTimeout(connect, Math.min(30000, 500 * 2 ** Math.min(attempts, 6)) * (0.5 + Math.random()));
  };
}

if (followsFeed) { connect(); }
looking = setTimeout(look, LOOK_OFTEN_MS);
