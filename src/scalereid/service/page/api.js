// Requests to the service: one token for all, errors as sentences, pictures as addresses of this page's own.

/** What the service refused, in its own words. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let token = sessionStorage.getItem("token") ?? "";
let askForToken = async () => "";
let asking = null; // by the first of several requests that are refused at once

/** Who is asked for a token when the service wants one. */
export function onTokenNeeded(ask) {
  askForToken = ask;
}

const pause = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

async function request(path, { method, body, headers = {}, signal } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    const used = token;
    let response;
    try {
      response = await fetch(path, { method, body, signal, headers: used ? { ...headers, Authorization: `Bearer ${used}` } : headers });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Refused(0, "The service does not answer. Is it still running?");
    }
    if (response.ok) return response;
    if (response.status === 429 && attempt < 5) {
      await pause(Number(response.headers.get("Retry-After") ?? 1), signal);
      continue;
    }
    if (response.status === 401) {
      if (used === token) {
        asking ??= askForToken(Boolean(used)).then((given) => {
          token = given.replace(/[^ -~]/g, ""); // no token has others, such as marks that were copied with it, and no request takes them
          sessionStorage.setItem("token", token);
        }).finally(() => { asking = null; });
        await asking;
      }
      if (token) continue;
    }
    const said = await response.json().catch(() => ({}));
    throw new Refused(response.status, said.error ?? `The service answered ${response.status}.`);
  }
}

const asJson = (value, method = "POST") => ({ method, body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

/** What is at a path. */
export const get = async (path, signal) => (await request(path, { signal })).json();

/** The answer to values that are sent. */
export const post = async (path, value, signal) => (await request(path, { ...(value === undefined ? { method: "POST" } : asJson(value)), signal })).json();

/** The answer to a picture, with values in a field of the same form. */
export async function send(path, field, blob, values = {}, signal) {
  const form = new FormData();
  form.append(field, blob, blob.name ?? "picture");
  for (const [name, value] of Object.entries(values)) form.append(name, JSON.stringify(value));
  return (await request(path, { method: "POST", body: form, signal })).json();
}

const AT_ONCE = 1000; // sightings that the service takes in one request

/** Numbers of sightings, in parts that the service takes. */
export function parts(numbers) {
  return Array.from({ length: Math.ceil(numbers.length / AT_ONCE) }, (_, i) => numbers.slice(i * AT_ONCE, (i + 1) * AT_ONCE));
}

/** The sightings of any number of numbers, those that are still there. */
export async function listed(numbers, signal) {
  const found = [];
  for (const part of parts(numbers)) found.push(...await list({ numbers: part }, signal));
  return found;
}

/** The sightings that meet conditions. */
export async function list(conditions, signal) {
  const response = await request("api/sightings/list", { ...asJson(conditions), signal });
  const text = await response.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

// Pictures: at most six requests at a time, those asked for last first, and the last few hundred are kept.
const kept = new Map();
const waiting = [];
let running = 0;

function next() {
  while (running < 6 && waiting.length) {
    running += 1;
    waiting.pop()().finally(() => { running -= 1; next(); });
  }
}

/** An address for a sighting's picture; rejected if it has none. */
export function picture(number) {
  if (!kept.has(number)) {
    kept.set(number, new Promise((resolve, reject) => {
      waiting.push(async () => {
        try {
          const response = await request(`api/sightings/${number}/picture`);
          resolve(URL.createObjectURL(await response.blob()));
        } catch (error) {
          if (error.status !== 404) kept.delete(number);
          reject(error);
        }
      });
      next();
    }));
    if (kept.size > 600) {
      const [oldest, url] = kept.entries().next().value;
      kept.delete(oldest);
      url.then(URL.revokeObjectURL, () => {});
    }
  }
  return kept.get(number);
}

/** Pictures that were forgotten are forgotten here, too. */
export function dropPicture(number) {
  kept.get(number)?.then(URL.revokeObjectURL, () => {});
  kept.delete(number);
}
