// What was found: in two bands by probability, and what is said about it. The person who is worked on is the best candidate,
// unless another is chosen; before there is one, pictures that show somebody else are set aside, and recorded with the person.

import { get } from "./api.js";
import { button, counted, h, percent } from "./dom.js";
import { attempt, changes, complain, choosePerson, nameOf, reject, same } from "./ledger.js";
import { grid, tile, timeline, verdicts } from "./tiles.js";

export class Results {
  /** `ask(signal)` gives the service's answer; `query` is the sighting that was asked about, if it was one; `add` keeps a picture. */
  constructor(element, { ask, signal, query = null, add = null }) {
    this.turn = 0;
    Object.assign(this, { element, ask, signal, query, add, person: undefined, newName: "", aside: new Set(), selected: new Set() });
    changes.addEventListener("changed", () => { if (!this.held) this.load().catch(complain); }, { signal });
  }

  async load() {
    this.turn += 1;
    const { turn } = this;
    const [found, query] = await Promise.all([this.ask(this.signal), this.query && get(`api/sightings/${this.query.sighting.number}`, this.signal)]);
    const person = this.person === null ? null : await known(this.person ?? best(found, query), this.signal) ?? await known(best(found, query), this.signal);
    if (this.signal.aborted || turn !== this.turn) return;
    Object.assign(this, { found, query, person });
    const there = new Set(found.answer.matches.map((match) => match.sighting.number));
    this.selected = this.selected.intersection(there);
    this.draw();
  }

  draw() {
    const { matches } = this.found.answer;
    const rejected = new Set([...this.aside, ...(this.person?.rejected ?? [])]);
    const open = matches.filter((match) => !rejected.has(match.sighting.number));
    const bands = this.#bands(open);
    const shown = [...bands.likely, ...bands.possible];
    this.tools = this.#tools();
    const focus = focused(this.element);
    this.element.replaceChildren(...[
      this.#headline(bands),
      this.tools,
      bands.sure
        ? [this.#band("Likely the same person", bands.likely, "likely"), this.#band("Possibly the same person", bands.possible, "possible"), this.#rest(bands.others)]
        : [this.#band("Most similar", bands.others, "likely")],
      this.#setAside(matches.filter((match) => rejected.has(match.sighting.number))),
      matches.length ? h("section", {}, h("h2", {}, "By camera"), timeline(shown.length ? shown : open)) : null,
    ].flat(2).filter(Boolean));
    focus();
  }

  /** Matches by probability; without a calibration all are others, and nothing is sure. */
  #bands(matches) {
    const { likely, possible } = this.found.thresholds;
    const at = (match) => match.probability ?? -1;
    return {
      sure: Boolean(this.found.calibration),
      likely: matches.filter((match) => at(match) >= likely),
      possible: matches.filter((match) => at(match) >= possible && at(match) < likely),
      others: matches.filter((match) => at(match) < possible),
    };
  }

  #headline(bands) {
    const [first] = this.found.answer.candidates;
    const link = first && h("a", { href: `#/people/${first.identity}` }, nameOf(first.identity, first.name));
    const how = { likely: ["This is likely ", link, `, ${percent(first?.probability ?? 0)} sure.`], possible: ["This may be ", link, `, ${percent(first?.probability ?? 0)} sure.`] };
    const own = this.query?.identity === null && first && this.found.verdict !== "unknown" ? this.query.sighting.number : null;
    const said = this.query?.identity != null
      ? ["This is ", h("a", { href: `#/people/${this.query.identity}` }, nameOf(this.query.identity, this.query.name)), ", as was said."]
      : how[this.found.verdict] ?? ["Nobody known, as far as can be told."];
    return h("div", { class: "headline" }, h("div", { role: "status" }, h("h2", {}, said)),
      own === null ? null : h("p", { class: "actions" },
        button("Yes, it is", () => attempt(() => same(first.identity, [own])), { kind: "primary" }),
        button("No", () => attempt(() => reject(first.identity, [own])))),
      h("p", {}, bands.sure
        ? `${extent(bands)} Probabilities rest on ${this.found.calibration}.`
        : "There are no probabilities: the model is not calibrated. `scalereid gallery calibrate` calibrates it on people you have confirmed."));
  }

  /** The person who is worked on, and what is done with the pictures that are selected. */
  #tools() {
    const name = this.person ? nameOf(this.person.identity, this.person.name) : "a new person";
    const numbers = [...this.selected];
    return h("div", { class: "tools-of-results" },
      h("span", {}, "Person: ", h("b", {}, name)),
      button("Change", async () => {
        const chosen = await choosePerson("Whose pictures are these?", { yes: "Choose" }).catch(complain);
        if (chosen === undefined) return;
        this.person = chosen.identity === null ? null : chosen;
        this.newName = chosen.name;
        await this.load().catch(complain);
      }),
      numbers.length ? [
        h("span", {}, `${numbers.length} selected`),
        button("Same person", () => this.#same(numbers), { kind: "primary" }),
        button("Not this person", () => this.#not(numbers)),
      ] : null,
      this.add ? button("Keep the picture …", this.add) : null);
  }

  #band(label, matches, kind) {
    if (!matches.length) return null;
    const tiles = matches.map((match) => {
      const { number } = match.sighting;
      const own = this.person && match.identity === this.person.identity;
      return tile(match, {
        all: matches, selected: this.selected.has(number),
        onselect: (number, on) => this.#select(number, on),
        actions: verdicts(number, own ? null : () => this.#same([number]), () => this.#not([number])),
      });
    });
    return h("section", { class: `band ${kind}` },
      h("div", { class: "band-head" }, h("h2", {}, label, h("small", {}, ` ${matches.length}`)),
        button("Select all", (event) => event.target.closest(".band").querySelectorAll(".select:not(:checked)").forEach((each) => each.click()))),
      grid(tiles));
  }

  #rest(matches) {
    if (!matches.length) return null;
    const nothing = matches.length === this.found.answer.matches.length;
    return h("details", { class: "band", open: this.restIsOpen ?? nothing, ontoggle: (event) => { this.restIsOpen = event.target.open; } }, h("summary", {}, `Less likely: ${matches.length}`), this.#band("", matches, "others").lastChild);
  }

  /** Pictures that show somebody else: said before, or to be recorded once the person has an identity. */
  #setAside(aside) {
    if (!aside.length) return null;
    const back = ({ sighting: { number } }) => button("Take back", () => { this.aside.delete(number); this.draw(); });
    return h("details", { class: "band" }, h("summary", {}, `Not this person: ${aside.length}${this.person ? "" : ", recorded once the person has an identity"}`),
      grid(aside.map((match) => tile(match, { all: aside, actions: this.person ? [] : [back(match)] }))));
  }

  #select(number, on) {
    this.selected[on ? "add" : "delete"](number);
    const tools = this.#tools();
    this.tools.replaceWith(tools);
    this.tools = tools;
  }

  #same = async (numbers) => {
    const against = this.person ? [] : [...this.aside].filter((number) => !numbers.includes(number));
    const own = this.query?.identity === null && !this.person ? [this.query.sighting.number] : [];
    this.selected.clear();
    this.held = true; // until it is known whose pictures these are
    await attempt(async () => {
      this.person = { identity: await same(this.person?.identity ?? null, [...own, ...numbers], { name: this.newName, against }) };
      this.aside = new Set();
    });
    this.held = false;
    await this.load().catch(complain);
  };

  #not = (numbers) => attempt(async () => {
    this.selected.clear();
    if (this.person) {
      await reject(this.person.identity, numbers);
      return;
    }
    numbers.forEach((number) => this.aside.add(number));
    this.draw();
  });
}

/** What puts the focus back where it was among pictures, or to the next one if that has gone. */
function focused(element) {
  const active = document.activeElement;
  const figure = element.contains(active) ? active.closest("figure") : null;
  const numbers = figure ? [figure, figure.nextElementSibling].map((each) => each?.dataset.sighting) : [];
  const action = [...figure?.querySelectorAll("button, input") ?? []].indexOf(active);
  return () => {
    const there = numbers.map((number) => element.querySelector(`figure[data-sighting="${number}"]`)).find(Boolean);
    [...there?.querySelectorAll("button, input") ?? []].at(action)?.focus({ preventScroll: true });
  };
}

/** How many pictures show the same person. */
function extent({ likely, possible }) {
  if (likely.length) return `${counted(likely.length, "picture")} likely ${likely.length === 1 ? "shows" : "show"} the same person.`;
  return possible.length ? `${counted(possible.length, "picture")} may show the same person.` : "No picture is likely to show the same person.";
}

/** The person whose pictures these are: whom the sighting shows that was asked about, or the best candidate; undefined for nobody. */
function best({ verdict, answer }, query) {
  if (query?.identity != null) return query;
  return verdict === "unknown" ? undefined : answer.candidates[0];
}

/** An identity with its name and the sightings that were said not to show it; undefined if it is not there any more. */
async function known(person, signal) {
  if (!person) return undefined;
  try {
    const { number, name, rejected } = await get(`api/identities/${person.identity}`, signal);
    return { identity: number, name, rejected };
  } catch (error) {
    if (error.status === 404) return undefined;
    throw error;
  }
}
