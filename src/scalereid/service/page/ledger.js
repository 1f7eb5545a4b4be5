// What is said about who is who, and taken back: views listen to "changed" and show what is true then.

import { dropPicture, get, post } from "./api.js";
import { askFor, counted, say } from "./dom.js";

export const changes = new EventTarget();
const changed = () => changes.dispatchEvent(new Event("changed"));

/** What an error says, at the bottom of the page. */
export const complain = (error) => { if (error?.name !== "AbortError") say(error.message ?? String(error), { error: true }); };

/** A function that is told whether it is still its latest call, so that no answer is drawn over a newer one. */
export function latest(draw) {
  let turn = 0;
  return (...given) => {
    turn += 1;
    const own = turn;
    return draw(() => own === turn, ...given);
  };
}

let acting = false;

/** Whether an action was done; if not, its error is shown. One at a time: a second click on a button is none. */
export async function attempt(action) {
  if (acting) return false;
  acting = true;
  try {
    await action();
    return true;
  } catch (error) {
    complain(error);
    if (error.status === 404 || error.status === 409) changed(); // somebody else has said something since
    return false;
  } finally {
    acting = false;
  }
}

/** Record events, of which later ones may need the number of the first: `events` are functions of the answers so far. */
export async function record(...events) {
  const answers = [];
  try {
    for (const event of events) answers.push(await post("api/events", event(answers)));
  } finally {
    if (answers.length) {
      const numbers = answers.map((each) => each.number);
      say(answers.map((each) => each.said).join("; "), { action: { label: "Undo", run: () => takeBack(...numbers) } });
      changed();
    }
  }
  return answers;
}

/** Take back events, the last one first. */
export const takeBack = (...events) => attempt(async () => {
  let said = "";
  try {
    for (const event of events.toReversed()) said = (await post("api/events", { kind: "undo", event })).said;
  } finally {
    changed();
  }
  say(said);
});

/** Take back what was said last, by whomever. */
export const undo = () => attempt(async () => {
  const { said } = await post("api/undo");
  say(said);
  changed();
});

export const people = (signal) => get("api/identities", signal);
export const nameOf = (number, name) => name || `Person ${number}`;

/** Say that sightings show an identity, or a new one if it is null; the identity. `against` are sightings that do not show it. */
export async function same(identity, sightings, { name = "", against = [] } = {}) {
  const first = identity === null
    ? () => ({ kind: "enrol", sightings, name })
    : () => ({ kind: "confirm", identity, sightings });
  const of = (answers) => identity ?? answers[0].number;
  const others = against.length ? [(answers) => ({ kind: "reject", identity: of(answers), sightings: against })] : [];
  return of(await record(first, ...others));
}

export const reject = (identity, sightings) => record(() => ({ kind: "reject", identity, sightings }));
export const merge = (identity, others) => record(() => ({ kind: "merge", identity, others }));
export const split = (identity, sightings, name = "") => record(() => ({ kind: "split", identity, sightings, name }));
export const rename = (identity, name) => record(() => ({ kind: "rename", identity, name }));

/** Ask for a person by name: the identity, null for a new one with `name`, or undefined if nobody was named. */
export async function choosePerson(question, { without = null, yes = "Same person", fresh = true } = {}) {
  const known = (await people()).filter((each) => each.number !== without);
  const labels = known.map((each) => nameOf(each.number, each.name));
  const doubled = new Set(labels.filter((label, i) => labels.indexOf(label) !== i));
  const unique = labels.map((label, i) => (doubled.has(label) ? `${label} (${known[i].number})` : label));
  const given = await askFor(question, {
    field: fresh ? "Name of somebody known, or a new name (may be empty)" : "Name", yes, suggestions: unique,
  });
  if (given === null) return undefined;
  const found = known[unique.indexOf(given)] ?? known.find((each) => String(each.number) === given);
  if (found) return { identity: found.number, name: found.name };
  if (!fresh) {
    say(`Nobody is called ${given || "nothing"}. Choose one of the names.`, { error: true });
    return undefined;
  }
  return { identity: null, name: given };
}

/** Delete an identity or sightings for good, after a question. Whether it was done. */
export async function forget({ identity = null, sightings = [], whom }) {
  const yes = await askFor(`Forget ${whom}?`, {
    yes: "Forget for good", danger: true,
    detail: "Pictures, embeddings and everything said about them are deleted, and this cannot be undone.",
  });
  if (yes === null) return false;
  return attempt(async () => {
    const gone = await post("api/forget", { identity, sightings });
    gone.forEach(dropPicture);
    say(`${counted(gone.length, "sighting")} forgotten.`);
    changed();
  });
}
