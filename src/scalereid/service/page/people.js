// Who is who: all identities, and one with all that is known of it.

import { get, list, post } from "./api.js";
import { askFor, button, counted, h, percent } from "./dom.js";
import { attempt, changes, choosePerson, complain, forget, latest, merge, nameOf, people, reject, rename, same, split } from "./ledger.js";
import { grid, photograph, tile, timeline, verdicts } from "./tiles.js";

const AT_ONCE = 60;
const MOST = 1000; // sightings of one person that are shown

/** The view: of one identity, if there is a number. */
export async function show(view, parameters, { signal, number }) {
  const draw = latest((isLatest) => (number ? drawPerson(view, number, { signal, isLatest }) : drawAll(view, parameters, { signal, isLatest })));
  changes.addEventListener("changed", () => draw().catch(complain), { signal });
  await draw();
}

async function drawAll(view, parameters, { signal, isLatest }) {
  const everybody = await people(signal);
  if (!isLatest()) return;
  const before = view.querySelector("[type=search]")?.value;
  const cards = h("div", { class: "grid people" });
  const more = h("p", { class: "actions" });
  const search = h("input", { type: "search", value: before ?? parameters.get("name") ?? "", oninput: () => draw(AT_ONCE), "aria-label": "Name", placeholder: "Name" });
  const draw = (most) => {
    const wanted = search.value.trim().toLowerCase();
    const found = everybody.filter((each) => nameOf(each.number, each.name).toLowerCase().includes(wanted));
    cards.replaceChildren(...found.slice(0, most).map(card));
    more.replaceChildren(...(found.length > most ? [button(`${found.length - most} more`, () => draw(most + AT_ONCE))] : []));
  };
  view.replaceChildren(h("h1", {}, "People"), everybody.length
    ? h("div", {}, h("p", {}, search), cards, more)
    : h("p", {}, "Nobody is known yet. ", h("a", { href: "#/review" }, "Review proposals"), ", or ", h("a", { href: "#/search" }, "find a person"), " and say that pictures show the same one."));
  draw(AT_ONCE);
}

const card = (person) => h("a", { class: "card", href: `#/people/${person.number}` },
  person.sightings.length ? photograph({ sighting: { number: person.sightings[0] } }, "") : h("span", { class: "gone" }, "no sightings left"), h("b", {}, nameOf(person.number, person.name)), h("small", {}, counted(person.sightings.length, "sighting")));

async function drawPerson(view, which, { signal, isLatest }) {
  const person = await get(`api/identities/${encodeURIComponent(which)}`, signal).catch((error) => {
    if (error.status !== 404 && error.status !== 422) throw error;
    view.replaceChildren(h("h1", {}, "Nobody"), h("p", {}, error.status === 404 ? error.message : `No such person: ${which}.`), h("p", {}, h("a", { href: "#/people" }, "All people")));
    return null;
  });
  if (!person) return;
  const { number } = person;
  const name = nameOf(number, person.name);
  const matches = await list({ numbers: person.sightings.slice(0, MOST) }, signal);
  if (!isLatest()) return;
  const selected = new Set();
  const tools = h("div", { class: "actions sticky" });
  const select = (one, on) => {
    selected[on ? "add" : "delete"](one);
    const numbers = [...selected];
    tools.replaceChildren(...(numbers.length ? [
      h("span", {}, `${numbers.length} selected`),
      button("Not this person", () => attempt(() => reject(number, numbers))),
      button("Somebody else …", () => attempt(async () => {
        const name = await askFor("Who is it?", { field: "Name of the new person (may be empty)", yes: "Split off" });
        if (name !== null) await split(number, numbers, name);
      })),
    ] : [h("span", { class: "note" }, "Select pictures that show somebody else.")]));
  };
  view.replaceChildren(
    h("p", {}, h("a", { href: "#/people" }, "All people")),
    h("h1", {}, name, h("small", {}, ` ${counted(person.sightings.length, "sighting")}`)),
    h("div", { class: "actions" },
      button("Rename …", () => attempt(async () => {
        const given = await askFor(`What is the name of ${name}?`, { field: "Name", value: person.name });
        if (given !== null) await rename(number, given);
      })),
      button("Merge …", () => attempt(async () => {
        const other = await choosePerson(`Who is ${name}, too?`, { without: number, yes: "Merge", fresh: false });
        if (other) await merge(number, [other.identity]);
      })),
      button("Forget …", async () => { if (await forget({ identity: number, whom: name })) location.hash = "#/people"; }, { kind: "danger" })),
    h("section", {}, h("h2", {}, "By camera"), tools, timeline(matches, { whom: false, onselect: select })),
    person.sightings.length > MOST ? h("p", { class: "note" }, `The first ${MOST} are shown.`) : "");
  select(null, false);
  const alike = h("section", {}, h("h2", {}, "Alike"), h("p", { class: "busy" }, "Searching …"));
  view.append(alike);
  lookAlikes(person, signal).then((found) => alike.replaceChildren(h("h2", {}, "Alike"), ...found)).catch((error) => { alike.remove(); complain(error); });
}

/** Other people, and sightings of nobody known, that are like some of a person's. */
async function lookAlikes(person, signal) {
  if (!person.sightings.length) return [];
  const step = Math.ceil(person.sightings.length / 4);
  const everybody = (await people(signal)).map((each) => each.number).filter((each) => each !== person.number);
  const examples = person.sightings.filter((_, i) => i % step === 0);
  const ask = (whom) => Promise.all(examples.map((number) => post(`api/sightings/${number}/similar`, { top: 40, ...whom, purpose: "who is like a person" }, signal)));
  const [known, unknown] = await Promise.all([everybody.length ? ask({ identities: everybody.slice(0, MOST) }) : [], ask({ among: "unknown" })]);
  const rejected = new Set(person.rejected);
  const others = strongest(known.flatMap((found) => found.answer.candidates), (each) => each.identity).filter((each) => each.verdict !== "unknown" || each.probability === null);
  const sightings = strongest(unknown.flatMap((found) => found.answer.matches), (each) => each.sighting.number).filter((each) => !rejected.has(each.sighting.number));
  const one = (match) => {
    const { number } = match.sighting;
    const say = (verdict) => () => attempt(() => verdict(person.number, [number]));
    return tile(match, { all: sightings, actions: verdicts(number, say(same), say(reject)) });
  };
  const merged = (each) => h("li", {}, photograph({ sighting: { number: each.sightings[0] } }, ""),
    h("a", { href: `#/people/${each.identity}` }, nameOf(each.identity, each.name)), ` ${each.probability === null ? each.similarity.toFixed(2) : percent(each.probability)} `,
    button("Same person: merge", () => attempt(() => merge(person.number, [each.identity]))));
  return [
    others.length ? h("ul", { class: "alike" }, others.slice(0, 4).map(merged)) : null,
    sightings.length ? grid(sightings.slice(0, 12).map(one)) : h("p", {}, "No sighting of an unknown person is there to compare."),
  ].filter(Boolean);
}

/** The most similar of each kind, most similar first. */
function strongest(found, key) {
  const best = new Map();
  for (const each of found) if (!(best.get(key(each))?.similarity >= each.similarity)) best.set(key(each), each);
  return [...best.values()].sort((a, b) => b.similarity - a.similarity);
}
