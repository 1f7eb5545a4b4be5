// What was said about who is who, the newest first, each to be taken back.

import { get } from "./api.js";
import { button, h, when } from "./dom.js";
import { changes, complain, latest, takeBack } from "./ledger.js";

const LAST = 200;

/** The view. */
export async function show(view, parameters, { signal }) {
  const draw = latest(async (isLatest) => {
    const events = (await get(`api/events?last=${LAST}`, signal)).reverse();
    if (!isLatest()) return;
    const undo = (event) => button("Undo", () => takeBack(event.number), { "aria-label": `Undo ${event.said}` });
    view.replaceChildren(h("h1", {}, "History"), events.length
      ? h("ol", { class: "history" }, events.map((event) => h("li", { class: event.undone ? "undone" : "" },
        h("span", {}, event.undone ? h("s", {}, event.said) : event.said),
        h("small", {}, [`${event.number}`, when(event.at), event.by].filter(Boolean).join(" · "), event.undone ? " · taken back" : ""),
        event.undone || event.kind === "undo" ? null : undo(event))))
      : h("p", {}, "Nothing was said about anybody yet."), events.length === LAST ? h("p", { class: "note" }, `The last ${LAST} are shown.`) : "");
  });
  changes.addEventListener("changed", () => draw().catch(complain), { signal });
  await draw();
}
