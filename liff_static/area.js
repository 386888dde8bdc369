// 町を選び、それから丁目を選ぶ。68を一度に並べない。
import { announce, fill, make, say, write } from "./words.js";

let count = 0;

export class AreaPicker {
  constructor(place, changed) {
    this.changed = changed;
    this.value = null;
    this.name = "";
    this.group = `area-${++count}`;
    place.append(document.getElementById("area-template").content.cloneNode(true));
    this.root = place.querySelector(".area");
    this.towns = this.root.querySelector(".towns");
    this.chome = this.root.querySelector(".chome");
    this.chosen = this.root.querySelector(".chosen");
    this.find = this.root.querySelector("[data-id=find]");
    this.find.id = `${this.group}-find`;
    this.root.querySelector("[data-for=find]").htmlFor = this.find.id;
    this.find.addEventListener("input", () => this.#search());
    this.find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    // ごみを出す場所は、区の中だけ。
    if (place.dataset.area !== "area") this.root.querySelector("[data-outside]").parentElement.remove();
    this.root.querySelector(".rows").addEventListener("click", (event) => this.#town(event.target.closest("button"), true));
    this.chosen.querySelector("button").addEventListener("click", () => this.#back());
    this.chome.addEventListener("change", (event) => this.#choose(Number(event.target.value), event.target.dataset.name));
  }

  /** 保存された値を入れる。 */
  set(value) {
    this.clear();
    if (!value) return;
    for (const button of this.root.querySelectorAll(".row")) {
      if (Number(button.dataset.outside) === value || areasOf(button).some(([code]) => code === value)) {
        this.#town(button, false);
        const radio = this.chome.querySelector(`input[value="${value}"]`);
        if (radio) {
          radio.checked = true;
          this.#choose(value, radio.dataset.name);
        }
      }
    }
  }

  clear() {
    this.value = null;
    this.name = "";
    this.find.value = "";
    this.#search();
    this.#show(this.towns);
    this.chome.querySelector(".options").replaceChildren();
  }

  /** いま見えている欄。 */
  get current() {
    return this.towns.hidden ? this.chome : this.towns;
  }

  focus() {
    (this.towns.hidden ? this.chome.querySelector("input") : this.find).focus();
  }

  #search() {
    const wanted = hiragana(this.find.value.trim().toLowerCase());
    let shown = 0;
    for (const button of this.root.querySelectorAll(".row")) {
      const fits = !wanted || button.dataset.find.split(" ").some((word) => word.startsWith(wanted));
      button.parentElement.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    fill(this.root.querySelector(".found"), !wanted ? "" : shown ? say("found", { count: shown }) : say("found_none"));
  }

  #town(button, byHand) {
    if (!button) return;
    if (button.dataset.outside) {
      this.#show(this.chosen);
      this.#choose(Number(button.dataset.outside), button.dataset.name);
      if (byHand) this.chosen.querySelector("button").focus();
      return;
    }
    const town = button.dataset.name;
    write(this.chome.querySelector("legend"), "chome_of", { town });
    this.chome.querySelector(".options").replaceChildren(
      ...areasOf(button).map(([code, label]) => option(this.group, code, label, `${town} ${label}`)),
    );
    this.#show(this.chome);
    if (byHand) {
      this.chome.querySelector("legend").focus();
      this.chome.scrollIntoView({ block: "nearest" });
    }
  }

  #choose(value, name) {
    this.value = value;
    this.name = name;
    write(this.chosen.querySelector("span"), "chosen", { name });
    this.chosen.hidden = false;
    announce(say("chosen", { name }));
    this.changed();
  }

  #back() {
    this.clear();
    this.changed();
    this.find.focus();
  }

  #show(part) {
    this.towns.hidden = part !== this.towns;
    this.chome.hidden = part !== this.chome;
    this.chosen.hidden = part === this.towns;
    if (part === this.chome) fill(this.chosen.querySelector("span"), "");
  }
}

function option(group, code, label, name) {
  const input = make("input", { type: "radio", name: group, value: code, "data-name": name });
  return make("label", { class: "option" }, input, make("span", {}, label));
}

function areasOf(button) {
  return JSON.parse(button.dataset.areas || "[]");
}

function hiragana(text) {
  return text.replace(/[ァ-ヶ]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0x60));
}
