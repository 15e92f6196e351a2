// How many events of severity "info" are left out of the list, by central's count, and the button that lets them in.
import { call } from "./api.js";
import { put } from "./row.js";
import { plural } from "./text.js";

const FRESH = 30000; // ms for which a count is good

export class Hidden {
  #asked = 0; // questions so far: answers to all but the last come too late

  // `live`: whether central can be asked now. `oldest`: the time down to which the list reaches, or null for all.
  constructor(filter, { live, oldest }) {
    Object.assign(this, { filter, live, oldest });
    this.button = document.getElementById("info");
    this.button.addEventListener("click", () => this.toggle());
    setInterval(() => { if (!document.hidden) this.count(); }, FRESH);
  }

  toggle() {
    this.filter.showInfo(!this.filter.showsInfo);
  }

  async count() {
    this.#asked += 1;
    const mine = this.#asked;
    if (!this.filter.hidesInfo) {
      this.button.hidden = true;
      return;
    }
    if (!this.live()) return;
    const query = this.filter.query();
    query.set("severity", "info");
    const from = this.oldest();
    if (from !== null) query.set("since", from);
    try {
      const { count, more } = await call("GET", `/api/count?${query}`);
      if (mine !== this.#asked) return;
      put(this.button.querySelector("span"), plural("list.info", more ? `${count}+` : count));
      this.button.hidden = count === 0;
    } catch {
      // The next count comes soon; until then the one that is shown is a little old.
    }
  }
}
