// 出産の予定月と、子の生まれた月。月だけを聞く。
import { make, say, write } from "./words.js";

const MOST = 5;
const OLDEST = 18; // 歳

export class Children {
  constructor(changed) {
    this.changed = changed;
    this.list = document.getElementById("children");
    this.add = document.getElementById("add-child");
    this.year = Number(document.body.dataset.today.slice(0, 4));
    this.count = 0;
    this.add.addEventListener("click", () => {
      this.#row().querySelector("input").focus();
      this.changed();
    });
  }

  /** [{birth_month?}, {due_month?}, …] を入れる。 */
  set(children) {
    this.list.replaceChildren();
    for (const child of children) this.#row(child);
    if (!children.length) this.#row();
  }

  clear() {
    this.list.replaceChildren();
    this.add.hidden = false;
  }

  /** 年と月のそろった行。足りない行は数えない。 */
  get value() {
    return this.rows.filter(complete).map((row) => {
      const month = `${field(row, "year").value}-${field(row, "month").value}`;
      // 生まれた月と並べて預かっている予定月(修正月齢のため)は、そのまま残す。
      const beside = row.dataset.due ? { due_month: row.dataset.due } : {};
      return kind(row) === "due" ? { due_month: month } : { birth_month: month, ...beside };
    });
  }

  get rows() {
    return [...this.list.children];
  }

  get selects() {
    return this.rows.flatMap((row) => [field(row, "year"), field(row, "month")]);
  }

  /** まだ選んでいない年と月。 */
  get wrong() {
    return this.selects.filter((one) => !one.value);
  }

  #row(child = {}) {
    const number = ++this.count;
    const row = document.getElementById("child-template").content.cloneNode(true).firstElementChild;
    if (child.birth_month && child.due_month) row.dataset.due = child.due_month;
    for (const radio of row.querySelectorAll("input")) {
      radio.name = `child-${number}`;
      radio.checked = radio.value === (child.due_month && !child.birth_month ? "due" : "birth");
    }
    for (const label of row.querySelectorAll("[data-for]")) {
      const select = field(row, label.dataset.for);
      select.id = `child-${number}-${label.dataset.for}`;
      label.htmlFor = select.id;
    }
    const [year, month] = (child.birth_month || child.due_month || "-").split("-");
    this.#years(row, year);
    options(field(row, "month"), [...Array(12).keys()].map((n) => [String(n + 1).padStart(2, "0"), say("month", { count: n + 1 })]), month);
    row.addEventListener("change", (event) => {
      if (event.target.type === "radio") this.#years(row, field(row, "year").value);
      this.changed();
    });
    row.querySelector("[data-remove]").addEventListener("click", () => this.#remove(row));
    this.list.append(row);
    this.#renumber();
    return row;
  }

  #years(row, chosen) {
    const due = kind(row) === "due";
    const years = due ? [this.year, this.year + 1] : [...Array(OLDEST + 1).keys()].map((n) => this.year - n);
    // 一覧から外れた年(過ぎた予定月、高校の年代を過ぎた子)も、預かっている間は見せる。
    if (chosen && !years.includes(Number(chosen))) years.splice(due ? 0 : years.length, 0, Number(chosen));
    options(field(row, "year"), years.map((n) => [String(n), say("year", { count: n })]), chosen);
  }

  #remove(row) {
    row.remove();
    if (!this.rows.length) this.#row();
    this.#renumber();
    this.add.hidden ? this.rows[0].querySelector("input").focus() : this.add.focus();
    this.changed();
  }

  #renumber() {
    this.rows.forEach((row, n) => write(row.querySelector("legend"), "child", { count: n + 1 }));
    this.add.hidden = this.rows.length >= MOST;
  }
}

const field = (row, name) => row.querySelector(`[data-id=${name}]`);
const kind = (row) => row.querySelector("input:checked").value;
const complete = (row) => field(row, "year").value && field(row, "month").value;

function options(select, pairs, chosen) {
  select.replaceChildren(...[["", say("choose")], ...pairs].map(([value, text]) => make("option", { value }, text)));
  select.value = pairs.some(([value]) => value === chosen) ? chosen : "";
}
