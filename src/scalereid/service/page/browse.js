// All sightings that meet conditions, the newest first.

import { list, listed } from "./api.js";
import { button, h } from "./dom.js";
import { conditions, filters } from "./filters.js";
import { changes, complain, latest } from "./ledger.js";
import { tile } from "./tiles.js";

const PAGE = 60;

/** The view. */
export async function show(view, parameters, { about, signal }) {
  const tiles = h("div", { class: "grid" });
  const more = h("p", { class: "actions" });
  const shown = [];
  view.append(h("h1", {}, "Sightings"),
    h("div", { class: "columns" }, filters(about, parameters, (edited) => { location.hash = `#/browse?${edited}`; }, { among: false }), h("div", {}, tiles, more)));
  const add = (matches) => {
    shown.push(...matches);
    tiles.append(...matches.map((match) => tile(match, { all: shown })));
    more.replaceChildren(matches.length === PAGE ? button("Older", (event) => { event.target.disabled = true; next(); }) : h("span", { class: "note" }, shown.length ? "These are all." : "There are none."));
  };
  const page = async (below) => (await list({ ...conditions(parameters), last: PAGE, ...below }, signal)).reverse();
  const next = () => page({ below: shown.at(-1).sighting.number }).then(add).catch((error) => {
    complain(error);
    more.querySelector("button").disabled = false;
  });
  const again = latest(async (isLatest) => {
    const found = await listed(shown.map((match) => match.sighting.number), signal);
    if (!isLatest() || signal.aborted) return;
    shown.splice(0, Infinity, ...found.sort((a, b) => b.sighting.number - a.sighting.number));
    tiles.replaceChildren(...shown.map((match) => tile(match, { all: shown })));
  });
  changes.addEventListener("changed", () => again().catch(complain), { signal });
  add(await page({}));
}
