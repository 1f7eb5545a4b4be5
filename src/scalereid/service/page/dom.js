// Elements without HTML in strings, which the page's policy does not allow anyway.

/** An element: properties that start with "on" are listeners, those that the element has are set, others are attributes. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key in element && !key.startsWith("aria") && key !== "list") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button with a word on it, and the key that does the same. */
export function button(label, onclick, { key = "", kind = "", ...others } = {}) {
  const hint = key ? [h("kbd", { "aria-hidden": "true" }, key)] : [];
  return h("button", { type: "button", class: kind, onclick, "aria-keyshortcuts": key || null, ...others }, label, ...hint);
}

/** A message at the bottom that goes away by itself, with something to do about it if `action` is given. */
export function say(text, { error = false, action = null } = {}) {
  const message = h("div", { class: error ? "message error" : "message" }, h("span", {}, text));
  const gone = () => message.remove();
  if (action) message.append(button(action.label, () => { gone(); action.run(); }));
  message.append(h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: gone }, "×"));
  const messages = document.getElementById("messages");
  messages.append(message);
  if (document.querySelector("dialog[open]")) { // above it
    messages.hidePopover();
    messages.showPopover();
  }
  while (messages.children.length > 3) messages.firstChild.remove();
  setTimeout(gone, error ? 15000 : 8000);
}

/** A dialog that is removed when it closes. `fill(close)` gives what is in it. */
export function openDialog(label, fill, { kind = "" } = {}) {
  const dialog = h("dialog", { class: kind, "aria-label": label });
  const close = () => dialog.close();
  dialog.append(...[fill(close)].flat());
  dialog.addEventListener("close", () => dialog.remove());
  const isOutside = ({ target, clientX: x, clientY: y }) => {
    const { left, top, right, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (x < left || x > right || y < top || y > bottom);
  };
  let pressed = false;
  dialog.addEventListener("pointerdown", (event) => { pressed = isOutside(event); });
  dialog.addEventListener("click", (event) => { if (pressed && isOutside(event)) close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask for a line of text, or for a plain yes if `field` is not given: the text, or null. */
export function askFor(question, { field = "", type = "text", value = "", yes = "Save", danger = false, suggestions = [], detail = "" } = {}) {
  return new Promise((resolve) => {
    let given = null;
    const input = field ? h("input", { type, id: "asked", value, maxLength: 1000, list: "suggested", autocomplete: "off" }) : null;
    const dialog = openDialog(question, (close) => h("form", {
      method: "dialog",
      onsubmit: (event) => { event.preventDefault(); given = input ? input.value.trim() : ""; close(); },
    },
    h("h2", {}, question),
    detail ? h("p", {}, detail) : null,
    input ? [h("label", { htmlFor: "asked" }, field), input, h("datalist", { id: "suggested" }, suggestions.map((each) => h("option", { value: each })))] : null,
    h("p", { class: "actions" },
      h("button", { type: "submit", class: danger ? "danger" : "primary" }, yes),
      button("Cancel", close))));
    dialog.addEventListener("close", () => resolve(given));
    if (input) input.select();
  });
}

/** Whether a key or paste is meant for a field, a dialog or the browser rather than for the page. */
export const isTyped = (event) => Boolean(event.target.closest?.("input:not([type=checkbox]), select, textarea")
  || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey);

export const percent = (probability) => `${Math.floor(100 * probability + 1e-9)} %`;
export const counted = (number, noun, plural = `${noun}s`) => `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;

const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** A time of the service, where the reader is. */
export const when = (time, { short = false } = {}) => (time ? (short ? clock : moment).format(new Date(time)) : "");
