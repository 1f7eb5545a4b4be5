"use strict";
const at = (id) => document.getElementById(id);
const { sources, known, searches } = at("pictures") ? JSON.parse(at("pictures").textContent) : {};
const all = (what, within = document) => [...within.querySelectorAll(what)];
document.documentElement.classList.add("js");

// Pictures, which open large.
function put(button) {
  button.firstElementChild.src = sources[button.dataset.picture];
}

function open(number, alt) {
  const of = known[number];
  at("picture").src = sources[number];
  at("picture").alt = alt;
  at("words").textContent = of ? of.words : alt;
  const anchor = of && searches[of.pid];
  at("search").replaceChildren();
  if (anchor) {
    const link = document.createElement("a");
    link.href = `#${anchor}`;
    link.textContent = `what is found for person ${of.pid}`;
    link.addEventListener("click", () => at("large").close());
    at("search").append(link);
  }
  at("near").replaceChildren(...(of ? of.near : []).map((near) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "picture";
    button.dataset.picture = near;
    const image = document.createElement("img");
    image.alt = known[near].words;
    button.append(image);
    put(button);
    return button;
  }));
  at("near-words").hidden = at("near").childElementCount === 0;
  if (!at("large").open) at("large").showModal();
}

all("[data-picture]").forEach(put);
let moved = false; // by dragging, which is not a click
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-picture]");
  if (button && !moved) open(button.dataset.picture, button.firstElementChild.alt);
  else if (event.target === at("large")) at("large").close();
});

// Filter by camera and person.
const items = all(".item");
function filter() {
  const camera = at("camera").value, person = at("person").value;
  const failures = at("failures") && at("failures").checked;
  let shown = 0;
  for (const item of items) {
    const fits = (!camera || item.dataset.camid === camera) && (!person || item.dataset.pid === person);
    const failed = !failures || !item.dataset.ap || item.querySelector(":scope > .tiles > .query + .wrong, [data-condition]:not([hidden]) .tiles > .query + .wrong");
    const visible = Boolean(fits && failed);
    if (item.classList.contains("point")) item.classList.toggle("dim", !visible);
    else item.hidden = !visible;
    shown += visible;
  }
  at("status").textContent = camera || person || failures ? `${shown} of ${items.length}` : "";
}
function clear() {
  at("camera").value = at("person").value = "";
  if (at("failures")) at("failures").checked = false;
  filter();
}
for (const id of ["camera", "person", "failures"]) if (at(id)) at(id).addEventListener("change", filter);
at("clear").addEventListener("click", clear);

// Queries: how they are degraded, if they are, and in which order they stand.
const lists = all(".queries").map((list) => [list, [...list.children]]);
const choices = all("[name=condition]");
function sort() {
  const now = choices.findIndex((choice) => choice.checked), at0 = Math.max(0, now), order = at("order").value;
  for (const [list, queries] of lists) {
    const key = (article) => {
      const aps = JSON.parse(article.dataset.ap), own = aps[0][at0];
      if (order === "dataset") return queries.indexOf(article);
      if (own === null) return Infinity;
      return { lowest: own, highest: -own, loss: own - aps[0][0], models: aps.length > 1 ? -Math.abs(aps[1][at0] - own) : 0 }[order];
    };
    const keyed = queries.map((article) => [key(article), article]);
    list.append(...keyed.sort((a, b) => a[0] - b[0]).map(([, article]) => article));
  }
}
function degrade() {
  const now = choices.find((choice) => choice.checked).value;
  for (const part of all("[data-condition]")) part.hidden = part.dataset.condition !== now;
  sort();
  filter();
}
choices.forEach((choice) => choice.addEventListener("change", degrade));
if (lists.length) at("order").addEventListener("change", sort);
if (choices.length) degrade();
else if (lists.length) sort();
addEventListener("hashchange", () => {
  const target = at(location.hash.slice(1));
  if (!target) return;
  if (target.hidden) clear();
  target.scrollIntoView();
  target.focus({ preventScroll: true });
});
