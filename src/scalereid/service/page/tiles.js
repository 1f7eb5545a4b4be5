// Sightings as pictures: in grids, along a timeline of each camera, and one by itself with all that is known of it.

import { picture } from "./api.js";
import { button, h, openDialog, percent, say, when } from "./dom.js";
import { attempt, choosePerson, complain, forget, nameOf, reject, same } from "./ledger.js";

const visible = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    visible.unobserve(target);
    load(target);
  }
}, { rootMargin: "300px" });

async function load(image) {
  try {
    image.src = await picture(Number(image.dataset.sighting));
  } catch (error) {
    image.replaceWith(h("span", { class: "gone" }, error.status === 404 ? "no picture kept" : error.message));
  }
}

/** A sighting's picture, loaded when it is nearly in view. */
export function photograph({ sighting }, label = describe(sighting)) {
  const image = h("img", { alt: label, width: 64, height: 128, draggable: false });
  image.dataset.sighting = sighting.number;
  visible.observe(image);
  return image;
}

export const cameraOf = (sighting) => (sighting.seen.camera ? `Camera ${sighting.seen.camera}` : "Unknown camera");

/** A sighting in words. */
export function describe(sighting) {
  return [`Sighting ${sighting.number}`, cameraOf(sighting), when(sighting.seen.time)].filter(Boolean).join(", ");
}

/** How sure a match is: a probability, or a similarity where there is none. */
export function sureness(match) {
  if (match.probability !== null && match.probability !== undefined) return percent(match.probability);
  return match.similarity === undefined ? "" : match.similarity.toFixed(2);
}

/** A picture that opens, with whom it shows and how sure that is. `actions` are buttons under it. */
export function tile(match, { all = [match], actions = [], selected = false, onselect = null, where = true, whom = true } = {}) {
  const { sighting, identity, name } = match;
  const caption = [where ? cameraOf(sighting) : "", when(sighting.seen.time, { short: true })].filter(Boolean).join(" · ");
  const sure = sureness(match);
  const label = [describe(sighting), identity === null ? "" : nameOf(identity, name), sure].filter(Boolean).join(", ");
  return h("figure", { class: identity === null ? "tile" : "tile known", "data-sighting": sighting.number },
    h("button", { type: "button", class: "picture", onclick: () => showSighting(match, all), "aria-label": label }, photograph(match, "")),
    onselect ? h("input", { type: "checkbox", class: "select", checked: selected, onchange: (event) => onselect(sighting.number, event.target.checked), "aria-label": `Select sighting ${sighting.number}` }) : null,
    h("figcaption", {},
      sure ? h("b", {}, sure) : null,
      identity === null || !whom ? null : h("a", { href: `#/people/${identity}` }, nameOf(identity, name)),
      h("span", {}, caption)),
    actions.length ? h("div", { class: "tile-actions" }, actions) : null);
}

/** Buttons that say whether a sighting shows a person; `isSame` is null where that has been said. */
export const verdicts = (number, isSame, isNot) => [
  isSame && button("✓", isSame, { title: "Same person", "aria-label": `Sighting ${number}: same person` }),
  button("✗", isNot, { title: "Not this person", "aria-label": `Sighting ${number}: not this person` }),
].filter(Boolean);

/** Pictures side by side. */
export const grid = (tiles) => h("div", { class: "grid" }, tiles);

const at = (match) => (match.sighting.seen.time ? Date.parse(match.sighting.seen.time) : NaN);
const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });

/** Matches in the order of their cameras and times. */
export const inOrder = (matches) => matches.toSorted((a, b) => byName(a.sighting.seen.camera, b.sighting.seen.camera)
  || (at(a) || Infinity) - (at(b) || Infinity) || a.sighting.number - b.sighting.number);

/** For each camera its sightings in the order in which they were taken, and where in the whole time they lie; `options` of tiles. */
export function timeline(matches, options = {}) {
  const cameras = Map.groupBy(inOrder(matches), (match) => match.sighting.seen.camera);
  const times = matches.map(at).filter((time) => !Number.isNaN(time));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const rows = [...cameras.values()].map((own) => {
    return h("section", { class: "camera" },
      h("h3", {}, cameraOf(own[0].sighting), h("small", {}, ` ${own.length}`)),
      last > first ? h("div", { class: "line", "aria-hidden": "true" }, own.filter((match) => at(match)).map((match) => {
        const mark = h("i", { class: match.identity === null ? "" : "known" });
        mark.style.left = `${(100 * (at(match) - first)) / (last - first)}%`;
        return mark;
      })) : null,
      h("ol", { class: "strip" }, own.map((match) => h("li", {}, tile(match, { all: matches, where: false, ...options })))));
  });
  const span = last > first ? h("p", { class: "span" }, h("span", {}, when(first)), h("span", {}, when(last))) : null;
  return h("div", { class: "timeline" }, span, rows);
}

/** One sighting with all that is known of it, and what can be said about it. */
export function showSighting(match, all = [match]) {
  const { sighting, identity, name } = match;
  const { seen, number } = sighting;
  const index = all.indexOf(match);
  const fact = (label, value) => (value ? [h("dt", {}, label), h("dd", {}, value)] : []);
  const attributes = Object.entries(seen.attributes ?? {}).sort(([, a], [, b]) => b - a);
  const dialog = openDialog(describe(sighting), (close) => {
    const go = (hash) => () => { close(); location.hash = hash; };
    const move = (steps) => () => { close(); showSighting(all[index + steps], all); };
    const act = (action) => async () => { if (await attempt(action)) close(); };
    const track = `#/browse?${new URLSearchParams({ tracks: seen.track, cameras: seen.camera })}`;
    const image = photograph(match);
    load(image);
    return [
      h("div", { class: "sighting" }, image, h("div", {},
        h("h2", {}, `Sighting ${number}`),
        h("dl", {},
          fact("Person", identity === null ? "not known" : h("a", { href: `#/people/${identity}`, onclick: close }, nameOf(identity, name))),
          fact("Same person", match.probability === null || match.probability === undefined ? "" : percent(match.probability)),
          fact("Similarity", match.similarity?.toFixed(3)),
          fact("Camera", seen.camera), fact("Time", when(seen.time)),
          fact("Track", seen.track ? h("a", { href: track, onclick: close }, seen.track) : ""),
          fact("Source", seen.source)),
        attributes.length ? h("ul", { class: "attributes", "aria-label": "Attributes" }, attributes.map(([key, value]) => h("li", {}, h("meter", { value, min: 0, max: 1, "aria-label": key }), `${key} ${percent(value)}`))) : null,
        h("div", { class: "actions" },
          button("Find this person", go(`#/search?sighting=${number}`), { kind: "primary" }),
          button("This is …", async () => {
            const whom = await choosePerson(`Who is on sighting ${number}?`).catch(complain);
            if (whom) await act(() => same(whom.identity, [number], { name: whom.name }))();
          }),
          identity === null ? null : button(`Not ${nameOf(identity, name)}`, act(() => reject(identity, [number]))),
          button("Copy link", async () => {
            const link = new URL(`#/search?sighting=${number}`, location.href).href;
            await navigator.clipboard?.writeText(link); // which browsers have on this machine, and with TLS
            say(navigator.clipboard ? "Link copied." : link);
          }),
          button("Forget …", async () => { if (await forget({ sightings: [number], whom: `sighting ${number}` })) close(); }, { kind: "danger" })))),
      h("div", { class: "actions ends" },
        button("Previous", move(-1), { disabled: index <= 0, key: "←" }),
        h("span", {}, all.length > 1 ? `${index + 1} of ${all.length}` : ""),
        button("Next", move(1), { disabled: index >= all.length - 1, key: "→" }),
        button("Close", close)),
    ];
  }, { kind: "wide" });
  dialog.addEventListener("keydown", ({ key, target }) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!steps || target.matches("input") || !all[index + steps]) return;
    dialog.close();
    showSighting(all[index + steps], all);
  });
}
