// Helpers of the page's script: elements and readable text. It knows nothing about rows.
"use strict";

function byId(id) { return document.getElementById(id); }

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value; else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const words = (text) => text.replaceAll("_", " ");

/** A readable time in UTC. */
function time(millis) {
  const date = new Date(millis ?? NaN);
  return isNaN(date) ? "" : date.toISOString().replace("T", " ").slice(0, 19);
}

/** Text without case and accents. */
function folded(text) {
  const lower = text.toLowerCase();
  return /^[\x00-\x7f]*$/.test(lower) ? lower : lower.normalize("NFD").replace(/\p{M}+/gu, "");
}

/** A password as it is read out on the phone. */
function spelt(password) {
  const names = { "-": "hyphen", "+": "plus", ":": "colon", ".": "full stop", ",": "comma", "_": "underscore", "!": "exclamation mark", " ": "space" };
  return [...password].map((letter) => {
    if (/[0-9]/.test(letter)) return `digit ${letter}`;
    if (/\p{Lu}/u.test(letter)) return `capital ${letter}`;
    if (/\p{Ll}/u.test(letter)) return `small ${letter}`;
    return names[letter] ?? letter;
  }).join(", ");
}
