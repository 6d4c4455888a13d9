"use strict";
// The events' search: choices take effect at once, and the two times are the reader's own. The
// page works without this; the times are UTC then. Nothing here makes HTML.
const filters = document.getElementById("event-filters");
const twoTimes = [filters.elements.from, filters.elements.to];
const utcIsShown = () => localStorage.getItem("times") === "utc";
const here = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const digits = (n) => String(n).padStart(2, "0");

function asLocal(moment) {
  const date = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map(digits).join("-");
  return `${date}T${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(digits).join(":")}`;
}

// The address has UTC, so that it means the same to everybody who is given it.
for (const field of twoTimes) {
  const moment = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(field.value) ? field.value : `${field.value}Z`);
  if (!utcIsShown() && !Number.isNaN(moment.getTime())) field.value = asLocal(moment);
}
for (const label of filters.querySelectorAll(".zone")) label.textContent = utcIsShown() ? "(UTC)" : `(${here})`;

function send() {
  for (const field of twoTimes) {
    const moment = new Date(field.value);
    if (utcIsShown() || Number.isNaN(moment.getTime())) continue;
    field.type = "hidden"; // which may hold any text
    field.value = moment.toISOString().slice(0, 19);
  }
  // What is not chosen stays out of the address.
  for (const field of filters.elements) if (field.name && !field.value) field.disabled = true;
}

filters.addEventListener("submit", send);
for (const name of ["queue", "period"]) {
  filters.elements[name].addEventListener("change", () => {
    if (name === "period" && filters.elements.period.value) for (const field of twoTimes) field.value = "";
    filters.requestSubmit();
  });
}
// Coming back by the browser's button shows the form as it was left: with its fields disabled.
addEventListener("pageshow", () => { for (const field of filters.elements) field.disabled = false; });
