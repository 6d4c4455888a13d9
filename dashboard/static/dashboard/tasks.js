"use strict";
// The tasks' pages: what is due counts down; a list with ticked rows holds still.

function left(seconds) {
  if (seconds <= 0) return "now";
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const parts = [];
  let rest = Math.ceil(seconds);
  for (const [size, unit] of units) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count) parts.push(`${count} ${unit}`);
  }
  return `in ${parts.slice(0, 2).join(" ")}`;
}

function countDown() {
  for (const label of document.querySelectorAll("[data-until]")) {
    const text = left((new Date(label.dataset.until) - Date.now()) / 1000);
    if (label.textContent !== text) label.textContent = text;
  }
}

countDown();
setInterval(countDown, 1000);
document.addEventListener("htmx:afterSettle", countDown);

// A list whose rows are ticked, or being ticked, holds still: they would lose their ticks.
const ticked = (root) => root.querySelector("[name=pk]:checked");

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (element.dataset.holds !== undefined && ticked(element)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-tick-all]");
  if (!all) return;
  for (const box of document.querySelectorAll("[name=pk]")) box.checked = all.checked;
});
