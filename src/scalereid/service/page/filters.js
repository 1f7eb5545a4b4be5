// Conditions on the sightings that are found, which a link keeps.

import { h } from "./dom.js";

const left = { open: null, focus: "" }; // as the last form was left, which another one replaces when something is changed

const LISTS = ["cameras", "not_cameras", "tracks"];
const TIMES = ["after", "before"];

/** A time in UTC, as links have it, as the clock of the reader shows it. */
function here(time) {
  if (!time) return "";
  const date = new Date(time);
  return new Date(date - 60000 * date.getTimezoneOffset()).toISOString().slice(0, 19);
}

/** The conditions that a link's parameters name, as the service takes them. */
export function conditions(parameters) {
  const found = {};
  for (const name of LISTS) if (parameters.has(name)) found[name] = parameters.getAll(name);
  for (const name of TIMES) if (parameters.get(name)) found[name] = parameters.get(name);
  if (parameters.has("attribute")) {
    found.attributes = Object.fromEntries(parameters.getAll("attribute").map((each) => {
      const colon = each.lastIndexOf(":");
      return [each.slice(0, colon), Number(each.slice(colon + 1))];
    }));
  }
  return found;
}

/** A form of the conditions. `onchange` is called with the link's parameters, changed. `among`: whether who is known can be one. */
export function filters(about, parameters, onchange, { among = true } = {}) {
  const edit = (change, focused = document.activeElement) => {
    const edited = new URLSearchParams(parameters);
    change(edited);
    left.focus = focused?.name ?? "";
    onchange(edited);
  };
  const set = (name, value) => edit((edited) => (value ? edited.set(name, value) : edited.delete(name)));
  const cameras = Object.keys(about.cameras).filter(Boolean).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const chosen = new Set(parameters.getAll("cameras"));
  const flip = (camera) => edit((edited) => {
    if (!chosen.delete(camera)) chosen.add(camera);
    edited.delete("cameras");
    for (const each of chosen) edited.append("cameras", each);
  });
  const wanted = new Map(parameters.getAll("attribute").map((each) => [each.slice(0, each.lastIndexOf(":")), each.slice(each.lastIndexOf(":") + 1)]));
  const want = (name, least) => edit((edited) => {
    if (least) wanted.set(name, least); else wanted.delete(name);
    edited.delete("attribute");
    for (const [key, value] of wanted) edited.append("attribute", `${key}:${value}`);
  });
  const count = [...parameters.keys()].filter((name) => [...LISTS, ...TIMES, "attribute", "among"].includes(name)).length;
  const times = TIMES.map((name) => h("input", {
    name, type: "datetime-local", step: 1, value: here(parameters.get(name)),
    // Not at each change: Chromium reports one for each digit of a year.
    onblur: ({ target, relatedTarget }) => setTimes(relatedTarget ?? target),
    onkeydown: ({ key, target }) => { if (key === "Enter") target.blur(); },
  }));
  const given = times.map(({ value }) => value); // as the browser writes it
  const wrong = h("p", { role: "alert" });
  const setTimes = (focused) => {
    const [from, until] = times.map(({ value }) => value && new Date(value));
    wrong.textContent = from && until && from >= until ? "“From” must be earlier than “Until”." : ""; // a link would not be answered
    const changed = times.filter(({ value }, i) => value !== given[i]);
    if (wrong.textContent || !changed.length) return;
    edit((edited) => {
      for (const { name, value } of changed) if (value) edited.set(name, new Date(value).toISOString()); else edited.delete(name);
    }, focused);
  };
  const isOpen = left.open ?? (count > 0 && matchMedia("(min-width: 60rem)").matches);
  const chip = (name, label) => (parameters.has(name) ? h("label", { class: "chip" },
    h("input", { name, type: "checkbox", checked: true, onchange: () => edit((edited) => edited.delete(name)) }),
    `${label} ${parameters.getAll(name).join(", ")}`) : null);
  const form = h("details", { class: "filters", open: isOpen, ontoggle: (event) => { left.open = event.target.open; } },
    h("summary", {}, "Filters", count ? h("small", {}, ` ${count} set`) : null),
    cameras.length ? h("fieldset", {}, h("legend", {}, "Cameras"), cameras.map((camera) => h("label", { class: "chip" },
      h("input", { name: `camera ${camera}`, type: "checkbox", checked: chosen.has(camera), onchange: () => flip(camera) }), camera,
      h("small", {}, ` ${about.cameras[camera].toLocaleString("en")}`)))) : null,
    chip("not_cameras", "Not by camera"), chip("tracks", "Track"),
    h("fieldset", { class: "times" }, h("legend", {}, "Time"), ["From", "Until"].map((label, i) => h("label", {}, label, times[i])), wrong),
    among ? h("label", {}, "People ", h("select", { name: "among", onchange: (event) => set("among", event.target.value) },
      [["", "everybody"], ["known", "known people only"], ["unknown", "unknown people only"]].map(([value, label]) => h("option", { value, selected: (parameters.get("among") ?? "") === value }, label)))) : null,
    about.attributes.length ? h("fieldset", {}, h("legend", {}, "Attributes, at least"), about.attributes.map((name) => h("label", {}, `${name} `,
      h("select", { name: `attribute ${name}`, onchange: (event) => want(name, event.target.value) }, ["", "0.5", "0.8", "0.95"].map((value) => h("option", { value, selected: (wanted.get(name) ?? "") === value }, value ? `${100 * value} %` : "any")))))) : null,
    count ? h("button", { type: "button", onclick: () => edit((edited) => { for (const name of [...LISTS, ...TIMES, "attribute", "among"]) edited.delete(name); }) }, "Clear") : null);
  const there = left.focus && form.querySelector(`[name="${CSS.escape(left.focus)}"]`);
  left.focus = "";
  if (there) queueMicrotask(() => there.focus()); // once it is in the view
  return form;
}
