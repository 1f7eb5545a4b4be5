// Find a person: by a picture, a part of one, or a sighting of the gallery.

import { Refused, get, list, post, send } from "./api.js";
import { askFor, button, h, say } from "./dom.js";
import { conditions, filters } from "./filters.js";
import { attempt } from "./ledger.js";
import { Results } from "./results.js";
import { Scene } from "./scene.js";
import { describe, grid, photograph, tile } from "./tiles.js";

const TOP = 60;
let picture = null; // the last one that was given: it stays while other views are looked at

/** Take a picture from anywhere on the page. */
export function take(file) {
  if (!file?.type.startsWith("image/")) {
    say(file ? `${file.name} is not a picture.` : "There is no picture in what you pasted or dropped.", { error: true });
    return;
  }
  if (picture) URL.revokeObjectURL(picture.url);
  picture = { file, url: URL.createObjectURL(file), box: undefined, ready: null };
  const [view, parameters] = location.hash.split("?");
  const kept = new URLSearchParams(view === "#/search" ? parameters : "");
  kept.delete("sighting");
  const link = kept.size ? `#/search?${kept}` : "#/search";
  if (location.hash === link) window.dispatchEvent(new Event("hashchange"));
  else location.hash = link;
}

/** The view. */
export async function show(view, parameters, { about, signal }) {
  const sighting = parameters.get("sighting");
  const go = (edited) => { location.hash = `#/search?${edited}`; };
  const panel = h("div", { class: "query" });
  const found = h("div", { class: "results", "aria-live": "off" });
  view.append(h("h1", {}, "Find a person"), h("div", { class: "columns" }, h("div", {}, panel, filters(about, parameters, go)), found));
  if (sighting) return bySighting(panel, found, Number(sighting), parameters, { about, signal });
  if (picture) return byPicture(panel, found, parameters, { about, signal });
  panel.append(dropZone("Drop a picture here, paste one, or choose a file", about));
  await recent(found, parameters, signal);
}

/** Where a picture can be dropped or chosen. */
function dropZone(label, about) {
  const input = h("input", { type: "file", accept: "image/*", class: "hidden", onchange: () => input.files[0] && take(input.files[0]), "aria-label": "Choose a picture" });
  return h("label", { class: "drop" }, input, h("strong", {}, label),
    h("small", {}, about.detector ? "A whole scene will do: the people on it are found." : "A picture of one person, or a scene on which you draw a box."));
}

async function recent(found, parameters, signal) {
  const newest = (await list({ ...conditions(parameters), last: 24 }, signal)).reverse();
  found.append(h("h2", {}, "Or start from somebody who was seen"));
  found.append(newest.length ? grid(newest.map((match) => tile(match, { all: newest })))
    : h("p", {}, "No sightings yet. Add pictures: ", h("code", {}, "scalereid gallery add GALLERY IMAGES")));
}

async function bySighting(panel, found, number, parameters, { signal }) {
  const query = await get(`api/sightings/${number}`, signal);
  panel.append(h("figure", { class: "of-gallery" }, photograph(query), h("figcaption", {}, describe(query.sighting))),
    h("p", { class: "actions" }, button("Another picture", () => { location.hash = "#/search"; })));
  const ask = (until) => post(`api/sightings/${number}/similar`, question(parameters, "from the page"), until);
  await new Results(found, { ask, signal, query }).load();
}

async function byPicture(panel, found, parameters, { about, signal }) {
  const given = picture;
  let running = new AbortController();
  signal.addEventListener("abort", () => running.abort());
  const search = async (box) => {
    if (signal.aborted) return;
    given.box = box;
    running.abort();
    running = new AbortController();
    found.replaceChildren(h("p", { class: "busy" }, "Searching …"));
    const ask = (until) => send("api/search", "pictures", given.file, { question: { ...question(parameters, "from the page"), box } }, until);
    await new Results(found, { ask, signal: running.signal, add: () => addPicture(given.file, box) }).load().catch((error) => {
      if (error.name === "AbortError" || signal.aborted) return;
      found.replaceChildren(h("p", { role: "alert" }, error.message), button("Try again", () => search(box), { kind: "primary" }));
    });
  };
  panel.append(h("p", { class: "busy" }, "Looking for people …"));
  let looked;
  try {
    looked = await (given.ready ??= look(given, about));
  } catch (error) {
    given.ready = null;
    if (signal.aborted || picture !== given) return;
    if (error.unreadable) forgetPicture();
    panel.replaceChildren(h("p", { role: "alert" }, error.message), error.unreadable ? dropZone("Drop another picture, paste one, or choose a file", about)
      : button("Try again", () => window.dispatchEvent(new Event("hashchange")), { kind: "primary" }));
    return;
  }
  if (signal.aborted || picture !== given) return;
  const { width, height, people, note } = looked;
  panel.replaceChildren();
  const scene = new Scene({ url: given.url, width, height, people, onchoose: search });
  panel.append(scene.element, h("p", { class: "note" }, note),
    h("p", { class: "actions" },
      button("Whole picture", () => scene.choose(null)),
      button("Draw a box", () => { scene.choose([0.35 * width, 0.2 * height, 0.65 * width, 0.8 * height]); scene.element.querySelector(".chosen").focus(); }),
      button("Another picture", () => { forgetPicture(); window.dispatchEvent(new Event("hashchange")); })));
  const isChosen = given.box !== undefined;
  const start = isChosen ? given.box : people[0]?.box ?? null;
  scene.choose(start, true);
  if (start || isChosen || portrait(width, height)) await search(start);
  else found.replaceChildren(h("p", {}, "Draw a box around the person to look for, or take the whole picture."));
}

function forgetPicture() {
  URL.revokeObjectURL(picture.url);
  picture = null;
}

const portrait = (width, height) => height > 1.2 * width;

/** The size of a picture, and the people on it: none if it is of one person, as far as can be told. */
async function look({ file, url }, about) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    throw Object.assign(new Refused(0, `${file.name} cannot be shown here. Save it as JPEG or PNG, and take that.`), { unreadable: true });
  }
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  if (!about.detector) return { width, height, people: [], note: portrait(width, height) ? "" : "Wide pictures are scenes: draw a box around one person." };
  const { people } = await send("api/detect", "picture", file);
  const [left, top, right, bottom] = people[0]?.box ?? [0, 0, 0, 0];
  const alone = people.length === 1 && (right - left) * (bottom - top) > 0.5 * width * height;
  if (alone) return { width, height, people: [], note: "One person, the whole picture." };
  const note = people.length ? `${people.length} found. Choose another, or draw a box.` : "No person was found: draw a box, or take the whole picture.";
  return { width, height, people, note };
}

/** What is asked, as the service takes it. */
function question(parameters, purpose) {
  const among = parameters.get("among");
  return { top: TOP, purpose, ...conditions(parameters), ...(among ? { among } : {}) };
}

/** Keep the picture that was asked about: it is a sighting then, which has a link. */
async function addPicture(file, box) {
  const camera = await askFor("Keep this picture in the gallery?", { field: "Camera (may be empty)", yes: "Keep" });
  if (camera === null) return;
  await attempt(async () => {
    const { sighting } = await send("api/sightings", "picture", file, { seen: { source: file.name, camera, box } });
    say(`It is sighting ${sighting.number} now.`);
    location.hash = `#/search?sighting=${sighting.number}`;
  });
}
