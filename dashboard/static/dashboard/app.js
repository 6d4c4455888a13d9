"use strict";
// The pages work without this file, apart from what is live: it adds local times, tabs, copying,
// live lists that do not disturb, and the enqueue form's helpers. Nothing here makes HTML.

// Times: the server writes UTC, the reader sees the zone of their clock, or UTC as they choose ---
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const showsUtc = () => localStorage.getItem("times") === "utc";
const two = (n) => String(n).padStart(2, "0");
const part = (d, name, utc) => (utc ? d[`getUTC${name}`]() : d[`get${name}`]());
const clock = (d, utc = showsUtc()) => ["Hours", "Minutes", "Seconds"].map((name) => two(part(d, name, utc))).join(":");
const day = (d, utc = showsUtc()) => `${part(d, "FullYear", utc)}-${two(part(d, "Month", utc) + 1)}-${two(part(d, "Date", utc))}`;

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const today = day(moment) === day(new Date());
    const minute = clock(moment).slice(0, 5);
    const now = time.dataset.form === "minute" ? minute : clock(moment);
    const short = today ? now : `${day(moment)} ${minute}`;
    time.textContent = time.dataset.form === "long" ? `${day(moment)} ${clock(moment)}` : short;
    const exact = (utc) => `${day(moment, utc)} ${clock(moment, utc)}`;
    time.title = showsUtc() ? `${exact(false)} in ${zone} (shown in UTC)` : `${exact(true)} UTC (shown in ${zone})`;
  }
  for (const label of root.querySelectorAll("text[data-hour]")) {
    label.textContent = clock(new Date(label.dataset.hour)).slice(0, 5);
  }
  for (const label of root.querySelectorAll("text[data-day]")) {
    const begins = new Date(label.dataset.day);
    const how = { weekday: "short", day: "numeric", timeZone: showsUtc() ? "UTC" : undefined };
    label.textContent = begins.toLocaleDateString("en-GB", how);
  }
}

// Tabs: one panel at a time, arrows move between them ------------------------------------------
function selectTab(tab) {
  const group = tab.closest("[data-tabs]");
  for (const other of group.querySelectorAll("[role=tab]")) {
    other.setAttribute("aria-selected", other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = other !== tab;
  }
}

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest && event.target.closest("[role=tab]");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  next.focus();
  selectTab(next);
});

// Copying: over plain http there is no clipboard, then the text is selected for Ctrl+C ---------
async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

// Live parts -----------------------------------------------------------------------------------
// An element with data-live polls by htmx. It is left in peace while the switch is off, the page
// is hidden, or one of its buttons has the focus; an idle reader's page asks every data-live ms.
let lastStir = Date.now();
const lastPoll = new Map();
const switches = () => document.querySelectorAll("[data-live-switch]");
const liveIsOn = () => localStorage.getItem("live") !== "off";

for (const name of ["mousemove", "keydown", "focus", "scroll", "touchstart"]) {
  addEventListener(name, () => { lastStir = Date.now(); }, { passive: true });
}

// What is chosen beside the switch is the shortest pause; 2 s leaves each part its own pace.
// Behind another tab a list still asks once a minute, to tell in its title what is unread.
function pauseOf(element) {
  if (document.hidden) return element.id === "poller" ? 60000 : Infinity;
  const chosen = Number(localStorage.getItem("every") || 2);
  const shortest = chosen > 2 ? 1000 * chosen - 100 : 0;
  return Date.now() - lastStir > 60000 ? Math.max(shortest, Number(element.dataset.live)) : shortest;
}

function mayPoll(element) {
  if (!liveIsOn()) return false;
  if (element.id !== "poller" && element.contains(document.activeElement)) return false;
  if (Date.now() - (lastPoll.get(element.id) || 0) < pauseOf(element)) return false;
  lastPoll.set(element.id, Date.now());
  return true;
}

// Rows that came while the page was behind another one, those that wait behind the bar among them.
const title = document.title;
let unseen = 0;

function tellUnread(waiting) {
  const unread = document.hidden ? unseen + waiting : 0;
  document.title = unread ? `(${unread}) ${title}` : title;
}

document.addEventListener("visibilitychange", () => {
  unseen = 0;
  tellUnread(0);
});

// New rows would push away what is being read: then they wait behind a bar with their number. The
// cursor does not move, so that the next poll brings them again.
function readerIsBusy() {
  const rows = document.getElementById("rows");
  return scrollY > 120 || Boolean(rows && rows.contains(document.activeElement));
}

function announce(count) {
  const bar = document.getElementById("new-rows");
  bar.hidden = !count;
  bar.textContent = count ? `${count} new` : "";
}

function showNewRows() {
  if (document.activeElement) document.activeElement.blur();
  scrollTo({ top: 0 });
  announce(0);
  lastPoll.delete("poller");
  htmx.trigger("#poller", "live-now");
}

// A list that has been live for hours stays one page long, and its Older link true.
function trimRows(rows) {
  const empty = document.getElementById("empty");
  if (empty && rows.children.length) empty.remove();
  sortRows(rows);
  while (rows.children.length > 200) rows.lastElementChild.remove();
  const older = document.getElementById("older");
  if (!older || !rows.lastElementChild) return;
  if (rows.children.length > Number(older.dataset.page)) older.closest("nav").hidden = older.hidden = false;
  const url = new URL(older.href);
  url.searchParams.set("before", rows.lastElementChild.dataset.id);
  older.href = url;
}

// A row that was stored late under a lower number takes its place among the others.
function sortRows(rows) {
  const now = [...rows.children];
  const wanted = [...now].sort((a, b) => b.dataset.id - a.dataset.id);
  if (wanted.some((row, n) => row !== now[n])) rows.append(...wanted);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (element.dataset.live && !mayPoll(element)) event.preventDefault();
});

// Before the answer is looked at: it may be rows, or, where they are many, a call to reload.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const count = event.detail.xhr.getResponseHeader("X-New-Rows");
  if (!count) return;
  if (readerIsBusy()) event.preventDefault();
  announce(readerIsBusy() ? count : 0);
  if (document.hidden && !readerIsBusy()) unseen += Number.parseInt(count, 10);
  tellUnread(readerIsBusy() ? Number.parseInt(count, 10) : 0);
});

document.addEventListener("htmx:afterSettle", () => {
  localTimes(document);
  for (const tab of document.querySelectorAll("[role=tab][aria-selected=true]")) selectTab(tab);
  const rows = document.getElementById("rows");
  if (rows) trimRows(rows);
});

// Forms ----------------------------------------------------------------------------------------
function fill(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// Logging in again, in another tab, makes a new token: with the old one the form would be refused.
function renewToken() {
  const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=(\w+)/);
  if (!token) return;
  for (const field of document.getElementsByName("csrfmiddlewaretoken")) field.value = token[1];
}

document.addEventListener("submit", renewToken, true);
document.addEventListener("input", renewToken, true);

// Everything that is clicked -------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { copy: source, fill: field, value } = button.dataset;
  if (button.getAttribute("role") === "tab") selectTab(button);
  else if (source) copy(button);
  else if (field) fill(document.querySelector(field), value);
  else if (button.id === "new-rows") showNewRows();
  else if (button.id === "times-button") turnTimes();
});

function turnTimes() {
  localStorage.setItem("times", showsUtc() ? "local" : "utc");
  sayTimes();
  localTimes(document);
}

function sayTimes() {
  const button = document.getElementById("times-button");
  if (button) button.querySelector("span").textContent = showsUtc() ? "UTC" : "Local time";
}

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.matches("[data-live-switch]")) localStorage.setItem("live", target.checked ? "on" : "off");
  if (target.matches("[data-live-every]")) localStorage.setItem("every", target.value);
});

sayTimes();
for (const every of document.querySelectorAll("[data-live-every]")) every.value = localStorage.getItem("every") || "2";

localTimes(document);
for (const part of document.querySelectorAll("[data-without-script]")) part.hidden = true;
for (const field of document.getElementsByName("zone")) field.value = zone;
for (const box of switches()) box.checked = liveIsOn();
for (const tab of document.querySelectorAll("[role=tab][aria-selected=true]")) selectTab(tab);

// The admin's script names the pictures beside its filters, but does not say that they are pictures.
addEventListener("load", () => {
  for (const picture of document.querySelectorAll(".search-label-icon")) picture.setAttribute("role", "img");
});
