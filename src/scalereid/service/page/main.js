// Where the page starts: which view a link names, keys that work everywhere, and pictures that are dropped or pasted.

import { get, onTokenNeeded } from "./api.js";
import { askFor, button, h, isTyped, openDialog } from "./dom.js";
import { changes, complain, undo } from "./ledger.js";
import * as browse from "./browse.js";
import * as history from "./history.js";
import * as people from "./people.js";
import * as review from "./review.js";
import * as search from "./search.js";

const VIEWS = { search, browse, people, review, history };
const KEYS = [
  ["1 to 5", "search, browse, people, review, history"], ["u", "take back what was said last"], ["Ctrl+V", "find the person on a picture that was copied"],
  ["Tab, arrows", "go through pictures, boxes and buttons"], ["Shift + arrows", "resize the box"], ["y, n, s, b", "review: yes, no, skip, back"],
  ["x, e", "review: leave a picture out, give a name"], ["Esc", "close what is open"], ["?", "these keys"],
];
const content = document.getElementById("content");
let leaving = new AbortController();
let about = null;

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [path, parameters = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, number] = path.split("/");
  const view = VIEWS[name] ?? search;
  for (const link of document.querySelectorAll("nav a")) {
    if (VIEWS[link.hash.slice(2)] === view) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  const place = h("div", { class: "view" });
  content.replaceChildren(place);
  try {
    about ??= await get("api/about", signal);
    if (!signal.aborted) await view.show(place, new URLSearchParams(parameters), { about, signal, number });
    if (!signal.aborted) document.title = `${place.querySelector("h1")?.firstChild?.textContent ?? "scalereid"} · scalereid`;
  } catch (error) {
    if (signal.aborted) return;
    place.replaceChildren(h("h1", {}, "That did not work"), h("p", { role: "alert" }, error.message), button("Try again", show, { kind: "primary" }));
    if (!("status" in error)) throw error;
  }
}

function showKeys() {
  openDialog("Keys", (close) => [h("h2", {}, "Keys"), h("dl", { class: "keys" }, KEYS.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])), h("p", { class: "actions" }, button("Close", close))]);
}

onTokenNeeded(async (wrong) => (await askFor(wrong ? "That token is not valid" : "This service needs a token", {
  field: "Token", type: "password", yes: "Go on", detail: "Whoever runs the service gives it to you. It is kept until you close this tab.",
})) ?? "");

window.addEventListener("hashchange", show);
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); content.focus(); });
changes.addEventListener("changed", () => { about = null; });
document.getElementById("undo").addEventListener("click", () => undo());
document.getElementById("help").addEventListener("click", showKeys);

document.addEventListener("keydown", (event) => {
  if (isTyped(event) || event.repeat) return;
  const view = Object.keys(VIEWS)[Number(event.key) - 1];
  if (view) location.hash = `#/${view}`;
  else if (event.key === "u") undo();
  else if (event.key === "?") showKeys();
});

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!document.querySelector("dialog[open]")) search.take(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  if (!isTyped(event)) search.take(event.clipboardData.files[0]);
});
document.getElementById("messages").showPopover();
window.addEventListener("unhandledrejection", ({ reason }) => complain(reason));

show();
