// Proposals, one at a time: which unknown sightings show the same person. Nothing is recorded before somebody says yes or no.

import { get, listed, post } from "./api.js";
import { askFor, button, counted, h, isTyped, percent, say } from "./dom.js";
import { attempt, complain, nameOf, reject, same } from "./ledger.js";
import { grid, inOrder, tile } from "./tiles.js";

const SHOWN = 24;

/** The view. */
export async function show(view, parameters, { signal }) {
  view.append(h("h1", {}, "Review"), h("p", { class: "busy" }, "Looking for sightings of the same person …"));
  const similarity = parameters.get("similarity");
  let proposals;
  try {
    ({ proposals } = await post(`api/proposals${similarity ? `?similarity=${encodeURIComponent(similarity)}` : ""}`, {}, signal));
  } catch (error) {
    if (error.status !== 400) throw error;
    view.replaceChildren(h("h1", {}, "Review"), h("p", {}, error.message), similarityForm(similarity ?? "0.7"));
    return;
  }
  await new Queue(view, proposals, signal).show(0);
}

const similarityForm = (value) => h("form", { onsubmit: (event) => { event.preventDefault(); location.hash = `#/review?similarity=${event.target.least.value}`; } },
  h("label", {}, "Least similarity of one person ", h("input", { name: "least", type: "number", min: -0.99, max: 1, step: "any", value })), " ", h("button", { type: "submit", class: "primary" }, "Propose"));

class Queue {
  constructor(view, proposals, signal) {
    Object.assign(this, { view, proposals, signal, turn: 0, at: 0, proposal: null, said: new Map(), out: new Set(), name: "" });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  /** Show a proposal, or what is to be said at the end. Until it is there, nothing can be said about it. */
  async show(at) {
    this.turn += 1;
    const { turn } = this;
    const place = Math.max(0, Math.min(at, this.proposals.length));
    const proposal = this.proposals[place];
    const [matches, known] = proposal ? await Promise.all([listed(proposal.sightings, this.signal), this.#known(proposal)]) : [[], []];
    if (this.signal.aborted || turn !== this.turn) return;
    if (known === null) return this.#drop(place);
    Object.assign(this, { at: place, proposal, matches: inOrder(matches), out: new Set(), name: "" });
    if (!proposal) return this.#end();
    this.#draw(proposal, known);
    this.view.querySelector(".group .picture")?.focus();
  }

  /** Show what follows a proposal of somebody who is not known any more. */
  #drop(place) {
    const [{ identity, name }] = this.proposals.splice(place, 1);
    if (place < this.at) this.at -= 1;
    say(`${nameOf(identity, name)} was merged, undone or forgotten meanwhile: propose again to see their sightings.`);
    return this.show(place);
  }

  /** A few other pictures of the person whom a proposal names; null if that person is not known any more. */
  async #known({ identity, sightings }) {
    if (identity === null) return [];
    const proposed = new Set(sightings);
    try {
      const { sightings: own } = await get(`api/identities/${identity}`, this.signal);
      return await listed(own.filter((number) => !proposed.has(number)).slice(0, 8), this.signal);
    } catch (error) {
      if (error.status !== 404) throw error;
      return null;
    }
  }

  #draw(proposal, known) {
    const { identity, name, probability, similarity } = proposal;
    const whom = identity === null ? "a new person" : nameOf(identity, name);
    const sure = probability === null ? `similarity ${similarity.toFixed(2)}` : percent(probability);
    const said = this.said.get(proposal);
    const tiles = this.matches.slice(0, SHOWN).map((match) => {
      const { number } = match.sighting;
      return tile(match, { all: this.matches, actions: [h("button", {
        type: "button", class: "leave", "aria-pressed": "false", "aria-label": `Sighting ${number}: not this person`, onclick: () => this.#leave(number),
      }, "Not this one")] });
    });
    this.view.replaceChildren(
      h("h1", {}, "Review"),
      h("p", { class: "progress" }, h("progress", { max: this.proposals.length, value: this.at, "aria-label": "Proposals seen" }), ` ${this.at + 1} of ${this.proposals.length}`),
      h("div", { role: "status" }, h("h2", {}, identity === null ? `Are these ${counted(this.matches.length, "sighting")} one person?` : `${this.matches.length === 1 ? "Is this" : "Are these"} ${whom}?`, h("small", {}, ` ${sure}`), said ? h("small", { class: "said" }, ` ${said}`) : null)),
      h("div", { class: "actions sticky" },
        button(identity === null ? "Same person" : `Yes, ${whom}`, () => this.#yes(), { key: "y", kind: "primary" }),
        identity === null ? null : button(`Not ${whom}`, () => this.#no(), { key: "n" }),
        button("Skip", () => this.show(this.at + 1), { key: "s" }),
        button("Back", () => this.show(this.at - 1), { key: "b", disabled: this.at === 0 }),
        identity === null ? button("Name …", () => this.#ask(), { key: "e" }) : null,
        h("span", { class: "note" }, "Arrow keys go from picture to picture, x leaves one out, u takes back.")),
      known.length ? h("section", { class: "known-pictures" }, h("h3", {}, whom), grid(known.map((match) => tile(match, { all: known })))) : "",
      h("section", { class: "group" }, known.length ? h("h3", {}, "Proposed") : "", grid(tiles),
        this.matches.length > SHOWN ? h("p", { class: "note" }, `And ${this.matches.length - SHOWN} more of the same tracks.`) : ""));
  }

  #leave(number) {
    if (!this.out.delete(number)) this.out.add(number);
    const figure = this.view.querySelector(`.group [data-sighting="${number}"]`);
    figure.classList.toggle("out", this.out.has(number));
    figure.querySelector(".leave").setAttribute("aria-pressed", String(this.out.has(number)));
  }

  async #ask() {
    const name = await askFor("What is this person's name?", { field: "Name", value: this.name });
    if (name === null) return;
    this.name = name;
    await this.#yes();
  }

  #yes = () => this.#say("said yes", (proposal) => {
    const shown = proposal.sightings.filter((number) => !this.out.has(number));
    if (!shown.length) throw new Error("Every picture is left out: skip this proposal, or take one back in.");
    return same(proposal.identity, shown, { name: this.name, against: [...this.out] });
  });

  #no = () => this.#say("said no", (proposal) => reject(proposal.identity, proposal.sightings));

  async #say(word, action) {
    const { at, proposal, turn } = this;
    if (!await attempt(() => action(proposal))) return;
    this.said.set(proposal, word);
    if (turn === this.turn) await this.show(at + 1); // unless another was gone to meanwhile
  }

  #end() {
    const [yes, no] = ["said yes", "said no"].map((word) => [...this.said.values()].filter((each) => each === word).length);
    this.view.replaceChildren(h("h1", {}, "Review"), h("p", { role: "status" }, this.proposals.length
      ? `That was the last of ${counted(this.proposals.length, "proposal")}: ${yes} confirmed, ${no} refused, ${this.proposals.length - yes - no} skipped.`
      : "There is nothing to review: no sightings of unknown people are alike enough."),
    h("p", { class: "actions" },
      this.proposals.length ? button("Back", () => this.show(this.at - 1), { key: "b" }) : "",
      button("Propose again", () => window.dispatchEvent(new Event("hashchange")), { kind: "primary" }), h("a", { href: "#/people" }, "People")));
    this.view.querySelector("button")?.focus();
  }

  #key(event) {
    if (isTyped(event) || (event.repeat && !event.key.startsWith("Arrow"))) return;
    const { proposal } = this;
    const pictures = [...this.view.querySelectorAll(".group .picture")];
    const here = pictures.indexOf(document.activeElement);
    const move = (steps) => pictures[Math.min(Math.max(here + steps, 0), pictures.length - 1)]?.focus();
    const number = Number(document.activeElement?.closest("[data-sighting]")?.dataset.sighting);
    const act = {
      y: () => proposal && this.#yes(), n: () => proposal?.identity != null && this.#no(), e: () => proposal?.identity === null && this.#ask(),
      s: () => this.show(this.at + 1), b: () => this.show(this.at - 1), x: () => proposal && number && this.#leave(number),
      ArrowRight: () => move(1), ArrowLeft: () => move(-1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    Promise.resolve(act()).catch(complain);
  }
}
