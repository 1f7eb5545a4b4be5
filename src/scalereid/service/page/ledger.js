// What is said about who is who, and taken back: views listen to "changed" and show what is true then.

import { dropPicture, get, parts, post } from "./api.js";
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

let together = []; // numbers of the events that this page has recorded last, at once

/** Record events, of which later ones may need the number of the first: `events` are functions of the answers so far. */
export async function record(...events) {
  const answers = [];
  try {
    for (const event of events) answers.push(await post("api/events", event(answers)));
  } finally {
    if (answers.length) {
      together = answers.map((each) => each.number);
      const numbers = together;
      say(answers.map((each) => each.said).join("; "), { action: { label: "Undo", run: () => takeBack(...numbers) } });
      changed();
    }
  }
  return answers;
}

async function undoAll(events) {
  let said = "";
  try {
    for (const event of events.toReversed()) said = (await post("api/events", { kind: "undo", event })).said;
  } finally {
    changed();
  }
  say(said);
}

/** Take back events, the last one first. */
export const takeBack = (...events) => attempt(() => undoAll(events));

/** Take back what was said last, by whomever: all events that this page has recorded at once, if nothing was said since. */
export const undo = () => attempt(async () => {
  const [newest] = await get("api/events?last=1");
  if (newest && newest.number === together.at(-1)) return undoAll(together);
  const { said } = await post("api/undo");
  say(said);
  changed();
});

export const people = (signal) => get("api/identities", signal);
export const nameOf = (number, name) => name || `Person ${number}`;

/** Events that say one thing about any number of sightings: `of` gives the identity from the answers so far. */
const about = (kind, of, sightings) => parts(sightings).map((part) => (answers) => ({ kind, identity: of(answers), sightings: part }));

/** Say that sightings show an identity, or a new one if it is null; the identity. `against` are sightings that do not show it. */
export async function same(identity, sightings, { name = "", against = [] } = {}) {
  const of = (answers) => identity ?? answers[0].number;
  const shown = about("confirm", of, sightings);
  if (identity === null) shown[0] = () => ({ kind: "enrol", sightings: parts(sightings)[0], name });
  return of(await record(...shown, ...about("reject", of, against)));
}

export const reject = (identity, sightings) => record(...about("reject", () => identity, sightings));
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
