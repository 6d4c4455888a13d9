"use strict";
// The enqueue form's helpers: times, sizes, what is offered. It works without them. Nothing here
// makes HTML.
const form = document.getElementById("enqueue-form");
const sends = () => form.querySelectorAll("button:not([type])");


// In the zone that the form names, whatever the page shows its times in.
const typed = (d) => `${day(d, false)} ${clock(d, false)}`;

function presetTime(when) {
  const moment = new Date();
  if (when === "now") return "";
  if (when === "minute") moment.setMinutes(moment.getMinutes() + 1);
  if (when === "hour") moment.setHours(moment.getHours() + 1);
  if (when === "tomorrow") {
    moment.setDate(moment.getDate() + 1);
    moment.setHours(9, 0, 0);
  }
  return typed(moment);
}

function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

function hintWhen() {
  const hint = document.getElementById("when-hint");
  const text = form.schedule_time.value.trim();
  const moment = new Date(text.replace(" ", "T"));
  if (!text) {
    hint.textContent = `In your zone, ${zone}; up to 30 days ahead.`;
  } else if (Number.isNaN(moment.getTime())) {
    hint.textContent = `Write it as 2026-11-24 09:00, in ${zone}.`;
  } else {
    const ahead = (moment - Date.now()) / 1000;
    const utc = moment.toISOString().slice(0, 19).replace("T", " ");
    hint.textContent = `${zone}. That is ${utc} UTC, ${ahead < 0 ? `${span(-ahead)} ago` : `in ${span(ahead)}`}.`;
  }
}

function measureBody() {
  const note = document.getElementById("body-size");
  const size = new TextEncoder().encode(form.body.value).length;
  const limit = Number(form.dataset.limit);
  let json = "";
  if (size && size < 262144 && /^\s*[[{]/.test(form.body.value)) {
    try {
      JSON.parse(form.body.value);
      json = " Valid JSON.";
    } catch {
      json = " Not valid JSON.";
    }
  }
  note.textContent = `${size.toLocaleString("en")} of ${limit.toLocaleString("en")} bytes.${json}`;
  note.classList.toggle("over", size > limit);
  return size <= limit;
}

// Only our own receiver can be told how to answer.
function offerRecipes() {
  const recipes = document.getElementById("recipes");
  const { receiver } = form.dataset;
  const url = form.url.value;
  const ours = url === receiver || url.startsWith(`${receiver}/`) || url.startsWith(`${receiver}?`);
  if (recipes) recipes.hidden = recipes.disabled = !ours;
}

function readyForm() {
  form.zone.value = zone;
  hintWhen();
  measureBody();
  offerRecipes();
  form.url.addEventListener("input", offerRecipes);
  form.schedule_time.addEventListener("input", hintWhen);
  form.body.addEventListener("input", measureBody);
  const picker = document.getElementById("picker");
  picker.addEventListener("change", () => {
    if (picker.value) fill(form.schedule_time, typed(new Date(picker.value)));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    // Too large for the server to take as a form: what was typed must not be lost on the way.
    if (!measureBody()) {
      event.preventDefault();
      form.body.focus();
      return;
    }
    // Not at once: a button that is disabled by then would not be sent with the form.
    setTimeout(() => { for (const button of sends()) button.disabled = true; });
  });
  addEventListener("pageshow", () => { for (const button of sends()) button.disabled = false; });
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { when, picker } = button.dataset;
  if (when) fill(form.schedule_time, presetTime(when));
  else if (picker !== undefined) document.getElementById("picker").showPicker();
});

readyForm();
