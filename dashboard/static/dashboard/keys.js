"use strict";
// One key for what is done often, never while something is typed; `?` shows them all and has the
// switch that turns them off. Everything here can be reached without it.
const sheet = document.getElementById("keys-sheet");
const keysAreOn = () => localStorage.getItem("keys") !== "off";
const TYPED_IN = "input, textarea, select, [contenteditable]";

function press(selector) {
  const found = document.querySelector(selector);
  if (found) found.click();
}

function search() {
  const found = [...document.querySelectorAll("main input[type=search], .jump input")];
  const field = found.find((one) => one.offsetParent !== null);
  if (!field) return;
  field.focus();
  field.select();
}

// To the row after, or before, the one that has the focus; its link opens with Enter.
function move(step) {
  const links = [...document.querySelectorAll("main tbody tr")]
    .map((row) => row.querySelector("a[href]"))
    .filter((link) => link && link.offsetParent !== null);
  if (!links.length) return;
  const now = document.activeElement && document.activeElement.closest("main tbody tr");
  const at = links.findIndex((link) => link.closest("tr") === now);
  const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1);
  links[next].focus();
  links[next].scrollIntoView({ block: "nearest" });
}

function copyAsCurl() {
  const tab = [...document.querySelectorAll("main [role=tab]")].find((one) => one.textContent.trim() === "curl");
  if (!tab) return;
  tab.click();
  press(`#${CSS.escape(tab.getAttribute("aria-controls"))} [data-copy]`);
}

const KEYS = {
  "/": search,
  n: () => press("nav[aria-label=Main] a[href='/enqueue/']"),
  j: () => move(1),
  k: () => move(-1),
  r: () => press("main [data-key=r], main a[href*='/enqueue/?like=']"),
  c: copyAsCurl,
  ".": () => press("main [data-live-switch]"),
  t: () => press(".theme-toggle"),
  "?": () => sheet.showModal(),
};

document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest(TYPED_IN) || sheet.open || !keysAreOn()) return;
  event.preventDefault();
  act();
});

document.getElementById("keys-on").checked = keysAreOn();
document.getElementById("keys-on").addEventListener("change", (event) => {
  localStorage.setItem("keys", event.target.checked ? "on" : "off");
});
document.getElementById("keys-button")?.addEventListener("click", () => sheet.showModal());
