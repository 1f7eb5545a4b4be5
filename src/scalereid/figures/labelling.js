"use strict";
const sheet = JSON.parse(document.getElementById("sheet").textContent);
const key = `scalereid label ${sheet.digest}`;
const at = (id) => document.getElementById(id);
const choices = [...document.querySelectorAll("[data-answer]")];
let keeps = true;
let answers = remembered();
let current = Math.max(0, answers.indexOf(""));

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    if (Array.isArray(kept) && kept.length === sheet.pairs.length) return kept;
  } catch {
    keeps = false;
  }
  return sheet.pairs.map(() => "");
}

function remember() {
  try {
    localStorage.setItem(key, JSON.stringify(answers));
  } catch {
    keeps = false;
  }
}

function show() {
  const [first, second] = sheet.pairs[current];
  at("first").src = sheet.images[first];
  at("second").src = sheet.images[second];
  for (const choice of choices) {
    choice.setAttribute("aria-pressed", String(choice.dataset.answer === answers[current]));
  }
  const labelled = answers.filter(Boolean).length;
  const done = labelled === answers.length;
  at("bar").value = labelled;
  at("status").textContent = `Pair ${current + 1} of ${answers.length}, ${labelled} labelled.`
    + (done ? " All are labelled: save them." : "")
    + (keeps ? "" : " This browser keeps no answers: save them before you close the page.");
  at("back").disabled = current === 0;
  at("next").disabled = current === answers.length - 1;
}

function move(steps) {
  current = Math.min(Math.max(current + steps, 0), answers.length - 1);
  show();
}

function answer(given) {
  answers[current] = given;
  remember();
  move(1);
}

function csv() {
  const rows = sheet.pairs.map(([, , before, after], i) => `${before},${answers[i]},${after}`);
  return [sheet.columns, ...rows, ""].join("\n");
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = "pairs.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

for (const choice of choices) {
  choice.addEventListener("click", () => answer(choice.dataset.answer));
}
at("back").addEventListener("click", () => move(-1));
at("next").addEventListener("click", () => move(1));
at("save").addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const choice = choices.find((button) => button.dataset.key === event.key.toLowerCase());
  if (choice) answer(choice.dataset.answer);
  else if (event.key === "ArrowLeft") move(-1);
  else if (event.key === "ArrowRight") move(1);
});
show();
