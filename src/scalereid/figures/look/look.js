"use strict";
const { sources, known, searches } = JSON.parse(document.getElementById("pictures").textContent);
const at = (id) => document.getElementById(id);
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
    const failed = !failures || !item.dataset.ap || item.querySelector("[data-condition]:not([hidden]) .tiles > .query + .wrong");
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

// Queries: how they are degraded, and in which order they stand.
const queries = at("queries") ? [...at("queries").children] : [];
const condition = () => Number(document.querySelector("[name=condition]:checked").value);
function sort() {
  const now = condition(), order = at("order").value;
  const key = (article) => {
    const aps = JSON.parse(article.dataset.ap);
    const own = aps[0][now];
    if (own === null) return Infinity;
    return { lowest: own, highest: -own, loss: own - aps[0][0], dataset: queries.indexOf(article),
      models: aps.length > 1 ? -Math.abs(aps[1][now] - own) : 0 }[order];
  };
  at("queries").append(...queries.map((article) => [key(article), article]).sort((a, b) => a[0] - b[0]).map(([, one]) => one));
}
function degrade() {
  const now = condition();
  for (const part of all("[data-condition]")) part.hidden = Number(part.dataset.condition) !== now;
  sort();
  filter();
}
if (queries.length) {
  all("[name=condition]").forEach((choice) => choice.addEventListener("change", degrade));
  at("order").addEventListener("change", sort);
  degrade();
}
addEventListener("hashchange", () => {
  const target = at(location.hash.slice(1));
  if (!target) return;
  if (target.hidden) clear();
  target.scrollIntoView();
  target.focus({ preventScroll: true });
});

// Maps: zoom and move.
let moved = false;
function map(frame) {
  const plane = frame.querySelector(".plane"), points = all(".point", plane), fingers = new Map();
  let scale = 1, left = 0, top = 0;
  function draw() {
    const { clientWidth: width, clientHeight: height } = plane;
    const size = Math.sqrt(scale);
    for (const point of points) {
      const x = left + scale * (20 + point.dataset.x * (width - 40)) - point.offsetWidth / 2;
      const y = top + scale * (32 + point.dataset.y * (height - 64)) - point.offsetHeight / 2;
      point.style.transform = `translate(${x}px, ${y}px) scale(${size})`;
    }
  }
  function zoom(factor, x = plane.clientWidth / 2, y = plane.clientHeight / 2) {
    const next = Math.min(40, Math.max(1, scale * factor)), by = next / scale;
    [scale, left, top] = [next, x - by * (x - left), y - by * (y - top)];
    if (scale === 1) left = top = 0;
    draw();
  }
  const place = (event) => {
    const box = plane.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  plane.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...place(event));
  }, { passive: false });
  plane.addEventListener("pointerdown", (event) => {
    if (!fingers.size) moved = false;
    fingers.set(event.pointerId, place(event));
  });
  plane.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = place(event), other = [...fingers].find(([id]) => id !== event.pointerId);
    if (!moved && Math.hypot(now[0] - before[0], now[1] - before[1]) < 4) return;
    moved = true;
    if (other) {
      const apart = (point) => Math.hypot(point[0] - other[1][0], point[1] - other[1][1]);
      zoom(apart(now) / Math.max(1, apart(before)), ...other[1]);
    } else {
      left += now[0] - before[0];
      top += now[1] - before[1];
      draw();
    }
    fingers.set(event.pointerId, now);
  });
  for (const kind of ["pointerup", "pointercancel", "pointerleave"]) {
    plane.addEventListener(kind, (event) => fingers.delete(event.pointerId));
  }
  plane.addEventListener("keydown", (event) => {
    const by = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 }[event.key];
    if (by) zoom(by);
    const way = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (!way) return;
    event.preventDefault();
    left += way[0];
    top += way[1];
    draw();
  });
  all("[data-zoom]", frame).forEach((button) => button.addEventListener("click", () => {
    moved = false;
    zoom(Number(button.dataset.zoom) || 1e-9);
  }));
  points.forEach((point) => { point.style.borderColor = `hsl(${point.dataset.hue} 70% 50%)`; });
  new ResizeObserver(draw).observe(plane);
  const images = points.map((point) => point.firstElementChild);
  Promise.all(images.map((image) => image.decode().catch(() => {}))).then(draw);
}
all(".map").forEach(map);
