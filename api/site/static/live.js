// What is live on a feed. The page works without it: everything here is a fresher copy of what the server drew.
"use strict";

const feedBox = document.getElementById("feed-live");
const charactersBox = document.getElementById("characters-live");
const newButton = document.getElementById("new-killmails");
const news = document.getElementById("feed-news");
const liveSign = document.getElementById("live");
const followsFeed = document.getElementById("feed").dataset.newest === "yes";

const SUBSCRIPTION = `subscription Live($filter: KillmailFilter, $after: String) {
  killmailAdded(filter: $filter, after: $after) { liveCursor }
}`;
const LOOK_OFTEN_MS = 1500;
const LOOK_SELDOM_MS = 10000;
const GATHER_MS = 200; // killmails of one sync come in a burst: one request for all

async function fragment(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (response.status === 401) { location.reload(); throw new Error("logged out"); }
  if (!response.ok) { throw new Error(`${address}: ${response.status}`); }
  const holder = document.createElement("template");
  holder.innerHTML = await response.text(); // our own server's page, escaped there
  return holder.content;
}

const rowsOf = (root) => [...root.querySelectorAll("li[id]")];

// --- killmails

function reading() {
  return feedBox.getBoundingClientRect().top < 0 || feedBox.contains(document.activeElement);
}

/** Change the page; the row one reads stays where it is. The browser's own anchoring (off, site.css) picks the footer. */
function still(change) {
  const row = reading() ? rowsOf(feedBox).find((one) => one.getBoundingClientRect().bottom > 0) : null;
  const before = row?.getBoundingClientRect().top;
  change();
  const moved = row?.isConnected ? row.getBoundingClientRect().top - before : 0;
  if (moved) { scrollBy({ top: moved, behavior: "instant" }); } // even one of nothing ends a scroll that is under way
}

let turn = Promise.resolve();
function inTurn(work) { turn = turn.then(work, work).catch((error) => console.warn(error)); return turn; }

/** Ask for the newest page; show it, or only say how many are new while somebody reads. */
function lookAtFeed({ always = false } = {}) {
  return inTurn(async () => {
    const fresh = (await fragment(feedBox.dataset.address)).getElementById("feed");
    const known = new Set(rowsOf(feedBox).map((row) => row.id));
    const added = rowsOf(fresh).filter((row) => !known.has(row.id));
    if (always || !reading()) { show(fresh, added); } else { tell(added); showUnread(added.length); }
  });
}

function show(fresh, added) {
  const current = document.getElementById("feed");
  const known = new Map(rowsOf(current).map((row) => [row.id, row]));
  const freshIds = new Set(rowsOf(fresh).map((row) => row.id));
  for (const row of rowsOf(fresh)) {
    const old = known.get(row.id);
    if (old && withoutFreshness(old) === row.outerHTML) { row.replaceWith(old); }
  }
  for (const row of added) { row.classList.add("fresh"); }
  const older = rowsOf(current).filter((row) => !freshIds.has(row.id));
  const meets = known.has(rowsOf(fresh).at(-1)?.id); // else there are killmails between the fresh page and what was read on
  if (older.length && meets && current.dataset.grown === "yes") { keepOlder(fresh, current, freshIds); }
  current.replaceWith(fresh);
  watchOlder();
  showUnread(0);
  if (added.length) { tell(added); news.textContent = `${counted(added.length, "new killmail")}.`; }
}

/** Older pages that were read on are put beneath the fresh one; the links beneath stay those of the oldest. */
function keepOlder(fresh, current, freshIds) {
  for (const day of current.querySelectorAll(".day")) {
    for (const row of rowsOf(day)) { if (freshIds.has(row.id)) { row.remove(); } }
    if (rowsOf(day).length) { appendDay(fresh, day); }
  }
  fresh.querySelector("nav").replaceWith(current.querySelector("nav"));
  fresh.dataset.grown = "yes";
}

function appendDay(feed, day) {
  const same = feed.querySelector(`[data-day="${day.dataset.day}"] ol`);
  if (same) { same.append(...rowsOf(day)); } else { feed.querySelector("nav").before(day); }
}

function withoutFreshness(row) {
  row.classList.remove("fresh");
  if (!row.classList.length) { row.removeAttribute("class"); }
  return row.outerHTML;
}

// --- what came while nobody looked: counted in the tab's title, and told by the browser if one asked for it

const TITLE = document.title;
const notify = document.getElementById("notify");
const unseen = new Set();
function tell(rows) {
  if (!document.hidden) { return; }
  const news = rows.filter((row) => !unseen.has(row.id));
  for (const row of news) { unseen.add(row.id); }
  document.title = unseen.size ? `(${unseen.size}) ${TITLE}` : TITLE;
  if (!news.length || !notifies()) { return; }
  const what = news.length > 1 ? counted(news.length, "new killmail") : `${news[0].querySelector(".outcome").textContent}: ${news[0].querySelector(".lost a").textContent}, ${news[0].querySelector(".value").textContent}`;
  try {
    new Notification("KillReport", { body: what, tag: "killmails", icon: "/apple-touch-icon.png" }).onclick = () => window.focus();
  } catch (error) { console.warn(error); } // some browsers of phones have it and forbid it to pages
}
const notifies = () => "Notification" in window && localStorage.getItem("notify") === "yes" && Notification.permission === "granted";
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { unseen.clear(); document.title = TITLE; }
});

function showNotify() {
  const on = notifies();
  notify.setAttribute("aria-pressed", String(on));
  notify.textContent = on ? "Notifications are on" : "Notify me";
}
if (followsFeed && "Notification" in window) {
  notify.hidden = false;
  showNotify();
  notify.addEventListener("click", async () => {
    const on = notify.getAttribute("aria-pressed") === "true";
    if (!on && await Notification.requestPermission() !== "granted") { notify.textContent = "Your browser blocks notifications"; return; }
    localStorage.setItem("notify", on ? "no" : "yes");
    showNotify();
  });
}

// --- since the last visit

const AWAY_MS = 30 * 60000; // shorter is the same visit
const visit = JSON.parse(localStorage.getItem("visit") ?? "null"); // when the feed was last looked at, and its newest killmail
const timeOf = (row) => Date.parse(row.querySelector("time").dateTime);
function sinceLastVisit() {
  if (!followsFeed || location.search) { return; }
  const rows = rowsOf(feedBox);
  if (visit && Date.now() - visit.at > AWAY_MS) {
    const fresh = rows.filter((row) => timeOf(row) > visit.newest);
    const kills = fresh.filter((row) => row.classList.contains("kill")).length;
    const parts = [[kills, "kill"], [fresh.length - kills, "loss"]].filter(([count]) => count).map(([count, noun]) => counted(count, noun));
    const all = fresh.length === rows.length && document.getElementById("older") ? "more than " : "";
    const note = document.getElementById("since");
    note.textContent = fresh.length ? `Since your last visit: ${all}${parts.join(", ")}.` : "Nothing new since your last visit.";
    note.hidden = false;
  }
  const remember = () => localStorage.setItem("visit", JSON.stringify({ at: Date.now(), newest: Math.max(visit?.newest ?? 0, ...rowsOf(feedBox).map(timeOf)) }));
  remember();
  addEventListener("pagehide", remember);
}
sinceLastVisit();

function showUnread(count) {
  newButton.hidden = count === 0;
  newButton.textContent = `+${count} new`;
}

let gathering = null;
function killmailAdded() {
  gathering ??= setTimeout(() => { gathering = null; lookAtFeed(); }, GATHER_MS);
}

newButton.addEventListener("click", async () => {
  await lookAtFeed({ always: true });
  document.getElementById("feed-title").scrollIntoView({ behavior: "instant" }); // what comes later would stop a slow one
});

// --- older ones: the link beneath, pressed by scrolling to it

const scroller = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) { readOn(); } }, { rootMargin: "600px" });
function watchOlder() {
  scroller.disconnect();
  const link = document.getElementById("older");
  if (link) { scroller.observe(link); }
}

let scrolled = false;
addEventListener("scroll", () => { if (!scrolled) { scrolled = true; watchOlder(); } }, { passive: true });

function readOn() {
  scroller.disconnect();
  return inTurn(async () => {
    const link = document.getElementById("older");
    if (!link) { return; }
    const address = new URL(link.href);
    const after = address.searchParams.get("after");
    const separator = feedBox.dataset.address.includes("?") ? "&" : "?";
    let more;
    try {
      more = (await fragment(`${feedBox.dataset.address}${separator}after=${encodeURIComponent(after)}`)).getElementById("feed");
    } catch (error) { setTimeout(() => { scrolled = false; }, LOOK_OFTEN_MS); throw error; } // by the next scroll, again
    const feed = document.getElementById("feed");
    still(() => { for (const day of more.querySelectorAll(".day")) { appendDay(feed, day); } });
    const next = more.querySelector("#older");
    if (next) { link.href = next.href; } else { link.remove(); }
    feed.dataset.grown = "yes";
    watchOlder();
  });
}

// --- keys

document.getElementById("keys").hidden = !matchMedia("(hover: hover)").matches;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) { return; }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) { return; }
  const links = [...feedBox.querySelectorAll(".lost a")];
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? links[0] : links[at + step];
  if (!next) { return; }
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.closest("li").scrollIntoView({ block: "nearest" });
});

// --- back from a killmail: the row one left by is where one goes on

const PLACE = `place:${location.pathname}${location.search}`;
feedBox.addEventListener("click", (event) => {
  const row = event.target.closest("li[id]");
  if (row && event.target.closest("a")) { sessionStorage.setItem(PLACE, JSON.stringify({ id: row.id, rows: rowsOf(feedBox).length })); }
});

/** Read on as far as one had, then look at that row again. */
async function goOn() {
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  sessionStorage.removeItem(PLACE);
  const arrived = performance.getEntriesByType("navigation")[0]?.type;
  if (!place || arrived !== "back_forward") { return; }
  let rows = -1; // as long as there are more each time: reading on may fail
  while (!document.getElementById(place.id) && rows < rowsOf(feedBox).length && rowsOf(feedBox).length < place.rows && document.getElementById("older")) {
    rows = rowsOf(feedBox).length;
    await readOn();
  }
  const row = document.getElementById(place.id);
  row?.scrollIntoView({ block: "center", behavior: "instant" });
  row?.querySelector(".lost a").focus({ preventScroll: true });
}
goOn();

// --- the characters' syncs

let looking = null;
let unnamedLooks = 0;
async function look() {
  clearTimeout(looking);
  let pause = LOOK_SELDOM_MS;
  try {
    if (!document.hidden) {
      const fresh = (await fragment("/fragments/characters")).firstElementChild;
      const wasChanging = document.getElementById("characters").dataset.changing === "yes";
      const changing = fresh.dataset.changing === "yes";
      showCharacters(fresh);
      if (changing) { pause = LOOK_OFTEN_MS; }
      // A sync that just ended has named what it stored.
      if (followsFeed && wasChanging && !changing && !reading()) { lookAtFeed(); }
      if (followsFeed && unnamed() && unnamedLooks < 20 && !reading()) {
        unnamedLooks += 1;
        pause = Math.min(pause, LOOK_OFTEN_MS * unnamedLooks);
        lookAtFeed();
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

// "Sync now" says at once that it was heard; the sync's own words follow when it has begun or is done.
const CHECKING_MS = 60000;
const asked = new Map(); // character id: what its row said, and until when "Checking…" stands instead
charactersBox.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.submitter?.value !== "sync_now") { return; }
  event.preventDefault();
  const row = form.closest(".character");
  asked.set(row.dataset.sync, { said: row.querySelector(".what").textContent, until: Date.now() + CHECKING_MS });
  sayChecking(document);
  const body = new URLSearchParams([...new FormData(form), ["order", "sync_now"]]);
  let said = "That did not work. Try again.";
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") { look(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    said = page.querySelector(".message p")?.textContent ?? said;
  } catch (error) { console.warn(error); } // no network: it was not sent
  asked.delete(row.dataset.sync);
  const shown = charactersBox.querySelector(`[data-sync="${row.dataset.sync}"]`); // it may have been drawn again meanwhile
  shown.querySelector(".status").textContent = said;
  for (const button of shown.querySelectorAll("button")) { button.disabled = false; }
});

function sayChecking(root) {
  for (const row of root.querySelectorAll(".character")) {
    const before = asked.get(row.dataset.sync);
    const status = row.querySelector(".status");
    if (!before) { continue; }
    if (Date.now() > before.until || ![before.said, "Checking…"].some((said) => row.querySelector(".what").textContent.includes(said))) { asked.delete(row.dataset.sync); continue; }
    status.textContent = "Checking…";
    for (const button of row.querySelectorAll("button")) { button.disabled = true; }
  }
}

let shownCharacters = document.getElementById("characters").outerHTML;
function showCharacters(fresh) {
  const current = document.getElementById("characters");
  if (fresh.outerHTML === shownCharacters && !asked.size) { return; } // "Checking…" ends, whatever became of it
  shownCharacters = fresh.outerHTML;
  dismissible(fresh);
  sayChecking(fresh);
  const focused = current.contains(document.activeElement) ? document.activeElement.id : "";
  for (const open of current.querySelectorAll("details[open]")) { fresh.querySelector(`#${open.id}`)?.setAttribute("open", ""); }
  still(() => current.replaceWith(fresh));
  if (focused) { document.getElementById(focused)?.focus(); }
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) { look(); } });

// --- the socket

// A phone that slept, or a computer in another network, has a socket that is dead and says nothing of it.
const PING_MS = 20000;
let attempts = 0;
let cursor = feedBox.dataset.cursor; // the page's, then the last killmail's: what came while we were away is sent
function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/graphql`, "graphql-transport-ws");
  const send = (message) => socket.send(JSON.stringify(message));
  let silent = false; // since the last ping
  const pinging = setInterval(() => {
    if (silent) { socket.close(); } else if (socket.readyState === WebSocket.OPEN) { silent = true; send({ type: "ping" }); }
  }, PING_MS);
  socket.onopen = () => send({ type: "connection_init" });
  socket.onmessage = (event) => {
    silent = false;
    const message = JSON.parse(event.data);
    if (message.type === "connection_ack") {
      const { character, corporation, everything } = feedBox.dataset;
      const filter = corporation ? { corporationId: corporation } : character ? { characterId: character } : everything ? { scope: "VISIBLE" } : null;
      send({ type: "subscribe", id: "live", payload: { query: SUBSCRIPTION, variables: { filter, after: cursor } } });
      liveSign.textContent = "Live: new killmails appear automatically.";
      if (!reading()) { lookAtFeed(); } // what came between the page and the socket, or while it was lost
      attempts = 0;
    } else if (message.type === "next" && message.payload.data) {
      cursor = message.payload.data.killmailAdded.liveCursor;
      unnamedLooks = 0;
      killmailAdded();
      clearTimeout(looking);
      looking = setTimeout(look, LOOK_OFTEN_MS);
    } else if (message.type === "ping") {
      send({ type: "pong" });
    } else if (message.type === "complete" || message.type === "error") {
      cursor = null;
      socket.close(); // and connect again
    }
  };
  socket.onclose = (event) => {
    clearInterval(pinging);
    if (event.code === 4401) { liveSign.textContent = "Not live: reload the page to log in again."; return; }
    attempts += 1;
    liveSign.textContent = "Connection lost; reconnecting…";
    setTimeout(connect, Math.min(30000, 500 * 2 ** Math.min(attempts, 6)) * (0.5 + Math.random()));
  };
}

if (followsFeed) { connect(); }
looking = setTimeout(look, LOOK_OFTEN_MS);
