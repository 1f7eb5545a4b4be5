// A picture with boxes around people: one is chosen, by pointer or keyboard, and can be moved, resized or drawn anew.

import { h, percent } from "./dom.js";

const STEP = 0.01; // of the picture's side, for a press of an arrow key
const LEAST = 8; // pixels of a box's side
const CORNERS = ["nw", "ne", "sw", "se"];

/** An editor over an image. `onchoose` is called with a box [left, top, right, bottom] in the image's pixels, or null for all of it. */
export class Scene {
  constructor({ url, width, height, people = [], onchoose }) {
    Object.assign(this, { width, height, onchoose, people, box: null });
    this.image = h("img", { src: url, alt: "Your picture", draggable: false });
    this.layer = h("div", { class: "boxes" });
    this.element = h("div", { class: "scene" }, this.image, this.layer);
    this.element.addEventListener("pointerdown", (event) => this.#press(event));
    this.draw();
  }

  /** Choose a box, or the whole picture; told to `onchoose` unless `quietly`. */
  choose(box, quietly = false) {
    this.box = box && this.#within(box);
    this.draw();
    if (!quietly) this.onchoose(this.box);
  }

  draw() {
    const found = this.people.map((person, i) => this.#place(h("button", {
      type: "button", class: "found", "aria-label": `Person ${i + 1}, ${percent(person.score)} sure`, title: "Find this person",
      onclick: () => { this.choose(person.box); this.layer.querySelector(".chosen")?.focus(); },
    }), person.box));
    const chosen = this.box && this.#place(h("div", {
      class: "chosen", tabIndex: 0, role: "group", onkeydown: (event) => this.#key(event),
      "aria-label": `Box from ${this.box.map(Math.round).join(", ")}. Arrow keys move it, with Shift they resize it.`,
    }, CORNERS.map((corner) => h("i", { class: `corner ${corner}` }))), this.box);
    const boxes = [...this.people.map(({ box }, i) => [box, found[i]]), ...(chosen ? [[this.box, chosen]] : [])];
    boxes.sort(([a], [b]) => area(b) - area(a)); // those within others lie on top
    this.layer.replaceChildren(...boxes.map(([, element]) => element));
  }

  #place(element, [left, top, right, bottom]) {
    Object.assign(element.style, {
      left: percentage(left, this.width), top: percentage(top, this.height),
      width: percentage(right - left, this.width), height: percentage(bottom - top, this.height),
    });
    return element;
  }

  /** A box with its corners in order, inside the picture, and not too small. */
  #within([a, b, c, d]) {
    const left = clamp(Math.min(a, c), 0, this.width - LEAST);
    const top = clamp(Math.min(b, d), 0, this.height - LEAST);
    return [left, top, clamp(Math.max(a, c), left + LEAST, this.width), clamp(Math.max(b, d), top + LEAST, this.height)];
  }

  #at(event) {
    const { left, top, width, height } = this.image.getBoundingClientRect();
    return [((event.clientX - left) * this.width) / width, ((event.clientY - top) * this.height) / height];
  }

  /** Drag a corner, the chosen box, or a new box over the picture. */
  #press(event) {
    if (event.button) return;
    const person = event.target.closest(".found"); // a press chooses it, a drag draws a box
    const start = this.#at(event);
    const corner = event.target.closest(".corner")?.classList[1];
    const before = this.box;
    const moved = event.target.closest(".chosen") && !corner;
    const drag = (move) => {
      const [x, y] = this.#at(move);
      const [dx, dy] = [x - start[0], y - start[1]];
      if (corner) this.choose(resized(before, corner, dx, dy), true);
      else if (moved) this.choose(this.#shifted(before, dx, dy), true);
      else if (Math.hypot(dx, dy) > LEAST) this.choose([...start, x, y], true);
    };
    const stop = () => {
      this.element.removeEventListener("pointermove", drag);
      if (this.box !== before) this.onchoose(this.box);
      else person?.click();
    };
    this.element.setPointerCapture(event.pointerId);
    this.element.addEventListener("pointermove", drag);
    this.element.addEventListener("lostpointercapture", stop, { once: true });
    event.preventDefault();
  }

  #shifted([left, top, right, bottom], dx, dy) {
    const x = clamp(dx, -left, this.width - right);
    const y = clamp(dy, -top, this.height - bottom);
    return [left + x, top + y, right + x, bottom + y];
  }

  #key(event) {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    const [dx, dy] = [x * STEP * this.width, y * STEP * this.height];
    this.choose(event.shiftKey ? resized(this.box, "se", dx, dy) : this.#shifted(this.box, dx, dy), true);
    this.layer.querySelector(".chosen").focus();
    clearTimeout(this.settled);
    this.settled = setTimeout(() => this.onchoose(this.box), 400);
  }
}

function resized([left, top, right, bottom], corner, dx, dy) {
  return [
    corner.includes("w") ? left + dx : left, corner.includes("n") ? top + dy : top,
    corner.includes("e") ? right + dx : right, corner.includes("s") ? bottom + dy : bottom,
  ];
}

const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const percentage = (value, whole) => `${(100 * value) / whole}%`;
