// What a page has that is not our own, each cut to 200 characters. Looked for by test_hostile.py.
() => {
  const LOADS = /^(iframe|object|embed|base|style|template|marquee|math|plaintext|xmp|video|audio|animate)$/;
  const HANDLER = /^(on|v-|x-|@|ng-)|^style$/;
  const PLACE = /^(href|action|formaction|xlink:href)$/;
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cs}]/u;
  const OURS = [`${location.origin}/`, "https://console.cloud.google.com/"];

  const isForeign = (url) => /^[\s\0]*([a-z]+:|\/\/)/i.test(url) && !OURS.some((ours) => url.startsWith(ours));
  const isStatic = (url) => /^\/(static\/|admin\/jsi18n\/)/.test(url.replace(location.origin, ""));

  const isAlien = (one) => {
    const tag = one.localName;
    const loads = one.getAttribute("src") ?? (tag === "link" ? one.getAttribute("href") : null);
    if (loads !== null && !isStatic(loads)) return true;
    if (LOADS.test(tag) || (tag === "meta" && one.httpEquiv)) return true;
    if (tag === "script" && !one.src && one.type !== "application/json") return true;
    if (["hostile", "getElementById"].includes(one.id || one.getAttribute("name"))) return true;
    return [...one.attributes].some(({ name, value }) => HANDLER.test(name)
      || (/^(data-)?hx-/.test(name) && name !== "hx-disable" && one.closest("[hx-disable]"))
      || (PLACE.test(name) && isForeign(value)));
  };

  // In a box of code, colours are all there may be.
  const isStrange = (one) => one.localName !== "span" || one.getAttributeNames().join() !== "class";

  const found = [...document.querySelectorAll("*")].filter(isAlien);
  found.push(...[...document.querySelectorAll("pre *")].filter(isStrange));
  const texts = found.map((one) => one.outerHTML.slice(0, 200));
  // A field to type in has to hold what was typed.
  const shown = [...document.querySelectorAll("textarea")].reduce(
    (text, field) => text.replace(field.textContent, ""), document.body.textContent + document.title);
  if (HIDDEN.test(shown)) texts.push("a hidden character");
  return [...texts, ...window.reports];
}
