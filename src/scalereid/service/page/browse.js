// All sightings that meet conditions, the newest first.

import { list } from "./api.js";
import { button, h } from "./dom.js";
import { conditions, filters } from "./filters.js";
import { changes, complain } from "./ledger.js";
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
    more.replaceChildren(matches.length === PAGE ? button("Older", next) : h("span", { class: "note" }, shown.length ? "These are all." : "There are none."));
  };
  const page = async (below) => (await list({ ...conditions(parameters), last: PAGE, ...below }, signal)).reverse();
  const next = () => page({ below: shown.at(-1).sighting.number }).then(add).catch(complain);
  changes.addEventListener("changed", async () => {
    const numbers = shown.splice(0).map((match) => match.sighting.number);
    const again = numbers.length ? (await list({ numbers }, signal).catch(() => [])).reverse() : [];
    shown.push(...again);
    tiles.replaceChildren(...again.map((match) => tile(match, { all: shown })));
  }, { signal });
  add(await page({}));
}
